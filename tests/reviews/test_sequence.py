"""A compensation and the changing of a review never meet for one buyer, whatever the case, shop or order."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import close_old_connections, connections

from callbacks import contacts, remedies
from reviews import clock, sequence
from reviews.intake import record_orders, record_reviews
from reviews.models import AuditEntry, Case, SequenceMark, Shop, Status, User
from reviews.outgoing import OffendingText
from reviews.sequence import APART, Facts, SequenceRefusal, check_compensation, forget_old_marks
from tests.factories import make_buyer, make_case, make_order, make_review, make_shop, make_user

pytestmark = pytest.mark.django_db

DAY_0 = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
MENTION = "评价是您自己的，想修改评价入口在订单页。"
PLAIN = "破损的情况已转给质检，今天核对完回复您。"


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """A shop whose policy lets texts say that the review is the buyer's to update."""
    shop.may_mention_reviews = True
    shop.save()
    return shop


@pytest.fixture
def case(open_shop: Shop, agent: User) -> Case:
    return make_case(open_shop, assignee=agent, status=Status.IN_PROGRESS)


def same_buyer(case: Case, agent: User, shop: Shop | None = None, phone: str = "13800138000") -> Case:
    """A second case, of the same buyer row or (in another shop) of the same number."""
    shop = shop or case.shop
    own = {"buyer": case.review.buyer} if shop == case.shop else {}
    order = make_order(shop, buyer_phone=phone, **own)
    return make_case(shop, review=make_review(shop, order=order), assignee=agent, status=Status.IN_PROGRESS)


def tell(case: Case, text: str, at: datetime) -> None:
    with clock.at(at):
        contacts.record_message(case, text, by=case.assignee)  # type: ignore[arg-type]


def give(case: Case, at: datetime) -> None:
    with clock.at(at):
        remedies.offer_remedy(case, "coupon", amount=Decimal(5), note="", by=case.assignee)  # type: ignore[arg-type]


# --- the pure rule -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "barred"),
    [
        (Facts(policy_allows=True), False),
        (Facts(policy_allows=False), True),
        (Facts(policy_allows=True, in_case=True), True),
        (Facts(policy_allows=True, compensated_at=day(0)), True),
        (Facts(policy_allows=True, compensated_at=day(-20)), False),
        (Facts(policy_allows=True, compensated_at=day(-19.99)), True),
    ],
)
def test_it_bars_talk_of_the_review(facts: Facts, barred: bool) -> None:
    assert bool(facts.bars_review_talk(day(10))) is barred


@pytest.mark.parametrize(("told", "barred"), [(None, False), (0, True), (29.9, True), (-20, False)])
def test_it_bars_a_compensation_for_thirty_days(told: float | None, barred: bool) -> None:
    facts = Facts(policy_allows=True, mentioned_at=None if told is None else day(told))
    assert bool(facts.bars_compensation(day(10))) is barred


# --- through the verbs ----------------------------------------------------------------------------


def test_no_text_of_the_case_speaks_of_the_review_after_a_compensation(case: Case) -> None:
    give(case, day(0))
    with pytest.raises(OffendingText) as refused:
        tell(case, MENTION, day(400))
    assert {one.rule for one in refused.value.offences} == {"R1"}
    tell(case, PLAIN, day(400))


def test_no_compensation_follows_a_text_about_changing_the_review(case: Case) -> None:
    tell(case, MENTION, day(0))
    with pytest.raises(SequenceRefusal, match=r"12月1日"):
        give(case, day(29))
    assert not case.remedies.exists()
    assert Case.objects.get().compensated_at is None
    entry = AuditEntry.objects.get(action="compliance")
    assert (entry.data["kind"], entry.data["outcome"]) == ("compensation", "refused")
    give(case, day(30))


def test_a_refused_remedy_was_offered_all_the_same(case: Case, manager: User) -> None:
    with clock.at(day(0)):
        asked = {"amount": Decimal(129), "reason": "整箱碎了", "by": case.assignee}
        remedy = remedies.offer_remedy(case, "refund", **asked)  # type: ignore[arg-type]
        remedies.decide_remedy(remedy, approve=False, by=manager, words="先补发")
    with pytest.raises(OffendingText):
        tell(case, MENTION, day(1))


