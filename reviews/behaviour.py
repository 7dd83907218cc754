"""What speaks for malice besides the words of a review: signals, one by one, with the facts behind them.

Pure: values in, `Signal`s out. A signal is a reason to look, never a verdict. Malice is proposed only when
several signals of different kinds agree, and only a person confirms it. Every threshold here is measured for
how often honest buyers trip it (benchmarks/behaviour.py).
"""

import hashlib
import math
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from rapidfuzz import fuzz


class SignalKind(StrEnum):
    NO_ORDER = "no_order"
    SAME_BUYER = "same_buyer"
    SAME_TEXT = "same_text"
    SAME_PICTURE = "same_picture"
    REUSED_PROOF = "reused_proof"
    BURST = "burst"
    DEMAND = "demand"


@dataclass(frozen=True, slots=True)
class Signal:
    """One sign. `weight` 1 weak, 2 clear, 3 strong; `facts` are plain JSON: numbers and ids of reviews."""

    kind: SignalKind
    weight: int
    facts: dict[str, Any] = field(default_factory=dict)


PROPOSE_AT = 3  # of weights, of at least two kinds


def suggests_malice(signals: Iterable[Signal]) -> bool:
    """Whether together they are worth a person's look. Never by one sign alone, however strong."""
    weights = {one.kind: one.weight for one in signals}
    return len(weights) > 1 and sum(weights.values()) >= PROPOSE_AT


# --- no order -------------------------------------------------------------------------------------

ORDERS_KNOWN = 0.8  # of a shop's reviews find their order, else a missing one says nothing


def no_order(*, has_order: bool, order_no: str, matched: int, reviews: int) -> Signal | None:
    """No matching order, in a shop whose reviews otherwise find theirs. Always weak: it may come later."""
    if has_order or not reviews or matched / reviews < ORDERS_KNOWN:
        return None
    return Signal(SignalKind.NO_ORDER, 1, {"order_no": order_no, "matched": matched, "known": reviews})


# --- the same buyer -------------------------------------------------------------------------------

# Where a nick belongs to one person: elsewhere two strangers may share it.
UNIQUE_NICKS = frozenset({"taobao", "tmall", "jd"})
_MASKED = re.compile(r"[*＊●•…]|\.\.\.")
_NOBODY = re.compile(r"^(匿名\w*|\w*匿名|昵称已存在|已注销\w*|账号已注销|用户已注销|淘宝用户|京东用户)$")
FEW_MARKS, MANY_MARKS = 3, 5  # bad marks for separate orders, this one counted


def names_nobody(nick: str) -> bool:
    """Whether many buyers stand under this nick: a masked one (t**6), 匿名用户."""
    return bool(_MASKED.search(nick) or _NOBODY.match(nick))


def names_one_person(nick: str, platform: str) -> bool:
    """Whether two reviews under this nick are surely one buyer's: never under a masked one (t**6)."""
    return platform in UNIQUE_NICKS and len(nick) > 1 and not names_nobody(nick)


@dataclass(frozen=True, slots=True)
class Mark:
    """One review of the same person: `deal` is what was bought at once, a bad parcel counts once."""

    review_id: int
    shop_id: int
    product_id: int | None
    deal: str
    is_bad: bool


def same_buyer(own_deal: str, own_shop: int, others: Sequence[Mark]) -> Signal | None:
    """Bad marks by one person for several separate orders, with hardly a good one among them."""
    bad = [one for one in others if one.is_bad and one.deal != own_deal]
    good = sum(not one.is_bad for one in others)
    deals = {one.deal for one in bad}
    products = {one.product_id for one in bad if one.product_id}
    marks = len(deals) + 1
    # Who also praises is a buyer who judges; who only ever marks badly is worth a look.
    if marks < FEW_MARKS or len(products) < 2 or good > len(deals) // 2:
        return None
    shops = {one.shop_id for one in bad} | {own_shop}
    facts = {
        "marks": marks,
        "good": good,
        "shops": len(shops),
        "reviews": sorted(one.review_id for one in bad)[-10:],
    }
    return Signal(SignalKind.SAME_BUYER, 2 if marks >= MANY_MARKS or len(shops) > 1 else 1, facts)


# --- the same text --------------------------------------------------------------------------------

SHORTEST = 14  # signs: shorter complaints are alike by chance ("质量太差了，不要买")
ALIKE = 88.0  # rapidfuzz ratio of two texts that are one
SHINGLE = 3
BANDS, ROWS = 12, 3  # finds 0.8-alike shingle sets with 99.99 %, 0.3-alike ones with 28 %
_PRIME = (1 << 61) - 1
_random = np.random.default_rng(20261121)
_A = _random.integers(1, 2**31, BANDS * ROWS, dtype=np.int64)
_B = _random.integers(0, 2**31, BANDS * ROWS, dtype=np.int64)


