"""Build characters.json: traditional signs, sounds of sensitive words, everyday words that sound alike."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reviews.compliance.learnt import ARTIFACTS

OUT = ARTIFACTS.parent / "characters.json"
WORDS = tuple(
    "好评 差评 中评 评价 评论 追评 初评 五星 返现 红包 微信 删除 删掉 修改 改评 "  # noqa: SIM905
    "删评 撤评 退款 晒图 截图 优惠券 支付宝 二维码 公众号 星级".split()
)
# Readings the words have where the first one listed is another.
READINGS = dict(
    zip("差中好券宝维号众", ["cha", "zhong", "hao", "quan", "bao", "wei", "hao", "zhong"], strict=True)
)
# Too frequent in every sentence to stand for another sign.
PLAIN = frozenset(
    "的了不是我你您他她它这那有在就都也还会要和与把被对为以可能一个上下来去到说看很太好没"
    "人们吧吗呢啊给让请再又从里中大小多少"
)
MORE_TRADITIONAL = dict(
    zip("昇蒐裏裡麽麼乾壹贰叁肆伍陆柒捌玖拾貳參陸", "升搜里里么么干一二三四五六七八九十二三六", strict=True)
)
SOURCE = (
    "opencc-python-reimplemented 0.1.7 TSCharacters.txt (Apache-2.0); pypinyin 0.55.0 (MIT); "
    "jieba 0.42.1 dict.txt (MIT)"
)
SELDOM = 5  # times in jieba's dictionary, below which a word is no everyday word


class Command(BaseCommand):
    """Needs opencc-python-reimplemented, pypinyin (tests/requirements.txt) and jieba."""

    help = "Build the tables of the compliance check's normalising."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the tables go, and the date written into them."""
        parser.add_argument("--out", type=Path, default=OUT)
        parser.add_argument("--date", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write one JSON file."""
        sounds = _sounds()
        by_sound: dict[str, list[str]] = defaultdict(list)
        for sign in sorted(sounds):
            by_sound[sounds[sign]].append(sign)
        words = {" ".join(sounds[sign] for sign in word): word for word in WORDS}
        tables = {
            "source": SOURCE,
            "date": options["date"],
            "traditional": "".join(old + new for old, new in sorted(_traditional().items())),
            "syllables": {sound: "".join(by_sound[sound]) for sound in sorted(by_sound)},
            "words": words,
            "guards": "".join(sorted(_everyday(sounds, by_sound, words))),
        }
        options["out"].write_text(json.dumps(tables, ensure_ascii=False, indent=0), encoding="utf-8")
        self.stdout.write(f"{len(sounds)} signs sound like a part of {len(words)} words")


def _traditional() -> dict[str, str]:
    import opencc

    listed = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    found = {}
    for line in listed.read_text(encoding="utf-8").splitlines():
        old, new = line.split("\t")
        first = new.split(" ")[0]
        if old != first and len(old) == len(first) == 1 and "\u4e00" <= old <= "\u9fff":
            found[old] = first
    return {**found, **MORE_TRADITIONAL}


def _reading(sign: str) -> str:
    from pypinyin.contrib.tone_convert import to_normal
    from pypinyin.pinyin_dict import pinyin_dict

    return READINGS.get(sign) or to_normal(pinyin_dict.get(ord(sign), "").split(",")[0])


def _sounds() -> dict[str, str]:
    """Signs that sound like a part of a sensitive word → the sound without its tone."""
    parts = {sign: _reading(sign) for word in WORDS for sign in word}
    common = (
        bytes([row, cell]).decode("gb2312", "ignore")
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
    )
    sounds = {sign: _reading(sign) for sign in common if sign and sign not in PLAIN}
    return {**{sign: sound for sign, sound in sounds.items() if sound in parts.values()}, **parts}


def _everyday(sounds: dict[str, str], by_sound: dict[str, list[str]], words: dict[str, str]) -> set[str]:
    """Words of two signs that share a sign's place with a disguise, or sound like a sensitive word."""
    import jieba

    jieba.initialize()
    firsts = {sign for sound in words for sign in by_sound[sound.split()[0]]}
    lasts = {sign for sound in words for sign in by_sound[sound.split()[-1]]}
    found = set()
    for word, count in jieba.dt.FREQ.items():
        if len(word) == 2 and count >= SELDOM:
            alike = " ".join(sounds.get(sign, "?") for sign in word) in words
            if alike or word[0] in lasts or word[1] in firsts:
                found.add(word)
    return found - set(WORDS)
