"""Strip disguises from a text and keep, for every sign left, where it stood in the original."""

import re
import unicodedata
from dataclasses import dataclass

from .rules import DISGUISES

# Traditional → simplified, only the characters the rules look for (R1–R9), not a general converter.
_TRADITIONAL = dict(
    zip(
        "評價論刪銷隱藏請謝給錢現紅優惠禮產業員單運費賠償補發換滿歡圖曬後復與關係號碼電話機聯繫線轉賬帳戶額獎勵領點擊訂購滅國級絕對質療預約顆個們這條邊說寫當實買賣讓會還沒過無麻煩幫點顧東響應報警訴狀網開駡罵罰扣飯養傢總裏裡來時間間題壓為爲動變編輯撤屏蔽處務願您妳進從將麼嗎別種萬貳參陸叁肆伍柒捌玖拾壹",
        "评价论删销隐藏请谢给钱现红优惠礼产业员单运费赔偿补发换满欢图晒后复与关系号码电话机联系线转账账户额奖励领点击订购灭国级绝对质疗预约颗个们这条边说写当实买卖让会还没过无麻烦帮点顾东响应报警诉状网开骂骂罚扣饭养家总里里来时间间题压为为动变编辑撤屏蔽处务愿您你进从将么吗别种万二三六三四五七八九十一",
        strict=True,
    )
)
_SIGNS = {
    "⭐": "星", "🌟": "星", "★": "星", "☆": "星", "✨": "星", "❤": "心", "♥": "心", "💗": "心",
    "🧧": "红包", "💰": "现金", "💵": "现金", "🎁": "礼物", "📱": "电话", "➕": "加", "🐧": "qq",
    "💬": "", "🙏": "求", "🗑": "删",
    "✏": "改", "➡": "", "→": "", "㊙": "",
}  # fmt: skip
# Kept, since they end a phrase or are part of a number, name or address; all others vanish inside words.
_ENDS = frozenset("，。！？；：,.!?;:、\n")
_SPLIT_BY_COMMA = frozenset({"好评", "差评", "中评", "返现", "红包", "微信"})
_KEPT = frozenset("¥$%@/?=&") | _ENDS

_DISGUISES = re.compile("|".join(f"(?P<w{at}>{pattern})" for at, (pattern, _word) in enumerate(DISGUISES)))
_HAN_DIGITS = {sign: str(value) for value, sign in enumerate("零一二三四五六七八九")} | {
    "〇": "0",
    "幺": "1",
    "两": "2",
}
_DIGIT_RUN = re.compile(r"[零〇幺一二两三四五六七八九\d]{7,}")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without disguises; sign i of `text` came from original[starts[i]:ends[i]]."""

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Place in the original of text[start:end] (not empty)."""
        return min(self.starts[start:end]), max(self.ends[start:end])


def normalise(text: str) -> Plain:
    """NFKC, simplified, lower case; emoji, zero-width signs and spaces gone; homophones made plain."""
    return _plain_words(_digits(_joined(_signs(text))))


def _signs(text: str) -> Plain:
    out: list[str] = []
    starts: list[int] = []
    for at, sign in enumerate(text):
        if sign in "+＋" and text[at + 1 : at + 4].lstrip()[:1].lower() in tuple("vw薇微威q"):
            folded = "加"
        elif sign in _SIGNS:
            folded = _SIGNS[sign]
        elif "\u4e00" <= sign <= "\u9fff":
            folded = _TRADITIONAL.get(sign, sign)
        elif sign.isascii() and sign.isalnum():
            folded = sign.lower()
        else:
            folded = _folded(sign)
        out.append(folded)
        starts.extend([at] * len(folded))
    return Plain("".join(out), starts, [at + 1 for at in starts])


def _folded(sign: str) -> str:
    folded = unicodedata.normalize("NFKC", sign).casefold()
    keep = []
    for part in folded:
        category = unicodedata.category(part)
        if part in _KEPT or category[0] in "LN":
            keep.append(_TRADITIONAL.get(part, part))
        elif part == "\t" or category == "Zs":
            keep.append(" ")
        # Zero-width, combining, emoji, brackets, dashes and control signs vanish without a trace.
    return "".join(keep)


def _joined(plain: Plain) -> Plain:
    """Drop spaces and dots inside words; one space stays between two Latin words."""
    text = plain.text
    keep: list[int] = []
    for at, sign in enumerate(text):
        if sign in " .、" and keep and not _parts_words(text, text[keep[-1]], at):
            continue
        keep.append(at)
    pick = [text[at] for at in keep]
    return Plain("".join(pick), [plain.starts[at] for at in keep], [plain.ends[at] for at in keep])


def _parts_words(text: str, before: str, at: int) -> bool:
    """Whether the space or dot at `at` stands between words; `好.评` and `返、现` are disguises."""
    after = next((sign for sign in text[at + 1 : at + 9] if sign != " "), "")
    if text[at] == " ":
        return before.isascii() and before.isalpha() and after.isascii() and after.isalnum()
    if text[at] == "、":
        return before + after not in _SPLIT_BY_COMMA
    return not (_is_han(before) and _is_han(after))


def _is_han(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff"


def _digits(plain: Plain) -> Plain:
    """Chinese digits of a long run (a spoken phone or order number) become figures, one for one."""
    if not _DIGIT_RUN.search(plain.text):
        return plain
    text = _DIGIT_RUN.sub(_figures, plain.text)
    return Plain(text, plain.starts, plain.ends)


def _figures(run: re.Match[str]) -> str:
    """Fewer than three Chinese digits beside figures are a word of the sentence: `138…78一直`."""
    if sum(sign in _HAN_DIGITS for sign in run[0]) < 3:
        return run[0]
    return "".join(_HAN_DIGITS.get(sign, sign) for sign in run[0])


def _plain_words(plain: Plain) -> Plain:
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for match in _DISGUISES.finditer(plain.text):
        word = DISGUISES[int((match.lastgroup or "w0")[1:])][1]
        first, final = plain.span(match.start(), match.end())
        out += [plain.text[last : match.start()], word]
        starts += plain.starts[last : match.start()] + [first] * len(word)
        ends += plain.ends[last : match.start()] + [final] * len(word)
        last = match.end()
    if not last:
        return plain
    out.append(plain.text[last:])
    return Plain("".join(out), starts + plain.starts[last:], ends + plain.ends[last:])