def plain_text(text: str) -> str:
    """What is compared: NFKC, lower case, letters and digits only."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).lower() if sign.isalnum())


def fingerprints(text: str) -> list[int]:
    """MinHash bands of a text's 3-grams, as signed 64-bit numbers; none for a text too short to tell.

    Texts that are nearly the same share at least one, so that likes are found by equality alone.
    """
    plain = plain_text(text)
    if len(plain) < SHORTEST:
        return []
    grams = {plain[n : n + SHINGLE] for n in range(len(plain) - SHINGLE + 1)}
    hashes = np.fromiter((zlib.crc32(one.encode()) for one in grams), dtype=np.int64, count=len(grams))
    # Within 63 bits: 32-bit hashes by 31-bit factors.
    mixed = (hashes[:, None] * _A[None, :] + _B[None, :]) % _PRIME
    least = mixed.min(axis=0).reshape(BANDS, ROWS)
    return [_number(f"text {n} {row.tolist()}") for n, row in enumerate(least)]


def picture_fingerprints(addresses: Sequence[str]) -> list[int]:
    """One number a picture address."""
    return sorted({_number(f"picture {one.strip()}") for one in addresses if one.strip()})


def _number(words: str) -> int:
    """A signed 64-bit number of a text, the same in every process."""
    digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@dataclass(frozen=True, slots=True)
class Like:
    """A review that may be like another one. `writer` is what is known of the account: nick, number."""

    review_id: int
    shop_id: int
    text: str
    writer: frozenset[str]
    pictures: tuple[str, ...] = ()


def strangers(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two accounts are surely not one: both known and nothing in common (a masked nick counts)."""
    return bool(one and other) and not one & other


def same_text(text: str, writer: frozenset[str], others: Sequence[Like]) -> Signal | None:
    """Nearly this text under other accounts' names."""
    plain = plain_text(text)
    if len(plain) < SHORTEST or not writer:
        return None
    found: dict[frozenset[str], tuple[float, Like]] = {}
    for one in others:
        if not strangers(one.writer, writer):
            continue
        share = fuzz.ratio(plain, plain_text(one.text), score_cutoff=ALIKE)
        if share and share > found.get(one.writer, (0.0, one))[0]:
            found[one.writer] = (share, one)
    if not found:
        return None
    alike = [one for _share, one in found.values()]
    facts = {
        "accounts": len(found) + 1,
        "alike": round(max(share for share, _one in found.values())),
        "reviews": sorted(one.review_id for one in alike)[-10:],
        "shops": len({one.shop_id for one in alike}),
    }
    return Signal(SignalKind.SAME_TEXT, 2, facts)


def same_picture(pictures: Sequence[str], writer: frozenset[str], others: Sequence[Like]) -> Signal | None:
    """The very picture another account has shown before."""
    own = set(pictures)
    found = [one for one in others if strangers(one.writer, writer) and own & set(one.pictures)]
    if not found:
        return None
    facts = {"reviews": sorted({one.review_id for one in found})[-10:]}
    return Signal(SignalKind.SAME_PICTURE, 2, facts)


def reused_proof(writer: frozenset[str], others: Sequence[Like]) -> Signal | None:
    """Photo proof that stood in the cases of these reviews before; clear only if surely of other accounts."""
    if not others:
        return None
    foreign = sum(strangers(one.writer, writer) for one in others)
    facts = {"reviews": sorted(one.review_id for one in others)[-10:], "foreign": foreign}
    return Signal(SignalKind.REUSED_PROOF, 2 if foreign else 1, facts)


# --- bursts ---------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)
HISTORY = timedelta(days=28)
LEAST_IN_BURST = 4
LEAST_RATE = 1 / 48  # marks an hour a product is granted without any history: one in two days
UNLIKELY = 1e-4


def burst(at: datetime, times: Sequence[datetime]) -> Signal | None:
    """More bad marks on one product within the hour before `at` than its four weeks make likely.

    `times` are those of all bad marks of the product, this one included.
    """
    recent = sum(at - HOUR < one <= at for one in times)
    if recent < LEAST_IN_BURST or len(set(times)) == 1 < len(times):  # a file with days only
        return None
    before = sum(at - HISTORY < one <= at - HOUR for one in times)
    usual = max(before / ((HISTORY - HOUR) / HOUR), LEAST_RATE)
    if _chance_of(recent, usual) > UNLIKELY:
        return None
    return Signal(SignalKind.BURST, 1, {"marks": recent, "usual_a_day": round(usual * 24, 1)})


def _chance_of(least: int, mean: float) -> float:
    """How likely a Poisson variable of this mean is to reach `least`."""
    below = sum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(least))
    return max(0.0, 1.0 - below)


