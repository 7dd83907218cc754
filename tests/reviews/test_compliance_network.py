"""The networks of the compliance check: when they are asked, what they say, and that they say it again."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reviews.classification.network import Network, load_network
from reviews.compliance import Kind, find_offences, learnt, network, verdict

ROOT = Path(__file__).parents[2]

# Written for these tests: no word is telling, or the telling word is meant otherwise.
OBLIQUE = (
    "姐，您那几句话收一收，水果我给您再发一箱，咱谁都别提",
    "您孩子在实验小学吧，有些话写出来可不好看",
    "留言那里要是能换个说法，这趟的油费我出",
    "我这份活就看您那一条了，您不动它我明天就不用来了",
)
PLAIN = (
    "有人打着我们的名义说删评论能领钱，别信，那不是我们",
    "评价您照实写，退款跟它没关系，今天就到账",
    "微信支付那笔已经原路退回，请查收",
    "客服培训：买家说差评也不许劝，先把问题解决",
)


class Readers:
    """Networks that answer as told, and say which of them were asked."""

    def __init__(self) -> None:
        self.odds = {network.SMALL: 0.0, network.LARGE: 0.0}
        self.asked: list[str] = []

    def read(self, name: str, _line: str) -> tuple[float, ...]:
        self.asked.append(name)
        return (self.odds[name],) * len(learnt.OUTPUTS)


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Readers:
    made = Readers()
    monkeypatch.setattr(network, "_read", made.read)
    return made


@pytest.fixture
def unread() -> Iterator[None]:
    """Nothing loaded and nothing read yet, before and after."""
    network._load.cache_clear()
    network._read.cache_clear()
    yield
    network._load.cache_clear()
    network._read.cache_clear()


def says(monkeypatch: pytest.MonkeyPatch, odds: float) -> None:
    monkeypatch.setattr(learnt, "scores", lambda *_given: dict.fromkeys(learnt.OUTPUTS, odds))


def agree(monkeypatch: pytest.MonkeyPatch, odds: float) -> None:
    """All readers together say so."""
    monkeypatch.setattr(network, "judge", lambda *_given: dict.fromkeys(learnt.OUTPUTS, odds))


def test_it_blocks_what_no_single_word_tells() -> None:
    verdicts = [verdict(find_offences(text, Kind.CHAT, "taobao")) for text in OBLIQUE]
    assert verdicts.count("block") >= len(OBLIQUE) - 1  # the third passes


@pytest.mark.parametrize("text", PLAIN)
def test_it_passes_what_only_names_the_forbidden(text: str) -> None:
    assert find_offences(text, Kind.CHAT, "taobao") == []


def test_nobody_else_reads_what_the_linear_model_holds_for_plainly_lawful(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -9.0)
    assert find_offences("明天给您补发", Kind.CHAT) == []
    assert readers.asked == []


@pytest.mark.parametrize(("linear", "small", "blocked"), [(-4.0, -9.0, False), (9.0, 9.0, True)])
def test_the_small_network_alone_decides_where_both_are_sure(
    linear: float, small: float, blocked: bool, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, linear)
    readers.odds[network.SMALL] = small
    assert (verdict(find_offences("明天给您补发", Kind.CHAT)) == "block") is blocked
    assert readers.asked == [network.SMALL]


@pytest.mark.parametrize(("linear", "small"), [(0.0, 0.0), (-3.0, 3.0), (3.0, -4.0)])
@pytest.mark.parametrize("large", [-9.0, 9.0])
def test_the_large_network_decides_what_both_leave_open(
    linear: float, small: float, large: float, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, linear)
    readers.odds = {network.SMALL: small, network.LARGE: large}
    assert (verdict(find_offences("明天给您补发", Kind.CHAT)) == "block") == (large > 0)
    assert readers.asked == [network.SMALL, network.LARGE]


def test_every_rules_match_is_read_however_sure_the_linear_model(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -9.0)
    readers.odds[network.SMALL] = 30.0
    assert verdict(find_offences("麻烦改为好评", Kind.CHAT)) == "block"
    assert readers.asked == [network.SMALL]


@pytest.mark.parametrize(("text", "passes"), [("麻烦改为好评", -1.1), ("别的店说“麻烦改为好评”", -0.1)])
def test_they_overrule_a_rules_match_together(
    text: str, passes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -0.5)
    agree(monkeypatch, passes)
    assert find_offences(text, Kind.CHAT) == []
    agree(monkeypatch, passes + 0.2)
    assert verdict(find_offences(text, Kind.CHAT)) == "block"


def test_it_leaves_the_sequence_rule_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    agree(monkeypatch, -9.0)
    assert find_offences("您想改评价随时可以改", Kind.CHAT, benefit_in_case=True) != []
    assert find_offences("运费我们出", Kind.CHAT, before=["改一下评价吧"]) != []
    says(monkeypatch, 0.5)
    assert find_offences("那条您看着办", Kind.CHAT) == []
    assert find_offences("那条您看着办", Kind.CHAT, benefit_in_case=True) != []


@pytest.mark.parametrize("name", [network.SMALL, network.LARGE])
def test_it_reads_the_same_alone_and_in_a_list(name: str, unread: None) -> None:
    lines = [*OBLIQUE, *PLAIN, "好" * 300]
    alone = []
    for line in lines:
        network._read.cache_clear()
        alone.append(network._read(name, line))
    network._read.cache_clear()
    assert [network._read(name, line) for line in reversed(lines)] == alone[::-1]


def test_each_is_loaded_once_by_many_threads(unread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def load(folder: Path, name: str) -> Network:
        loads.append(name)
        return load_network(folder, name)

    monkeypatch.setattr(network, "load_network", load)
    names = [network.SMALL, network.LARGE] * 12
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(network._read, names, [OBLIQUE[0]] * 24))
    assert sorted(loads) == sorted({network.SMALL, network.LARGE})
    assert len(set(read)) == 2


def test_it_refuses_to_judge_without_its_files(
    unread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -0.5)
    monkeypatch.setattr(learnt, "ARTIFACTS", tmp_path)
    with pytest.raises(OSError, match=network.SMALL):
        find_offences("明天给您补发", Kind.CHAT)


def test_it_is_not_loaded_before_it_is_asked() -> None:
    code = (
        "import django; django.setup(); import sys; from reviews.compliance import find_offences;"
        "find_offences('您的反馈已转给质检，已为您补发，运费我们承担');"
        "sys.exit('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("text", ["\ud800改一下", "改" * 5_000, "，" * 300 + "那条您看着办", "\x00那条"])
def test_it_reads_any_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, -0.5)
    for offence in find_offences(text, Kind.CHAT):
        assert offence.words == text[offence.start : offence.end]


def test_it_names_the_clause_it_minds_where_no_word_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, -0.5)
    agree(monkeypatch, 2.0)
    monkeypatch.setattr(learnt, "telling", lambda *_given: None)
    text = "您好呀，您孩子在实验小学吧，谢谢"
    words = {offence.words for offence in find_offences(text, Kind.CHAT, "own")}
    assert words
    assert all(piece in text for piece in words)
    assert network.minded("小学", "R4") == (0, 2)
