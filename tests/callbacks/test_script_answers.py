"""What the buyer answers in a call: the next words, the outcome it leads to, kept with its time."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from callbacks import contacts
from callbacks.holding import NotAllowed
from callbacks.models import Answer, CallLog, CallOutcome, ScriptStage, Stage
from callbacks.script import outcome_of, review_words, script_for
from callbacks.script_spots import ENDS, ICONS, answers_at
from reviews import clock
from reviews.causes import CAUSE_OF, SubCause
from reviews.models import Case, InvalidTransition, Shop, Status, User
from tests.factories import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


@pytest.fixture
def call(case: Case, agent: User) -> CallLog:
    return contacts.start_call(case, by=agent)


def send(client: Client, case: Case, verb: str, **data: str) -> str:
    return client.post(
        reverse(f"callbacks:{verb}", args=[case.pk]), data, headers={"HX-Request": "true"}
    ).content.decode()


def test_every_answer_has_an_icon_and_stages_have_at_most_the_keys_5_to_9() -> None:
    assert set(ICONS) == set(Answer)
    assert set(ENDS) < set(Answer)
    assert all(len(answers_at(stage)) <= 5 for stage in Stage)


def test_an_answer_shows_the_next_words_and_proposes_the_outcome(
    client: Client, case: Case, call: CallLog, agent: User
) -> None:
    client.force_login(agent)
    page = send(client, case, "answer_stage", stage="introduce", answer="busy")
    assert "到点我本人给您打" in page
    assert "按买家的回答" in page
    assert outcome_of(call) == CallOutcome.LATER


def test_the_button_that_ends_the_call_carries_the_proposed_outcome(
    client: Client, case: Case, call: CallLog, agent: User
) -> None:
    client.force_login(agent)
    page = send(client, case, "answer_stage", stage="remedy", answer="settled")
    assert 'form="call-form" name="outcome" value="agreed" data-key="e"' in page


def test_it_is_kept_with_its_time_and_counts_as_reached(
    case: Case, call: CallLog, agent: User, calling_hour: datetime
) -> None:
    with clock.at(calling_hour + timedelta(seconds=40)):
        contacts.answer_stage(call, "recall", "forgot", by=agent)
    contacts.end_call(call, "reached", by=agent)
    (given,) = call.answers.all()
    assert (given.answer, given.at) == ("forgot", calling_hour + timedelta(seconds=40))
    (reached,) = call.stages.all()
    assert (reached.stage, reached.at) == ("recall", given.at)


def test_the_last_word_of_a_stage_counts_and_the_same_again_takes_it_back(call: CallLog, agent: User) -> None:
    for answer in ("hesitant", "settled"):
        contacts.answer_stage(call, "remedy", answer, by=agent)
    assert [one.answer for one in call.answers.all()] == ["settled"]
    contacts.answer_stage(call, "remedy", "settled", by=agent)
    assert not call.answers.exists()


def test_what_is_said_last_decides_how_the_call_ends(
    call: CallLog, agent: User, calling_hour: datetime
) -> None:
    for minute, (stage, answer) in enumerate(
        [("remedy", "hesitant"), ("close", "settled"), ("ask", "upset")]
    ):
        with clock.at(calling_hour + timedelta(minutes=minute)):
            contacts.answer_stage(call, stage, answer, by=agent)
    assert outcome_of(call) == CallOutcome.AGREED


def test_each_stage_has_its_own_answers(call: CallLog, agent: User) -> None:
    with pytest.raises(NotAllowed, match="说明来意"):
        contacts.answer_stage(call, "introduce", "forgot", by=agent)


def test_after_the_end_and_for_others_nothing_is_noted(call: CallLog, agent: User, manager: User) -> None:
    with pytest.raises(InvalidTransition):
        contacts.answer_stage(call, "introduce", "busy", by=manager)
    with pytest.raises(InvalidTransition):
        contacts.tick_rest(call, by=manager)
    contacts.end_call(call, "no_answer", by=agent)
    with pytest.raises(InvalidTransition):
        contacts.answer_stage(call, "introduce", "busy", by=agent)


def test_the_rest_is_ticked_at_once_and_earlier_ticks_keep_their_time(
    client: Client, case: Case, call: CallLog, agent: User, calling_hour: datetime
) -> None:
    with clock.at(calling_hour):
        contacts.tick_stage(call, "identify", by=agent)
    client.force_login(agent)
    with clock.at(calling_hour + timedelta(minutes=3)):
        page = send(client, case, "tick_rest")
    assert "道歉 2/2" in page
    times = {one.stage: one.at for one in call.stages.all()}
    assert len(times) == len(Stage)
    assert times["identify"] == calling_hour
    assert times["close"] == calling_hour + timedelta(minutes=3)


def test_a_ticked_stage_tells_its_time(case: Case, call: CallLog, agent: User) -> None:
    contacts.tick_stage(call, Stage.IDENTIFY, by=agent)
    line = script_for(case, agent, call)[0]
    assert line.ticked
    assert line.at == call.stages.get().at


def test_no_default_text_is_taken_for_talk_of_the_review(case: Case, agent: User) -> None:
    """Also where a stretch that may fall away holds a full stop."""
    Shop.objects.update(may_mention_reviews=True)
    case.refresh_from_db()
    for sub_cause in SubCause:
        Case.objects.update(cause=CAUSE_OF[sub_cause], sub_cause=sub_cause)
        case.refresh_from_db()
        assert review_words(case, agent) == ""


def test_what_is_said_of_the_review_is_found_between_stretches(case: Case, agent: User) -> None:
    Shop.objects.update(may_mention_reviews=True)
    ScriptStage.objects.filter(stage="close", cause="", answer="").update(
        text="[[item|买的是{item}。]]还有别的事吗？[[order_date|是{order_date}下的单。]]评价您可以自己修改。再见。"
    )
    ScriptStage.objects.filter(stage="close").exclude(cause="", answer="").delete()
    case.refresh_from_db()
    words = review_words(case, agent)
    assert "评价您可以自己修改" in words
    assert "[" not in words
    assert "再见" not in words