# --- money asked ----------------------------------------------------------------------------------

_MARK = r"(?:差评|中评|坏评|[一1]\s*(?:颗)?星|好评|评价|评论|追评|曝光|删评|改评|小红书|抖音|挂出去)"
_NUMBER = r"(?:[0-9０-９]+|[一二三四五六七八九十两百千]+)"
_MONEY = (
    rf"(?:[0-9０-９]+\s*(?:块|元|百|千|rmb)|[一二三四五六七八九十两百千]+(?:块钱|百块|块|元|百|千)|红包|转账|打钱|"
    rf"给钱|给点钱|拿钱|要钱|封口费|辛苦费|精神损失|好处费|好处|[白再多]送(?:我)?{_NUMBER}?|送我|免单|赔钱|"
    rf"意思意思|表示表示|微信收款|[vV]\s*我\s*[0-9０-９]+|给我?[0-9０-９]{{2,}}(?!\s*[天日号月年星分点个])|"
    rf"给我?[点些]?补偿)"
)
_REFUND = r"(?:退款|退钱|全额退|退我|给我退|退全款|仅退款|退一半|补偿|赔偿|赔我)"
_OR = (
    r"(?:否则|不然|要不然|要不|不给(?:的话|就|(?=我?[，,差中一]))|不退(?:的话)?|不赔(?:的话)?|"
    r"不答应|不同意|就等着|等着|别怪我)"
)
_THEN = r"(?:就|马上|立刻|立马|可以|给你|帮你|再)"
_DO = r"(?:删|改|撤|去掉|消掉|给(?:你|你们|个|五星|5星)?)"
_TO_GOOD = rf"(?:{_DO}(?<!给)|给(?:你|你们)?(?![^。！？\n]{{0,6}}(?:差评|中评|坏评|[一1]\s*颗?星)))"
_REFUSED = (
    r"不(?:返现|返钱|免单|发红包|给红包|送礼|打钱|转账|给(?:我)?(?:好处费?|封口费|辛苦费)|"
    rf"[给打转发返补]\s*我?\s*{_NUMBER}\s*(?:块钱|块|元)?)"
)
_AT_ONCE = r"(?:就|马上|立刻|立马|直接|只能)"

_PATTERNS: tuple[tuple[int, "re.Pattern[str]"], ...] = tuple(
    (weight, re.compile(words, re.I))
    for weight, words in (
        (3, rf"{_MONEY}[^。！？\n]{{0,14}}{_OR}[^。！？\n]{{0,14}}{_MARK}"),
        (3, rf"{_OR}[^。！？\n]{{0,6}}{_MONEY}[^。！？\n]{{0,14}}{_MARK}"),
        (3, rf"不(?:给|打|转)(?:我)?(?:钱|红包)[^。！？\n]{{0,12}}{_MARK}"),
        (3, rf"{_REFUSED}(?:的话)?[，,、\s]*(?:那我?|我|老子)?{_AT_ONCE}[^。！？\n]{{0,8}}{_MARK}"),
        (3, rf"{_MONEY}[^。！？\n]{{0,12}}{_THEN}[^。！？\n]{{0,6}}{_TO_GOOD}[^。！？\n]{{0,6}}{_MARK}"),
        (
            3,
            rf"{_MONEY}[^。！？\n]{{0,6}}{_AT_ONCE}[^。！？\n]{{0,2}}"
            rf"把[^。！？\n]{{0,4}}{_MARK}[^。！？\n]{{0,4}}[删改撤]",
        ),
        (3, rf"{_MONEY}[，,\s]*我?{_AT_ONCE}[删改撤](?:[掉了]|评)?(?=[，。！？!?,\s]|$)"),
        (3, rf"(?:想|要)(?:我|让我)?{_DO}[^。！？\n]{{0,6}}{_MARK}[^。！？\n]{{0,14}}{_MONEY}"),
        (3, rf"{_DO}(?:了)?{_MARK}[^。！？\n]{{0,8}}(?:先)?(?:给|转|打)[^。！？\n]{{0,6}}{_MONEY}"),
        (1, rf"{_REFUND}[^。！？\n]{{0,14}}{_OR}[^。！？\n]{{0,14}}{_MARK}"),
        (1, rf"{_OR}[^。！？\n]{{0,8}}{_REFUND}[^。！？\n]{{0,10}}{_MARK}"),
        (1, rf"不(?:退|赔)[^。！？\n]{{0,8}}{_MARK}"),
    )
)

