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

_MARK = r"(?:差评|中评|坏评|一星|1星|好评|评价|评论|追评|曝光|删评|改评|小红书|抖音|挂出去)"
_MONEY = (
    r"(?:[0-9０-９]+\s*(?:块|元|百|千|rmb)|[一二三四五六七八九十两百千]+(?:块钱|百块|块|百|千)|红包|转账|打钱|"
    r"给钱|给点钱|拿钱|要钱|封口费|辛苦费|精神损失|好处费|好处|白送|送我|免单|赔钱|意思意思|表示表示|微信收款)"
)
_REFUND = r"(?:退款|退钱|全额退|退我|给我退|退全款|仅退款|退一半|补偿|赔偿|赔我)"
_OR = (
    r"(?:否则|不然|要不然|要不|不给(?:的话|就|(?=我?[，,差中一]))|不退(?:的话)?|不赔(?:的话)?|"
    r"不答应|不同意|就等着|等着|别怪我)"
)
_THEN = r"(?:就|马上|立刻|立马|可以|给你|帮你|再)"
_DO = r"(?:删|改|撤|去掉|消掉|给(?:你|你们|个|五星|5星)?)"

_PATTERNS: tuple[tuple[int, "re.Pattern[str]"], ...] = tuple(
    (weight, re.compile(words, re.I))
    for weight, words in (
        (3, rf"{_MONEY}[^。！？\n]{{0,14}}{_OR}[^。！？\n]{{0,14}}{_MARK}"),
        (3, rf"{_OR}[^。！？\n]{{0,6}}{_MONEY}[^。！？\n]{{0,14}}{_MARK}"),
        (3, rf"不(?:给|打|转)(?:我)?(?:钱|红包)[^。！？\n]{{0,12}}{_MARK}"),
        (3, rf"{_MONEY}[^。！？\n]{{0,12}}{_THEN}[^。！？\n]{{0,6}}{_DO}[^。！？\n]{{0,6}}{_MARK}"),
        (3, rf"(?:想|要)(?:我|让我)?{_DO}[^。！？\n]{{0,6}}{_MARK}[^。！？\n]{{0,14}}{_MONEY}"),
        (3, rf"{_DO}(?:了)?{_MARK}[^。！？\n]{{0,8}}(?:先)?(?:给|转|打)[^。！？\n]{{0,6}}{_MONEY}"),
        (1, rf"{_REFUND}[^。！？\n]{{0,14}}{_OR}[^。！？\n]{{0,14}}{_MARK}"),
        (1, rf"{_OR}[^。！？\n]{{0,8}}{_REFUND}[^。！？\n]{{0,10}}{_MARK}"),
        (1, rf"不(?:退|赔)[^。！？\n]{{0,8}}{_MARK}"),
    )
)


@dataclass(frozen=True, slots=True)
class Demand:
    """A passage that ties a benefit to the review. Weight 3: money or goods; 1: only the refund."""

    start: int
    end: int
    weight: int
    words: str


def find_demands(text: str) -> list[Demand]:
    """Passages in which money, goods or a refund is asked against the review, in order of the text."""
    found: list[Demand] = []
    for weight, pattern in _PATTERNS:
        for hit in pattern.finditer(text):
            if not any(one.start < hit.end() and hit.start() < one.end for one in found):
                found.append(Demand(hit.start(), hit.end(), weight, hit[0]))
    return sorted(found, key=lambda one: one.start)


def demand(texts: Sequence[tuple[str, str]]) -> Signal | None:
    """Money, goods or a refund asked against the review in what the buyer said; (place, text) pairs."""
    found = [(place, one) for place, text in texts for one in find_demands(text)]
    if not found:
        return None
    passages = [{"place": place, "words": one.words} for place, one in found][:5]
    return Signal(SignalKind.DEMAND, max(one.weight for _place, one in found), {"passages": passages})
