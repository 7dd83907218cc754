"""What a shop's decisions teach: the shift itself, and the rules by which it is let in."""

from typing import Any

import numpy as np
import pytest

from reviews.causes import SubCause
from reviews.classification import ReviewText
from reviews.classification.features import FloatArray
from reviews.classification.model import SUBS
from reviews.shop_delta import Lessons, ShopDelta, judge_chances, learn, shifted
from reviews.shop_reading import base_chances
from reviews.shop_teaching import STRENGTHS, anchors_and_guard, everyday, hindrance, lost_cause, teach

PLANTS = ("绿萝", "多肉", "月季苗", "发财树", "吊兰", "茉莉")
ENDS = ("三天就蔫了", "根都黑了救不回来", "栽下去一周就死苗", "叶子全耷拉着，死苗一棵")
TEXTS = [f"{plant}{end}，第{n}盆" for n, plant in enumerate(PLANTS * 2) for end in ENDS]
FRESH = SUBS.index(SubCause.FRESHNESS)


def chances_of(texts: list[str]) -> FloatArray:
    chances = base_chances([ReviewText(text, rating="bad") for text in texts])
    whole: FloatArray = chances / chances.sum(axis=1, keepdims=True)
    return whole


@pytest.fixture(scope="module")
def everyday_chances() -> FloatArray:
    return base_chances(everyday()[0])


@pytest.fixture(scope="module")
def anchors(everyday_chances: FloatArray) -> Lessons:
    return anchors_and_guard(everyday_chances)[0]


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return Lessons.decided(TEXTS, chances_of(TEXTS), np.full(len(TEXTS), FRESH))


def test_it_reads_new_goods_as_people_taught_it(lessons: Lessons, anchors: Lessons) -> None:
    texts = ["栀子花栽下去一周就死苗了", "海棠叶子全耷拉着，根都黑了"]
    chances = chances_of(texts)
    assert (judge_chances(chances)[1] != FRESH).any()
    delta = learn(lessons, anchors)
    assert (judge_chances(shifted(chances, delta.shift(texts)))[1] == FRESH).all()


def test_it_leaves_other_texts_alone(lessons: Lessons, anchors: Lessons) -> None:
    texts = ["客服三天不回消息", "快递太慢了，等了半个月", "尺码偏小，穿不下"]
    chances = chances_of(texts)
    after = shifted(chances, learn(lessons, anchors).shift(texts))
    assert (judge_chances(after)[1] == judge_chances(chances)[1]).all()


def test_it_leaves_everyday_texts_it_never_saw_untouched(
    lessons: Lessons, anchors: Lessons, everyday_chances: FloatArray
) -> None:
    """The gate: only texts like the shop's are shifted at all."""
    delta = learn(lessons, anchors)
    guard = anchors_and_guard(everyday_chances)[1]
    assert (delta.shift(guard.texts) == 0).all(axis=1).mean() > 0.9
    assert (delta.shift(TEXTS) != 0).any(axis=1).mean() > 0.9


def test_nothing_changes_without_a_shift() -> None:
    chances = chances_of(["杯子收到就碎了", "太贵了", "很好很满意"])
    # A verdict's scores are rounded to four places, so its chances do not quite add up to 1.
    assert np.allclose(shifted(chances, np.zeros_like(chances)), chances, atol=1e-4)


def test_the_same_lessons_give_the_same_bytes(lessons: Lessons, anchors: Lessons) -> None:
    assert learn(lessons, anchors).to_bytes() == learn(lessons, anchors).to_bytes()


def test_it_comes_back_from_its_bytes(lessons: Lessons, anchors: Lessons) -> None:
    delta = learn(lessons, anchors)
    again = ShopDelta.from_bytes(delta.to_bytes())
    assert list(again.vocabulary) == list(delta.vocabulary)
    assert np.allclose(again.shift(TEXTS[:5]), delta.shift(TEXTS[:5]), atol=1e-2)


