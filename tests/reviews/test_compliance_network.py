"""The second reader of the compliance check: when it is asked, what it says, and that it says it again."""

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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts the network is asked about."""
    heard: list[str] = []
    join = network.join

    def listen(judged: dict[str, float], line: str) -> dict[str, float]:
        heard.append(line)
        return join(judged, line)

    monkeypatch.setattr(network, "join", listen)
    return heard


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


def test_it_blocks_what_no_single_word_tells() -> None:
    verdicts = [verdict(find_offences(text, Kind.CHAT, "taobao")) for text in OBLIQUE]
    assert verdicts.count("block") >= len(OBLIQUE) - 1  # the third passes


@pytest.mark.parametrize("text", PLAIN)
def test_it_passes_what_only_names_the_forbidden(text: str) -> None:
    assert find_offences(text, Kind.CHAT, "taobao") == []


@pytest.mark.parametrize("odds", [-9.0, 9.0])
def test_it_is_not_asked_where_the_linear_model_is_sure(
    odds: float, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, odds)
    assert (verdict(find_offences("明天给您补发", Kind.CHAT)) == "block") == (odds > 0)
    assert asked == []


def test_it_is_asked_where_the_linear_model_is_unsure(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -0.5)
    assert find_offences("明天给您补发", Kind.CHAT) == []
    assert asked == ["明天给您补发"]


def test_it_is_asked_of_every_rules_match_however_sure_the_linear_model(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -9.0)
    find_offences("麻烦改为好评", Kind.CHAT)
    assert asked == ["麻烦改为好评"]


@pytest.mark.parametrize(("text", "passes"), [("麻烦改为好评", -1.1), ("别的店说“麻烦改为好评”", -0.1)])
def test_it_overrules_a_rules_match_where_both_readers_do(
    text: str, passes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -0.5)
    monkeypatch.setattr(network, "join", lambda *_given: dict.fromkeys(learnt.OUTPUTS, passes))
    assert find_offences(text, Kind.CHAT) == []
    monkeypatch.setattr(network, "join", lambda *_given: dict.fromkeys(learnt.OUTPUTS, passes + 0.2))
    assert verdict(find_offences(text, Kind.CHAT)) == "block"


def test_it_leaves_the_sequence_rule_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "join", lambda *_given: dict.fromkeys(learnt.OUTPUTS, -9.0))
    assert find_offences("您想改评价随时可以改", Kind.CHAT, benefit_in_case=True) != []
    assert find_offences("运费我们出", Kind.CHAT, before=["改一下评价吧"]) != []
    says(monkeypatch, 0.5)
    assert find_offences("那条您看着办", Kind.CHAT) == []
    assert find_offences("那条您看着办", Kind.CHAT, benefit_in_case=True) != []


def test_it_reads_the_same_alone_and_in_a_list(unread: None) -> None:
    lines = [*OBLIQUE, *PLAIN, "好" * 300]
    alone = []
    for line in lines:
        network._read.cache_clear()
        alone.append(network._read(line))
    network._read.cache_clear()
    assert [network._read(line) for line in reversed(lines)] == alone[::-1]


def test_it_is_loaded_once_by_many_threads(unread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []

    def load(folder: Path) -> Network:
        loads.append(folder)
        return load_network(folder)

    monkeypatch.setattr(network, "load_network", load)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(network._read, [OBLIQUE[0]] * 24))
    assert len(loads) == 1
    assert len(set(read)) == 1


def test_it_refuses_to_judge_without_its_files(
    unread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, -0.5)
    monkeypatch.setattr(learnt, "ARTIFACTS", tmp_path)
    with pytest.raises(OSError, match="network"):
        find_offences("明天给您补发", Kind.CHAT)


def test_it_is_not_loaded_before_it_is_asked() -> None:
    code = (
        "import django; django.setup(); import sys; from reviews.compliance import find_offences;"
        "find_offences('谢谢'); sys.exit('onnxruntime' in sys.modules)"
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
    monkeypatch.setattr(network, "join", lambda *_given: dict.fromkeys(learnt.OUTPUTS, 2.0))
    monkeypatch.setattr(learnt, "telling", lambda *_given: None)
    text = "您好呀，您孩子在实验小学吧，谢谢"
    words = {offence.words for offence in find_offences(text, Kind.CHAT, "own")}
    assert words
    assert all(piece in text for piece in words)
    assert network.minded("小学", "R4") == (0, 2)
