"""Why the machine judged as it did: clauses and words marked in the text, and one plain sentence."""

import pytest
from django.test import Client
from django.urls import reverse

from callbacks.case_page import clauses_in
from callbacks.templatetags.desk import why_marked
from reviews.models import Case, Shop, User
from tests.factories import make_case, make_classification, make_review

CONTENT, FOLLOWUP = "杯子很好看，可是到手就碎了", "补发的也漏水"


def test_it_marks_the_clause_and_its_words() -> None:
    html = why_marked(CONTENT, ["碎了"], [(6, 13)])
    assert html.startswith("杯子很好看，<mark>")
    assert "到手就<b>碎了</b></mark>" in html


def test_without_clauses_it_marks_the_words() -> None:
    assert why_marked(CONTENT, ["碎了"], []) == "杯子很好看，可是到手就<mark>碎了</mark>"


def test_it_writes_no_markup_of_the_buyer() -> None:
    assert "<script>" not in why_marked("<script>坏了</script>", ["坏了"], [(8, 10)])


def test_marks_of_the_whole_text_fall_into_its_two_parts() -> None:
    marks = [[6, 13, 1.0], [14, 20, 0.5]]
    assert clauses_in(marks, CONTENT, 0, 0) == [(6, 13)]
    assert clauses_in(marks, FOLLOWUP, len(CONTENT) + 1, 0) == [(0, 6)]


def test_blanks_before_the_text_do_not_shift_the_marks() -> None:
    assert clauses_in([[0, 2, 1.0]], "  坏了", 0, 2) == [(2, 4)]


@pytest.mark.parametrize("mark", [[-3, 2, 1.0], [5, 5, 1.0], [8, 99, 1.0]])
def test_a_mark_outside_the_text_is_left_out(mark: list[float]) -> None:
    assert clauses_in([mark], CONTENT, 0, 0) == []


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    review = make_review(shop, content=CONTENT, followup=FOLLOWUP)
    make_classification(review, words=["碎了", "漏水"], marks=[[6, 13, 1.0], [14, 20, 0.5]], confidence=0.87)
    return make_case(shop, review=review, assignee=agent)


def html_of(client: Client, case: Case, agent: User) -> str:
    client.force_login(agent)
    return client.get(reverse("callbacks:case", args=[case.pk])).content.decode()


@pytest.mark.django_db
def test_the_case_page_says_why(client: Client, case: Case, agent: User) -> None:
    html = html_of(client, case, agent)
    assert "因为写了“碎了”“漏水”，判为商品问题 · 破损缺件；把握 87%。" in html
    assert html.count("<mark>") == 2


@pytest.mark.django_db
def test_what_a_person_decided_needs_no_reason_of_the_machine(
    client: Client, case: Case, agent: User
) -> None:
    case.correct_cause("quality", by=agent)
    assert "因为写了" not in html_of(client, case, agent)