def test_it_keeps_no_text(lessons: Lessons, anchors: Lessons) -> None:
    delta = learn(lessons, anchors)
    assert max(map(len, delta.vocabulary)) == 4
    alone = learn(Lessons.decided(["唯一的一句话"], chances_of(["唯一的一句话"]), np.array([FRESH])), anchors)
    assert alone.vocabulary == {}
    assert not ShopDelta.from_bytes(alone.to_bytes()).shift(["唯一的一句话"]).any()


def test_it_refuses_bytes_of_another_release(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ShopDelta({}, np.zeros((0, len(SUBS)), np.float32), np.zeros(1, np.float32)).to_bytes()
    monkeypatch.setattr("reviews.shop_delta.FORMAT", 99)
    with pytest.raises(ValueError, match="another release"):
        ShopDelta.from_bytes(data)


def test_it_names_the_words_that_gained(lessons: Lessons, anchors: Lessons) -> None:
    words = learn(lessons, anchors).strongest(FRESH, 8, 1)
    assert any(word in "死苗黑了蔫了叶子" for word in words)


def test_any_text_can_be_shifted(lessons: Lessons, anchors: Lessons) -> None:
    delta = learn(lessons, anchors)
    odd = ["", "😡😡", "a" * 10_000, "\x00\n\x01", "死苗" * 3000]
    assert np.isfinite(shifted(chances_of(odd), delta.shift(odd))).all()


# --- the rules ------------------------------------------------------------------------------------


def taught(lessons: Lessons, chances: FloatArray, **more: Any) -> Any:
    return teach(lessons, [str(n) for n in range(len(lessons))], chances, **more)


def test_good_lessons_are_let_in_with_their_figures(lessons: Lessons, everyday_chances: FloatArray) -> None:
    found = taught(lessons, everyday_chances)
    assert found.hindrance == {}
    held = found.figures["held_out"]
    assert held["new"]["sub_cause"] > held["base"]["sub_cause"]
    assert held["decisions"] == len(TEXTS)
    assert sum(row["reviews"] for row in found.figures["regression"].values()) > 900
    assert found.figures["strength"] in STRENGTHS


def test_wrong_lessons_are_kept_out(everyday_chances: FloatArray) -> None:
    """Somebody pressed at random: what was not learnt from comes out worse than before."""
    texts = [
        f"{text}，第{n}单"
        for n in range(8)
        for text in ("杯子收到就碎了", "客服不回消息", "尺码偏小", "太贵了")
    ]
    subs = np.random.default_rng(1).integers(0, len(SUBS), len(texts))
    assert taught(Lessons.decided(texts, chances_of(texts), subs), everyday_chances).hindrance


def row(reviews: int, base: int, new: int) -> dict[str, int]:
    return {"reviews": reviews, "base": base, "new": new}


@pytest.mark.parametrize(("new", "lost"), [(90, ""), (89, ""), (88, "service")])
def test_a_cause_may_lose_one_point_and_no_more(new: int, lost: str) -> None:
    assert lost_cause({"product": row(100, 90, 99), "service": row(100, 90, new)}) == lost


def figures(**held: Any) -> dict[str, Any]:
    same = {"cause": 10, "sub_cause": 10}
    return {"regression": {}, "held_out": {"decisions": 20, "base": same, "new": same, **held}}


def test_what_is_not_worse_is_let_in() -> None:
    assert hindrance(figures()) == {}


@pytest.mark.parametrize("what", ["cause", "sub_cause"])
def test_what_reads_unseen_decisions_worse_is_kept_out(what: str) -> None:
    worse = {"cause": 10, "sub_cause": 10, what: 9}
    assert hindrance(figures(new=worse))["than"] == "base"
    newest = {"decisions": 20, "in_use": {"cause": 10, "sub_cause": 10}, "new": worse}
    assert hindrance(figures(newest=newest))["than"] == "in_use"
