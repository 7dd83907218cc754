"""Scripts: variables with fallbacks, and what a script may not say."""

import json
import re
from pathlib import Path

import pytest
from django.utils import translation

from callbacks.models import Stage
from callbacks.script_spots import answers_at
from callbacks.script_text import ScriptError, fill, lint_stages, variables
from reviews.template_text import KNOWN_VARIABLES

ROOT = Path(__file__).parents[2]
SPOTS = [(stage.value, answer) for stage in Stage for answer in ("", *answers_at(stage))]
GOOD = {
    "identify": "您好，请问您是姓{surname|名留在订单上的那位}吗？",
    "introduce": "我是{shop}负责售后的{agent}，您现在方便吗？",
    "recall": "您{order_date}买的{item}，{sku|这款}，还有印象吗？",
    "ask": "到底是怎么一回事？",
    "listen": "您是说“{content_excerpt}”，对吗？",
    "apologise": "真对不起，让您费心了。",
    "explain": "多半是出库检查没做好，我们马上查。",
    "apologise_again": "责任在我们，再跟您道个歉。",
    "remedy": "您要退，运费我们出；要换，今天就发。",
    "close": "还有哪儿没替您想到的？",
}


def test_it_fills_in_facts_and_falls_back_when_one_is_missing_or_blank() -> None:
    assert fill("{surname}您好，{sku|这款}", {"surname": "王", "sku": "白色"}) == "王您好，白色"
    assert fill("{sku|这款}{item}", {"sku": "  "}) == "这款商品"
    assert fill("{buyer_nick_masked|}您好", {}) == "您好"


def test_it_never_guesses_mr_or_ms() -> None:
    assert fill("王{title}好", {"title": "先生"}) == "王您好"


def test_it_does_not_read_variables_in_a_buyers_words() -> None:
    assert fill("“{content_excerpt}”", {"content_excerpt": "{shop}骗人{"}) == "“{shop}骗人{”"


def test_it_names_the_variables_of_a_text() -> None:
    assert variables("{surname}{sku|这款}{sku}") == {"surname", "sku"}
    assert variables("没有") == set()


@pytest.mark.parametrize(
    ("text", "named"),
    [("{buyer}您好", "buyer"), ("{}", "{}"), ("{sku", "{sku"), ("sku}", "sku}"), ("{{sku}}", "{")],
)
def test_it_refuses_unknown_variables_and_broken_braces_by_name(text: str, named: str) -> None:
    for act in (variables, lambda given: fill(given, {})):
        with pytest.raises(ScriptError) as error:
            act(text)
        assert named in str(error.value)


def test_it_passes_a_good_script() -> None:
    assert lint_stages(GOOD) == []


def faults(**texts: str) -> list[str]:
    """What the lint says of the good script with these texts in place (`introduce__busy` is an answer)."""
    return [
        str(one)
        for one in lint_stages(GOOD | {spot.replace("__", "/"): text for spot, text in texts.items()})
    ]


@pytest.mark.parametrize("stage", ["apologise", "apologise_again"])
def test_it_refuses_fewer_than_two_apologies(stage: str) -> None:
    (fault,) = faults(**{stage: "嗯，我知道了。"})
    assert fault.startswith(f"{stage}: ")
    assert "对不起" in fault
    assert lint_stages({name: text for name, text in GOOD.items() if name != stage})


def test_an_apology_in_a_direction_is_said_to_nobody() -> None:
    assert faults(apologise="嗯，我知道了。\n（这里要说对不起。）")


def test_it_refuses_a_cause_before_the_first_apology() -> None:
    moved = {"explain": GOOD["explain"]} | {name: text for name, text in GOOD.items() if name != "explain"}
    assert lint_stages(moved)
    (fault,) = faults(ask="破了是因为快递摔的，您说呢？")
    assert "ask" in fault
    assert "是因为" in fault
    assert faults(ask="对不起，破了是因为快递摔的，您说呢？") == []
    assert [fault[:12] for fault in faults(ask__upset="这是因为快递摔的。")] == ["ask/upset: “"]
    assert faults(explain__disagrees="是因为快递摔的，我再查查。") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("是{surname}先生吗？", "{surname}先生"),
        ("先生您好，打扰了。", "先生"),
        ("{surname|王女士}您好。", "{surname|王女士}"),
        ("Hello, Mr. {surname}", "Mr. {surname"),
    ],
)
def test_it_refuses_a_guessed_title(text: str, words: str) -> None:
    (fault,) = faults(identify=text)
    assert fault.startswith(f"identify: “{words}”")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("您好，我是{shop}的总经理{agent}。", "总经理"),
        ("我是厂家代表{agent}。", "厂家代表"),
        ("这里是品牌方客服。", "品牌方客服"),
        ("我姓李，是这里的店长。", "店长"),
        ("I am the general manager of {shop}.", "general manager"),
    ],
)
def test_it_refuses_a_title_the_speaker_does_not_have(text: str, words: str) -> None:
    # The compliance check may mind an invented title as well, in words of its own.
    (fault,) = [one for one in faults(introduce=text) if words in one]
    assert fault.startswith("introduce: ")
    assert "{shop}负责售后的{agent}" in fault


