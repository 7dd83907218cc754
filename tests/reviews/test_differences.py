"""What differs between two texts."""

from hypothesis import given
from hypothesis import strategies as st

from reviews.differences import fresh_clauses, likeness, word_diff

TEXTS = st.text("杯子碎了客服没回补发很好，。!？ \nab7😡", max_size=60)


@given(TEXTS, TEXTS)
def test_it_gives_both_texts_back_to_the_letter(old: str, new: str) -> None:
    pieces = word_diff(old, new)
    assert "".join(one.text for one in pieces if one.kind != "removed") == new
    assert "".join(one.text for one in pieces if one.kind != "added") == old


@given(TEXTS)
def test_it_finds_nothing_in_a_text_and_itself(text: str) -> None:
    assert all(one.kind == "same" for one in word_diff(text, text))
    assert fresh_clauses(text, text) == ""
    assert likeness(text, text) == 1


def test_it_compares_words_not_letters() -> None:
    pieces = [(one.kind, one.text) for one in word_diff("客服态度很好", "客服态度很差")]
    assert ("added", "很差") in pieces or ("added", "差") in pieces
    assert pieces[0][0] == "same"


def test_it_hears_only_what_is_new() -> None:
    assert fresh_clauses("杯子碎了。", "杯子碎了，客服没有回") == "客服没有回"
    assert fresh_clauses("杯子碎了。", "杯子碎了！！😡") == ""


def test_it_shows_very_long_texts_whole() -> None:
    pieces = word_diff("甲乙 " * 3_000, "丙丁 " * 3_000)
    assert [one.kind for one in pieces] == ["removed", "added"]
