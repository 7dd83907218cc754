"""Scripts: variables with fallbacks, and what a script may not say."""

import json
from pathlib import Path

import pytest

from callbacks.script_text import ScriptError, fill, lint_stages, variables
from reviews.template_text import KNOWN_VARIABLES

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize("stage", ["apologise", "apologise_again"])
def test_it_refuses_fewer_than_two_apologies(stage: str) -> None:
    assert any(stage in fault for fault in lint_stages(GOOD | {stage: "嗯，我知道了。"}))
    assert lint_stages({name: text for name, text in GOOD.items() if name != stage})


def test_it_refuses_a_cause_before_the_first_apology() -> None:
    moved = {"explain": GOOD["explain"]} | {name: text for name, text in GOOD.items() if name != "explain"}
    assert lint_stages(moved)
    assert lint_stages(GOOD | {"ask": "破了是因为快递摔的，您说呢？"})
    assert lint_stages(GOOD | {"ask": "对不起，破了是因为快递摔的，您说呢？"}) == []


def test_it_refuses_a_guessed_title() -> None:
    assert lint_stages(GOOD | {"identify": "是{surname}先生吗？"})


def test_it_refuses_an_unknown_variable_with_its_stage() -> None:
    assert any(
        "ask" in fault and "buyer" in fault for fault in lint_stages(GOOD | {"ask": "{buyer}怎么了？"})
    )


def test_it_refuses_pressure_and_a_benefit_beside_the_review() -> None:
    assert any("R4" in fault for fault in lint_stages(GOOD | {"close": "求求您了，老板要扣我工资"}))
    assert any("R1" in fault for fault in lint_stages(GOOD | {"close": "麻烦您更新一下评价"}))


def test_it_passes_the_scripts_the_program_ships() -> None:
    entries = json.loads((ROOT / "callbacks/defaults/script_stages.json").read_text(encoding="utf-8"))
    texts = {(entry["cause"], entry["sub_cause"], entry["stage"]): entry["text"] for entry in entries}
    for cause, sub_cause in {(entry["cause"], entry["sub_cause"]) for entry in entries}:
        script = {
            stage: texts.get((cause, sub_cause, stage))
            or texts.get((cause, "", stage))
            or texts[("", "", stage)]
            for stage in GOOD
        }
        assert lint_stages(script) == [], (cause, sub_cause)


def test_it_knows_every_variable_the_program_ships() -> None:
    for file in ("callbacks/defaults/script_stages.json", "reviews/defaults/reply_templates.json"):
        for entry in json.loads((ROOT / file).read_text(encoding="utf-8")):
            assert variables(entry["text"]) <= KNOWN_VARIABLES