# "I want no money": taken out before anything is looked for. "If I get none" (不给, 不返) stays.
_DENIED = re.compile(
    r"(?:不(?:是)?(?:想|需|稀罕|图)?要|不(?:是)?(?:想|为了?)|不稀罕|不图|不缺|没(?:有)?(?:想)?(?:要|提)过?|没想)"
    rf"(?:你们?|他们|店家|的|什么|任何|一分){{0,2}}{_MONEY}|不要(?:你们?的?)?(?:一分)?钱"
)
# What the shop offers ("给您转30元") or is said to have offered, and what it promised itself.
_OFFER = re.compile(
    r"[给转返送退赔补发][您你](?!们?[^，。]{0,3}(?:[删改撤去消追]|评|星))|"
    r"(?:亲|您)[^。！？\n]{0,10}(?:可以|能|帮忙|麻烦)"
)
_TOLD = re.compile(
    r"(?:客服|商家|卖家|店家|店主|掌柜|他们?|她)[^，。！？\n]{0,4}"
    r"(?:说|让|叫|求|提出|承诺|答应|主动|私信)[^，。！？\n]{0,6}$"
    r"|(?:说好|承诺|答应|约定|写着|宣传)[^。！？\n]{0,10}$"
)

# Who speaks, where a chat says so: a name and a colon at the start of a line, perhaps with the time.
_TIME = (
    r"[\[(（]?(?:\d{2,4}[年./-]\d{1,2}(?:[月./-]\d{1,2}日?)?\s*)?"
    r"\d{1,2}[:：]\d{2}(?:[:：]\d{2})?[\])）]?"
)
_LABEL = re.compile(
    rf"^[ \t]*(?:{_TIME}\s*)?(?P<who>[^\s：:，,。！？!?；;(（\[]{{1,24}})"
    r"(?:[:：][^\s：:，,。(（]{1,10}(?=\s*[(（\d]))?"  # the shop's own account: 某旗舰店:小美
    rf"[ \t]*(?:{_TIME}[ \t]*[：:]?|[：:])"
    r"|(?<=[\s。！？；])(?P<known>客服|商家|卖家|店家|店主|掌柜|店小二|买家|顾客|客户)[：:]",
    re.M,
)
_SHOP = re.compile(
    r"(?!你|我|这|那|给|跟|对|找|问|联系|告诉|@|买家|顾客|客户|用户)"
    r"(?:.{0,20}(?:客服|商家|卖家|店家|店铺|店主|店长|店|掌柜|小二|官方|售后|主管)(?:\S{0,6}))$"
)
# A line "退款方案：" goes on with what somebody says; it is no name.
_NO_NAME = re.compile(
    r".*(?:方案|如下|说明|备注|地址|电话|单号|订单号?|时间|金额|快递|温馨提示|补偿|流程|链接|https?)$"
)


@dataclass(frozen=True, slots=True)
class Demand:
    """A passage that ties a benefit to the review. Weight 3: money or goods; 1: only the refund."""

    start: int
    end: int
    weight: int
    words: str


def without_shop(text: str) -> str:
    """The text with what the shop itself says in it blanked out, sign by sign: places stay."""
    labels = [one for one in _LABEL.finditer(text) if one["known"] or not _NO_NAME.match(one["who"])]
    ends = [*(one.start() for one in labels), len(text)][1:]
    for label, end in zip(labels, ends, strict=False):
        if _SHOP.match(label["known"] or label["who"]):
            start = label.start()
            text = text[:start] + _blank(text[start:end]) + text[end:]
    return text


def _blank(words: str) -> str:
    return re.sub(r"[^\n]", "\0", words)


def find_demands(text: str) -> list[Demand]:
    """Passages in which money, goods or a refund is asked against the review, in order of the text.

    What the shop says in a chat is never one, nor a demand that is denied.
    """
    heard = _DENIED.sub(lambda hit: _blank(hit[0]), without_shop(text))
    found: list[Demand] = []
    for weight, pattern in _PATTERNS:
        for hit in pattern.finditer(heard):
            if _OFFER.search(heard, max(0, hit.start() - 3), hit.end()) or _TOLD.search(
                heard, 0, hit.start()
            ):
                continue
            if not any(one.start < hit.end() and hit.start() < one.end for one in found):
                found.append(Demand(hit.start(), hit.end(), weight, text[hit.start() : hit.end()]))
    return sorted(found, key=lambda one: one.start)


def is_said_by_buyer(words: str, text: str) -> bool:
    """Whether these words stand so in the chat, outside what the shop says in it."""
    return bool(words.strip()) and words.strip() in without_shop(text)


def demand(texts: Sequence[tuple[str, str]]) -> Signal | None:
    """Money, goods or a refund asked against the review in what the buyer said; (place, text) pairs."""
    found = [(place, one) for place, text in texts for one in find_demands(text)]
    if not found:
        return None
    passages = [{"place": place, "words": one.words} for place, one in found][:5]
    return Signal(SignalKind.DEMAND, max(one.weight for _place, one in found), {"passages": passages})