def test_an_approval_is_a_compensation_of_its_own_day(case: Case, agent: User, manager: User) -> None:
    second = same_buyer(case, agent)
    with clock.at(day(0)):
        remedy = remedies.offer_remedy(case, "refund", amount=Decimal(129), reason="整箱碎了", by=agent)
    tell(second, MENTION, day(31))
    with clock.at(day(32)), pytest.raises(SequenceRefusal):
        remedies.decide_remedy(remedy, approve=True, by=manager)
    with clock.at(day(61)):
        remedies.decide_remedy(remedy, approve=True, by=manager)


def test_the_buyers_yes_is_a_compensation_of_its_own_day(case: Case, agent: User) -> None:
    second = same_buyer(case, agent)
    with clock.at(day(0)):
        remedy = remedies.offer_remedy(case, "coupon", amount=Decimal(5), by=agent, accepted=False)
    tell(second, MENTION, day(31))
    with clock.at(day(32)), pytest.raises(SequenceRefusal):
        remedies.accept_remedy(remedy, by=agent)
    with clock.at(day(61)):
        remedies.accept_remedy(remedy, by=agent)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same shop", "another shop, same number"])
def test_it_holds_in_every_case_of_the_buyer_for_thirty_days(
    case: Case, agent: User, other_shop: Shop, elsewhere: bool
) -> None:
    other_shop.may_mention_reviews = True
    other_shop.save()
    second = same_buyer(case, agent, other_shop if elsewhere else None)
    give(case, day(0))
    with pytest.raises(OffendingText):
        tell(second, MENTION, day(29))
    tell(second, MENTION, day(30))
    with pytest.raises(SequenceRefusal):
        give(case, day(31))


def test_another_buyer_is_another_matter(case: Case, agent: User, other_shop: Shop) -> None:
    other_shop.may_mention_reviews = True
    other_shop.save()
    stranger = same_buyer(case, agent, other_shop, phone="13900139000")
    give(case, day(0))
    tell(stranger, MENTION, day(1))


def test_it_knows_a_buyer_by_a_number_that_came_later(case: Case, agent: User, other_shop: Shop) -> None:
    other_shop.may_mention_reviews = True
    other_shop.save()
    second = same_buyer(case, agent, other_shop, phone="13900139000")
    give(case, day(0))
    make_order(case.shop, buyer=case.review.buyer, buyer_phone="13900139000")
    with pytest.raises(OffendingText):
        tell(second, MENTION, day(1))


def test_a_benefit_named_in_a_text_counts_like_one_that_is_booked(case: Case, agent: User) -> None:
    tell(case, "给您退30元，今天到账。", day(0))
    with pytest.raises(OffendingText):
        tell(same_buyer(case, agent), MENTION, day(1))


def test_no_text_names_a_benefit_after_one_about_the_review(case: Case, agent: User) -> None:
    tell(case, MENTION, day(0))
    with pytest.raises(OffendingText) as refused:
        tell(same_buyer(case, agent), "给您退30元，今天到账。", day(1))
    assert "12月1日" in str(refused.value)


def test_notes_obey_it_too(case: Case) -> None:
    give(case, day(0))
    assert case.assignee is not None
    with clock.at(day(0)), pytest.raises(OffendingText):
        contacts.promise_callback(case, day(0) + timedelta(hours=3), by=case.assignee, note=MENTION)
    with clock.at(day(0)), pytest.raises(OffendingText):
        contacts.settle(case, "solved", by=case.assignee, note=MENTION)


