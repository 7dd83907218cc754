"""The sequence rule over every order of acts and every door, with its negative control.

A model beside the real verbs: whatever order acts come in, whichever case of the buyer, however days pass, no
compensation and no text about changing a review are both accepted within thirty days, and nothing of the kind
in a case that ever held a compensation.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from callbacks import bulk, buyer_facts, contacts, remedies, undoing
from callbacks.holding import NotAllowed
from callbacks.models import Act, ActKind, BulkRow, Remedy, RemedyStatus, ScriptStage, ShopGateway, Stage
from callbacks.models.acts import RowState
from callbacks.models.remedies import OWED
from callbacks.script import script_for
from callbacks.script_editing import Place, UnfitScript, save_stage
from callbacks.sending import send_due
from callbacks.texts import send_text
from reviews import clock, posting, sequence
from reviews.compliance import mentions_benefit, mentions_review_change
from reviews.models import (
    Case,
    InvalidTransition,
    PublicReply,
    ReplyTemplate,
    Role,
    ShopMembership,
    StaleCase,
    Status,
)
from reviews.outgoing import OffendingText, compensating
from reviews.reply_templates import save_template
from reviews.sequence import SequenceRefusal
from tests.factories import make_case, make_order, make_review, make_shop, make_user

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # 11:00 in Shanghai, a Monday
MENTION, GIVES, PLAIN = "评价是您自己的，想修改评价在订单页。", "给您退20元，今天到账。", "已转质检核对。"
TEXTS = st.sampled_from([MENTION, GIVES, PLAIN, MENTION, ""])
SAID = st.sampled_from([MENTION, GIVES, PLAIN])
WHICH = st.integers(0, 2)
REFUSED = (OffendingText, SequenceRefusal, InvalidTransition, StaleCase, NotAllowed, UnfitScript)


class Acts(RuleBasedStateMachine):
    """Three cases of one person: two of one shop's buyer row, one in another shop with the same number."""

    passed: ClassVar[set[str]] = set()  # doors that let something through in any run

    def __init__(self) -> None:
        super().__init__()
        self.rows = transaction.atomic()
        self.rows.__enter__()

    @initialize(begun=st.sampled_from(["", "offered", "to approve"]))
    def begin(self, begun: str) -> None:
        self.now = START
        self.compensated: list[tuple[datetime, int]] = []
        self.mentioned: list[tuple[datetime, int]] = []
        shops = [make_shop(may_mention_reviews=True) for _ in range(2)]
        for shop in shops:
            ScriptStage.objects.create(shop=shop, stage="close", text=f"还有别的吗？{MENTION}")
        self.agent = make_user(f"agent{shops[0].pk}", shop=shops[0])
        self.manager = make_user(f"manager{shops[0].pk}", shop=shops[0], role=Role.MANAGER)
        for person, role in ((self.agent, Role.AGENT), (self.manager, Role.MANAGER)):
            ShopMembership.objects.create(user=person, shop=shops[1], role=role)
        for shop in shops:
            ShopGateway.objects.create(shop=shop, channel="sms", provider="console")
        orders = [make_order(shops[0]) for _ in range(2)] + [make_order(shops[1])]
        orders[1].buyer = orders[0].buyer
        orders[1].save()
        reviews = [make_review(order.shop, order=order, buyer=order.buyer) for order in orders]
        # A good review of the same buyer, without any case.
        again = make_order(shops[0], buyer=orders[0].buyer)
        self.good = make_review(shops[0], order=again, buyer=again.buyer, rating="good")
        with clock.at(self.now):
            self.cases = [make_case(one.shop, review=one).pk for one in reviews]
        if begun:
            self.offer(0, "", begun == "to approve", False)

    # --- doing something as a person would: hold the case, act, note what was accepted ---

    def act(self, which: int, do: Callable[[Case], object], said: str = "", gives: bool = False) -> None:
        case = Case.objects.get(pk=self.cases[which])
        with clock.at(self.now), suppress(*REFUSED):
            self._hold(case)
            with transaction.atomic():
                do(case)
            self.passed.add(do.__qualname__.split(".")[1])
            self._note(which, said, gives)
        self.now += timedelta(minutes=1)

    def _note(self, which: int, said: str, gives: bool) -> None:
        if gives or mentions_benefit(said):
            self.compensated.append((self.now, which))
        if mentions_review_change(said):
            self.mentioned.append((self.now, which))

    def _hold(self, case: Case) -> None:
        if case.status == Status.CLOSED:
            raise InvalidTransition
        if case.status != Status.IN_PROGRESS:
            case.take(self.agent)

    # --- the doors ---

    @rule(which=WHICH, note=TEXTS, dear=st.booleans(), accepted=st.booleans())
    def offer(self, which: int, note: str, dear: bool, accepted: bool) -> None:
        amount = Decimal(500) if dear else Decimal(5)

        def do(case: Case) -> None:
            how: Any = {"note": note, "reason": "损坏属实", "accepted": accepted}
            remedies.offer_remedy(case, "coupon", amount=amount, by=self.agent, **how)

        self.act(which, do, note, gives=True)

    @rule(which=WHICH, reason=TEXTS)
    def offer_to_many(self, which: int, reason: str) -> None:
        """One case's share of an incident's remedy."""

        def do(case: Case) -> None:
            with compensating(case, note=reason, by=self.agent):
                remedies.offer_planned(case, "coupon", amount=Decimal(5), reason=reason, by=self.agent)

        self.act(which, do, reason, gives=True)

    def _late(self, *status: RemedyStatus) -> Remedy | None:
        """The latest remedy of the three cases that stands so."""
        found = Remedy.objects.filter(case__in=self.cases, status__in=status)
        return found.select_related("case__shop").order_by("-pk").first()

    @rule()
    def accept(self) -> None:
        if offered := self._late(RemedyStatus.OFFERED):

            def do(_case: Case) -> None:
                remedies.accept_remedy(Remedy.objects.get(pk=offered.pk), by=self.agent)

            self.act(self.cases.index(offered.case_id), do, gives=True)

    @rule(reason=SAID)
    def cancel(self, reason: str) -> None:
        if owed := self._late(*OWED):

            def do(_case: Case) -> None:
                remedies.cancel_remedy(Remedy.objects.get(pk=owed.pk), by=self.manager, reason=reason)

            self.act(self.cases.index(owed.case_id), do, reason)

    @rule(reason=SAID)
    def reverse(self, reason: str) -> None:
        if paid := self._late(RemedyStatus.PAID):

            def do(_case: Case) -> None:
                payout = paid.payouts.get(reversed_at=None)
                remedies.reverse_payout(payout, by=self.manager, reason=reason)

            self.act(self.cases.index(paid.case_id), do, reason)

    @rule(which=WHICH, approve=st.booleans())
    def decide(self, which: int, approve: bool) -> None:
        def do(case: Case) -> None:
            asked = case.remedies.filter(status=RemedyStatus.TO_APPROVE).first()
            if asked is None:
                raise StaleCase
            remedies.decide_remedy(asked, approve=approve, by=self.manager, words="看过")

        self.act(which, do, gives=approve)

    @rule(which=WHICH, text=SAID)
    def message(self, which: int, text: str) -> None:
        self.act(which, lambda case: contacts.record_message(case, text, by=self.agent), text)

    @rule(which=WHICH)
    def carry_out(self, which: int) -> None:
        def do(case: Case) -> None:
            owed = case.remedies.filter(status=RemedyStatus.APPROVED).first()
            if owed is None:
                raise StaleCase
            remedies.carry_out(owed, "back_end", by=self.manager, reference="T1")

        self.act(which, do, gives=True)

    @rule(which=WHICH, text=SAID)
    def text_by_gateway(self, which: int, text: str) -> None:
        self.act(which, lambda case: send_text(case, text, by=self.agent), text)

    @rule()
    def texts_leave(self) -> None:
        """What a worker sends was judged when it was queued: nothing new is said."""
        with clock.at(self.now):
            send_due()

    @rule(
        text=SAID,
        act=st.sampled_from([ActKind.MESSAGE, ActKind.NOTE, ActKind.WAIT, ActKind.CLOSE]),
        undone=st.booleans(),
    )
    def many_at_once(self, text: str, act: ActKind, undone: bool) -> None:
        """One job over all cases, worked at as by a worker; then perhaps taken back."""
        until = (self.now + timedelta(days=1)).isoformat()
        params = {"text": text, "note": text, "until": until, "outcome": "refused"}
        with clock.at(self.now), suppress(*REFUSED):
            for pk in self.cases:
                with suppress(*REFUSED):
                    self._hold(Case.objects.get(pk=pk))
            cases = Case.objects.filter(pk__in=self.cases)
            job = bulk.prepare(cases, act, params, by=self.agent)
            bulk.start(job)
            bulk.run_job(job.pk)
            for row in BulkRow.objects.filter(job=job, state=RowState.DONE):
                self.passed.add(f"many_at_once: {act.value}")
                self._note(self.cases.index(row.case_id), text, False)
            if undone:
                for done in Act.objects.filter(row__job=job):
                    with suppress(*REFUSED):
                        undoing.undo(done, by=self.agent)
        self.now += timedelta(minutes=1)

    @rule(text=SAID)
    def answer_a_good_review(self, text: str) -> None:
        """Thanks stand under a review without a case: the buyer is the same."""
        reply, _made = PublicReply.objects.get_or_create(review=self.good, defaults={"text": "谢谢"})
        with clock.at(self.now), suppress(*REFUSED), transaction.atomic():
            PublicReply.objects.filter(pk=reply.pk).update(status="draft", posted_at=None)
            reply.refresh_from_db()
            posting.mark_reply_posted(reply, text, by=self.manager, case=None)
            self.passed.add("answer_a_good_review")
            self._note(-1, text, False)
        self.now += timedelta(minutes=1)

    @rule(which=WHICH, text=SAID)
    def keep_a_fact(self, which: int, text: str) -> None:
        self.act(which, lambda case: buyer_facts.keep_fact(case, text, by=self.agent), text)

    @rule(which=WHICH, text=SAID)
    def note(self, which: int, text: str) -> None:
        self.act(which, lambda case: contacts.add_note(case, text, by=self.agent), text)

    @rule(which=WHICH, text=SAID)
    def put_off(self, which: int, text: str) -> None:
        def do(case: Case) -> None:
            contacts.wait(case, self.now + timedelta(hours=2), by=self.agent, note=text)

        self.act(which, do, text)

    @rule(which=WHICH, text=SAID, posted=st.booleans())
    def reply(self, which: int, text: str, posted: bool) -> None:
        def do(case: Case) -> None:
            contacts.keep_reply(case, text, by=self.agent, posted=posted)

        self.act(which, do, text if posted else "")

    @rule(which=WHICH, text=TEXTS)
    def promise(self, which: int, text: str) -> None:
        def do(case: Case) -> None:
            contacts.promise_callback(case, self.now + timedelta(hours=1), by=self.agent, note=text)

        self.act(which, do, text)

    @rule(which=WHICH, text=TEXTS)
    def call_with_notes(self, which: int, text: str) -> None:
        def do(case: Case) -> None:
            call = contacts.start_call(case, by=self.agent)
            contacts.end_call(call, "reached", by=self.agent, notes=text)

        self.act(which, do, text)

    @rule(which=WHICH)
    def tell_of_review(self, which: int) -> None:
        self.act(which, lambda case: contacts.tell_of_review(case, by=self.agent), MENTION)

    @rule(which=WHICH)
    def look_at_the_script(self, which: int) -> None:
        case = Case.objects.get(pk=self.cases[which])
        with clock.at(self.now):
            shown = "".join(line.text for line in script_for(case, self.agent, None))
        if mentions_review_change(shown):
            assert any(where == which for _at, where in self.mentioned), "shown before it was told"
            assert case.compensated_at is None

    @rule(which=WHICH, text=TEXTS)
    def close(self, which: int, text: str) -> None:
        self.act(which, lambda case: contacts.settle(case, "refused", by=self.agent, note=text), text)

    @rule(which=WHICH, text=TEXTS)
    def reopen(self, which: int, text: str) -> None:
        case = Case.objects.get(pk=self.cases[which])
        with clock.at(self.now), suppress(*REFUSED):
            contacts.reopen(case, by=self.manager, reason=text)
            self._note(which, text, False)

    @rule(which=WHICH)
    def hand_over(self, which: int) -> None:
        self.act(which, lambda case: contacts.hand_over(case, self.agent, by=self.manager))

    @rule(text=SAID)
    def keep_texts_for_later(self, text: str) -> None:
        """A template or stage is no act towards this buyer: what matters is when it is used."""
        shop = Case.objects.get(pk=self.cases[0]).shop
        with suppress(*REFUSED):
            save_template(ReplyTemplate(shop=shop, name="t", text=text), by=self.manager)
        with suppress(*REFUSED):
            save_stage(Place(shop), Stage.CLOSE, f"对不起。{text}", by=self.manager)

    @rule(days=st.sampled_from([0, 1, 10, 20, 29, 30, 31, 40]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    # --- the promise ---

    @invariant()
    def they_never_meet(self) -> None:
        for given, _where in getattr(self, "compensated", []):
            for told, _there in self.mentioned:
                assert abs(given - told) >= timedelta(days=30), "within thirty days"
        booked = Case.objects.filter(pk__in=getattr(self, "cases", [])).exclude(compensated_at=None)
        for case in booked:
            for told, there in self.mentioned:
                mine = there >= 0 and self.cases[there] == case.pk
                late = told > case.compensated_at and mine  # type: ignore[operator]
                assert not late, "in a case with a compensation"

    def teardown(self) -> None:
        """Every run begins with an empty shop."""
        transaction.set_rollback(True)
        self.rows.__exit__(None, None, None)


# Doors that let something through even in these few runs; the rarer ones are tried all the same.
DOORS = {
    *("offer", "accept", "cancel", "message", "reply", "promise", "call_with_notes", "close", "note"),
    *("keep_a_fact", "text_by_gateway", "answer_a_good_review"),
}
QUICK = settings(
    max_examples=25,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # the first bad order is enough; making it shorter takes minutes
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_a_compensation_and_talk_of_the_review_never_meet_in_any_order_of_acts() -> None:
    Acts.passed.clear()
    run_state_machine_as_test(Acts, settings=QUICK)
    assert Acts.passed >= DOORS, f"never let anything through: {DOORS - Acts.passed}"


@pytest.mark.parametrize("side", ["bars_review_talk", "bars_compensation"])
def test_without_the_rule_the_machine_finds_an_order_in_which_they_meet(side: str) -> None:
    """The negative control: the property is no empty one."""
    off = mock.patch.object(sequence.Facts, side, return_value=None)
    with off, pytest.raises(AssertionError, match=r"thirty days|with a compensation|before it was told"):
        run_state_machine_as_test(Acts, settings=settings(QUICK, max_examples=200))
