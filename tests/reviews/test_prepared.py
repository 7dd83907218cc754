"""Questions written once: they answer like the query set they are made from, on either database."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone

from reviews.models import Case, CaseEvent, Shop
from reviews.models.cases import EventKind
from reviews.prepared import Asked, Prepared, PreparedCount
from tests import factories

pytestmark = pytest.mark.django_db


def test_it_answers_like_the_query_set_with_what_belongs_to_a_row(shop: Shop) -> None:
    case = factories.make_case(shop)
    ask = Prepared(lambda: Case.objects.select_related("shop", "review__order").filter(pk=Asked("case")))
    [found] = ask(case=case.pk)
    assert vars(found).keys() == vars(Case.objects.select_related("shop", "review__order").get()).keys()
    assert (found, found.shop.zone, found.review.order) == (case, shop.zone, case.review.order)
    assert found.review.order
    assert case.review.order
    assert found.review.order.buyer_phone == case.review.order.buyer_phone  # decrypted


def test_every_question_is_asked_anew_with_its_own_values(shop: Shop) -> None:
    one, other = factories.make_case(shop), factories.make_case(shop)
    ask = Prepared(lambda: CaseEvent.objects.filter(case=Asked("case")).values_list("case_id", "kind"))
    assert {pk for pk, _kind in ask(case=one.pk)} == {one.pk}
    before = ask(case=one.pk)
    one.log(EventKind.CALL)
    assert ask(case=one.pk) == [*before, (one.pk, "call")]
    assert {pk for pk, _kind in ask(case=other.pk)} == {other.pk}
    assert ask(case=0) == []


def test_moments_are_compared_as_the_database_keeps_them(shop: Shop) -> None:
    case = factories.make_case(shop)
    ask = Prepared(lambda: Case.objects.filter(due_at__lte=Asked("at")).values_list("pk", flat=True))
    assert ask(at=case.due_at) == [case.pk]
    assert ask(at=case.due_at - timedelta(seconds=1)) == []
    assert ask(at=timezone.localtime(case.due_at)) == [case.pk]


def test_one_of_a_list_whatever_its_length(shop: Shop) -> None:
    cases = [factories.make_case(shop).pk for _ in range(3)]
    by_key = Prepared(lambda: Case.objects.filter(pk__any=Asked("cases")).order_by("pk"))
    by_shop = Prepared(lambda: Case.objects.filter(shop__any=Asked("shops")).exclude(pk__any=Asked("but")))
    for wanted in ([], cases[:1], cases):
        assert [case.pk for case in by_key(cases=wanted)] == wanted
    assert {case.pk for case in by_shop(shops=[shop.pk, 0], but=cases[:1])} == set(cases[1:])
    assert by_shop(shops=[], but=[]) == []


def test_it_counts(shop: Shop) -> None:
    cases = [factories.make_case(shop) for _ in range(3)]
    count = PreparedCount(lambda: Case.objects.filter(shop=Asked("shop")).exclude(pk=Asked("but")))
    assert (count(shop=shop.pk, but=0), count(shop=shop.pk, but=cases[0].pk), count(shop=0, but=0)) == (
        3,
        2,
        0,
    )


def test_the_first_of_none_is_none(shop: Shop) -> None:
    ask = Prepared(lambda: Case.objects.filter(pk=Asked("case")))
    assert ask.first(case=0) is None
    assert ask.first(case=factories.make_case(shop).pk) is not None


def test_it_is_compiled_once_a_thread() -> None:
    built: list[str] = []

    def build() -> object:
        built.append("")
        return Shop.objects.filter(pk=Asked("shop"))

    ask = Prepared(build)  # type: ignore[arg-type,var-annotated]
    ask(shop=0)
    ask(shop=1)
    assert len(built) == 1

    def elsewhere() -> None:
        ask(shop=0)
        connection.close()

    thread = Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(built) == 2


def test_a_value_that_is_missing_is_an_error(shop: Shop) -> None:
    ask = Prepared(lambda: Case.objects.filter(shop=Asked("shop"), pk=Asked("case")))
    with pytest.raises(KeyError, match="case"):
        ask(shop=shop.pk)