def test_without_the_shops_policy_no_text_speaks_of_it(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    with pytest.raises(OffendingText):
        tell(case, MENTION, day(0))
    give(case, day(0))


def test_every_text_that_left_is_in_the_audit_log_by_its_hash(case: Case) -> None:
    tell(case, PLAIN, day(0))
    entry = AuditEntry.objects.get(action="text_sent")
    assert len(entry.data["text"]) == 64
    assert PLAIN not in str(entry.data)


def test_it_forgets_marks_that_bar_nothing_any_more(case: Case) -> None:
    tell(case, MENTION, day(0))
    assert SequenceMark.objects.exists()
    assert forget_old_marks(day(59)) == 0
    assert forget_old_marks(day(61)) > 0


# --- two at once -----------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["one case", "two cases of the buyer"])
def test_a_remedy_and_a_text_at_once_never_both_pass(
    elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_shop("busy", may_mention_reviews=True)
    agent = make_user("hasty", shop=shop)
    _meet_after_the_check(monkeypatch)
    for _round in range(4):
        SequenceMark.objects.all().delete()
        first = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
        second = same_buyer(first, agent) if elsewhere else Case.objects.get(pk=first.pk)
        results = _both(lambda: give(first, day(0)), lambda: tell(second, MENTION, day(0)))  # noqa: B023
        assert sorted(results) == [False, True]


def _meet_after_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both acts read the facts before either writes its mark, wherever the lock allows it."""
    meeting = threading.Barrier(2)
    written = sequence._mark

    def late(keys: list[str], field: str, now: datetime) -> None:
        try:
            meeting.wait(timeout=0.3)
        except threading.BrokenBarrierError:
            meeting.reset()
        written(keys, field, now)

    monkeypatch.setattr(sequence, "_mark", late)


def _both(*acts: Callable[[], None]) -> list[bool]:
    def passed(act: Callable[[], None]) -> bool:
        try:
            act()
        except (OffendingText, SequenceRefusal):
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(passed, acts))
    close_old_connections()
    return results


def test_check_compensation_may_stand_alone_in_a_transaction(case: Case) -> None:
    check_compensation(case, day(0))
    case.refresh_from_db()
    assert case.compensated_at == day(0)
    assert SequenceMark.objects.filter(compensated_at=day(0)).exists()
    assert timedelta(days=30) == APART


# --- who the buyer is --------------------------------------------------------------------------------


@pytest.mark.parametrize("nick", ["匿名用户", "t**6"])
def test_what_was_told_to_one_of_many_nameless_buyers_bars_nothing_for_another(
    open_shop: Shop, agent: User, nick: str
) -> None:
    nameless = make_buyer(open_shop, nick=nick)
    told, other = (
        make_case(
            open_shop,
            review=make_review(open_shop, order=None, buyer=nameless),
            assignee=agent,
            status=Status.IN_PROGRESS,
        )
        for _n in range(2)
    )
    tell(told, MENTION, day(0))
    give(other, day(1))
    with pytest.raises(SequenceRefusal):
        give(told, day(1))


@pytest.mark.parametrize("late", ["order", "nick"])
def test_a_mark_reaches_the_buyer_who_is_known_later(open_shop: Shop, agent: User, late: str) -> None:
    review = make_review(open_shop, order=None, order_no="77001", buyer=None)
    case = make_case(open_shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    give(case, day(0))
    with clock.at(day(1)):
        if late == "order":
            record_orders(
                open_shop, [{"order_no": "77001", "buyer_nick": "小满", "buyer_phone": "13900139000"}]
            )
        else:
            row = {"review_key": review.review_key, "created_at": "2026-11-01 08:00", "rating": "bad"}
            record_reviews(open_shop, [{**row, "content": review.content, "buyer_nick": "小满"}])
    again = make_review(open_shop, order=None, buyer=make_buyer(open_shop, nick="小满"))
    second = make_case(open_shop, review=again, assignee=agent, status=Status.IN_PROGRESS)
    with pytest.raises(OffendingText):
        tell(second, MENTION, day(2))
    tell(second, MENTION, day(30))


def test_what_the_shop_answered_on_the_platform_itself_counts(open_shop: Shop, agent: User) -> None:
    review = make_review(open_shop, created_at=day(-1))
    case = make_case(open_shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    row = {"review_key": review.review_key, "created_at": "2026-10-31 10:00", "rating": "bad"}
    with time_machine.travel(day(0), tick=False):
        record_reviews(open_shop, [{**row, "content": review.content, "reply": MENTION}])
    with pytest.raises(SequenceRefusal):
        give(case, day(1))


def test_a_benefit_named_to_the_buyer_is_one_of_the_case_for_good(case: Case) -> None:
    tell(case, "给您退20元，今天到账。", day(0))
    with pytest.raises(OffendingText):
        tell(case, MENTION, day(60))