@pytest.mark.parametrize(
    "text",
    [
        "我是{shop}负责售后的{agent}，店长让我给您打电话。",
        "我是{shop}的售后经理{agent}。",
        "我不是店长，是负责售后的。",
        "请问是先生还是女士在用？",
        "您先问问家里人，想好了再说。",
    ],
)
def test_it_lets_true_titles_stand(text: str) -> None:
    assert faults(introduce=text) == []


@pytest.mark.parametrize(
    "text",
    [
        "您今天必须答应。",
        "再不同意就没有机会了。",
        "过期不候，您想好。",
        "您别为难我们。",
        "You must accept now.",
    ],
)
def test_it_refuses_pressure_in_a_branch(text: str) -> None:
    (fault,) = faults(remedy__hesitant=text)
    assert fault.startswith("remedy/hesitant: ")
    assert "R4" in fault


def test_it_refuses_an_unknown_variable_with_its_stage() -> None:
    assert any("ask" in fault and "buyer" in fault for fault in faults(ask="{buyer}怎么了？"))


def test_it_refuses_pressure_and_a_benefit_beside_the_review() -> None:
    assert any("R4" in fault for fault in faults(close="求求您了，老板要扣我工资"))
    assert any("R1" in fault for fault in faults(close="麻烦您更新一下评价"))


def test_it_refuses_the_review_in_a_branch_of_a_call_that_gives_something() -> None:
    mention = "评价是您自己的，想修改由您决定。"
    bare = {"remedy": "我这就去查。"}
    assert faults(**bare, close__settled=mention) == []
    (fault,) = faults(remedy="我们给您退20元。", close__settled=mention)
    assert fault.startswith("close/settled: R1")


def test_every_fault_has_its_way_out_in_both_languages() -> None:
    bad = GOOD | {
        "identify": "先生您好", "introduce": "我是总经理", "ask": "是因为快递", "apologise": "嗯",
        "remedy": "今天必须答应", "recall": "{buyer}", "close": "麻烦您更新一下评价，给您返现",
    }  # fmt: skip
    said = {}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            said[language] = lint_stages(bad)
    assert len(said["en"]) == len(said["zh-hans"]) >= 7
    for english, chinese in zip(said["en"], said["zh-hans"], strict=True):
        assert english.spot == chinese.spot != ""
        assert english.way and chinese.way  # noqa: PT018
        assert english.why != chinese.why
    assert all(re.search("[\u4e00-\u9fff]", fault.way) for fault in said["zh-hans"])


def test_it_passes_the_scripts_the_program_ships() -> None:
    entries = [
        entry
        for file in ("script_stages", "script_answers")
        for entry in json.loads((ROOT / f"callbacks/defaults/{file}.json").read_text(encoding="utf-8"))
    ]
    texts = {
        (one["cause"], one["sub_cause"], one["stage"], one.get("answer", "")): one["text"] for one in entries
    }
    for cause, sub_cause in {(entry["cause"], entry["sub_cause"]) for entry in entries}:
        script = {
            "/".join(filter(None, spot)): texts.get((cause, sub_cause, *spot))
            or texts.get((cause, "", *spot))
            or texts["", "", *spot]
            for spot in SPOTS
        }
        assert lint_stages(script) == [], (cause, sub_cause)


def test_it_knows_every_variable_the_program_ships() -> None:
    for file in (
        "callbacks/defaults/script_stages.json",
        "callbacks/defaults/script_answers.json",
        "reviews/defaults/reply_templates.json",
    ):
        for entry in json.loads((ROOT / file).read_text(encoding="utf-8")):
            assert variables(entry["text"]) <= KNOWN_VARIABLES
