"""One act on many cases: an exact preview, then a job whose rows are done one by one by the desk's verbs.

The preview asks the very checks the verbs ask. What has changed between preview and run is refused row by
row. A row is done and noted as done in one transaction (callbacks.undoing), so that a killed worker loses and
repeats nothing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Subquery
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as BrokerAway

from callbacks import contacts, incident_plan, texts
from callbacks.holding import NotAllowed
from callbacks.models import Act, ActKind, BulkJob, BulkRow, CallbackPromise, CallLog, Remedy, RemedyStatus
from callbacks.models.acts import AT_WORK, JobStatus, RowState
from callbacks.models.messages import Channel
from callbacks.undoing import RowGone, for_row, remembered, seen_of, undo
from reviews import clock
from reviews.compliance import mentions_benefit, mentions_review_change, verdict
from reviews.models import Case, CaseEvent, InvalidTransition, StaleCase, User
from reviews.models.cases import CaseQuerySet
from reviews.outgoing import OffendingText, facts_for, judge, sentences_of
from reviews.sequence import SequenceRefusal

log = logging.getLogger(__name__)

AT_ONCE = 10_000  # cases a job takes
CLAIM = 50
LEASE = timedelta(seconds=60)
TURN = 10.0  # seconds a worker stays with a job before it lets others at the queue
TRIES = 3  # then a row is given up: it took its worker down each time
PREVIEWS_KEPT = timedelta(days=1)
JOBS_KEPT = timedelta(days=90)

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BulkAct:
    """How one act is asked about and done. `check` raises what `do` would refuse, and writes nothing.

    `left` says what of it will be left undone in a case, `shown` what the case gets where that differs.
    """

    check: Callable[[Case, Params, User], None]
    do: Callable[[Case, Params, User], Act]
    left: Callable[[Case, Params, User], str] = lambda case, params, by: ""
    shown: Callable[[Case, Params], str] | None = None


def _agent(params: Params) -> User:
    if isinstance(params["agent"], User):
        return params["agent"]
    agent = User.objects.filter(pk=params["agent"]).first()
    if agent is None:
        raise NotAllowed(_("This person does not work here any more."))
    return agent


def _until(params: Params) -> datetime:
    return datetime.fromisoformat(params["until"])


def _send(case: Case, text: str, *, by: User) -> Act:
    """Queue one text message; like a single one it can be taken back for fifteen seconds."""
    texts.check_text(case, Channel.SMS, by=by)
    with (
        texts.cleared_to_queue(case, text, Channel.SMS, by=by),
        remembered(case, ActKind.MESSAGE, by=by) as act,
    ):
        kind = texts.kind_of(case, clock.now())
        act.also["message"] = texts.queue_text(case, text, kind=kind, channel=Channel.SMS, by=by).pk
    return act


ACTS: dict[str, BulkAct] = {
    ActKind.ASSIGN: BulkAct(
        lambda case, params, by: contacts.check_hand_over(case, _agent(params), by=by),
        lambda case, params, by: contacts.hand_over(case, _agent(params), by=by),
    ),
    ActKind.RELEASE: BulkAct(
        lambda case, params, by: contacts.check_give_back(case, by=by),
        lambda case, params, by: contacts.give_back(case, by=by),
    ),
    ActKind.WAIT: BulkAct(
        lambda case, params, by: contacts.check_wait(case, _until(params), by=by),
        lambda case, params, by: contacts.wait(case, _until(params), by=by, note=params["note"]),
    ),
    ActKind.CLOSE: BulkAct(
        lambda case, params, by: contacts.check_settle(case, params["outcome"], by=by, begin=True),
        lambda case, params, by: contacts.settle(
            case, params["outcome"], by=by, note=params["note"], begin=True
        ),
    ),
    ActKind.CAUSE: BulkAct(
        lambda case, params, by: contacts.check_decide_cause(case, by=by),
        lambda case, params, by: contacts.decide_cause(case, params["sub_cause"], by=by),
    ),
    ActKind.NOTE: BulkAct(
        lambda case, params, by: contacts.check_note(case, by=by),
        lambda case, params, by: contacts.add_note(case, params["note"], by=by),
    ),
    ActKind.MESSAGE: BulkAct(
        lambda case, params, by: texts.check_text(case, Channel.SMS, by=by),
        lambda case, params, by: _send(case, params["text"], by=by),
    ),
    ActKind.INCIDENT: BulkAct(
        incident_plan.check,
        lambda case, params, by: incident_plan.apply(case, params, by=by),
        incident_plan.left_words,
        incident_plan.shown,
    ),
}

REFUSALS = (NotAllowed, InvalidTransition, StaleCase, OffendingText, SequenceRefusal)


# --- the preview ---------------------------------------------------------------------------------


def prepare(cases: CaseQuerySet, kind: ActKind, params: Params, *, by: User, asked: str = "") -> BulkJob:
    """Fix which cases a job takes and say of each whether it will be changed. Nothing is done yet.

    Raises InvalidTransition when there is none, or more than a job takes.
    """
    found = list(_with_facts(cases).order_by("due_at", "id")[: AT_ONCE + 1])
    if not found:
        raise InvalidTransition(_("No case fits any more. Choose again."))
    if len(found) > AT_ONCE:
        words = _("More than %(number)d cases at once are too many. Narrow the filter.")
        raise InvalidTransition(words % {"number": AT_ONCE})
    with transaction.atomic():
        job = BulkJob.objects.create(
            act=kind, params=params, asked=asked, language=translation.get_language(), created_by=by
        )
        rows = [_row(job, *foreseen) for foreseen in _foreseen(found, kind, params, by)]
        BulkRow.objects.bulk_create(rows, batch_size=1000)
    return job


def _with_facts(cases: CaseQuerySet) -> CaseQuerySet:
    """Cases with all that the checks ask, in one query (callbacks.holding reads the same names)."""
    of_case = {"case": OuterRef("pk")}
    events = CaseEvent.objects.filter(**of_case).order_by().values("case")
    remedies = Remedy.objects.filter(**of_case, status=RemedyStatus.TO_APPROVE)
    return cases.select_related("shop", "assignee", "review__order", "review__shop").annotate(
        seen_event=Subquery(events.annotate(last=Max("pk")).values("last")),
        on_the_phone=Exists(CallLog.objects.filter(**of_case, ended_at=None)),
        has_pending_promise=Exists(CallbackPromise.objects.filter(**of_case).pending()),
        has_remedy_to_approve=Exists(remedies),
    )


def _row(job: BulkJob, case: Case, refused: str, left: str) -> BulkRow:
    seen = seen_of(case, getattr(case, "seen_event", None) or 0)
    state = RowState.REFUSED if refused else RowState.TO_DO
    return BulkRow(job=job, case=case, seen=seen, state=state, reason=refused or left)


def _foreseen(cases: list[Case], kind: ActKind, params: Params, by: User) -> Iterator[tuple[Case, str, str]]:
    """Each case with the reason why it will be refused (empty: it will be changed), and what will be left."""
    params = {**params, "agent": _agent(params)} if "agent" in params else params
    offences_of = _text_judge(
        params.get("text") or params.get("note", ""), "sms" if "text" in params else "note"
    )
    for case in cases:
        try:
            ACTS[kind].check(case, params, by)
        except REFUSALS as refusal:
            yield case, str(refusal), ""
        else:
            yield case, offences_of(case), ACTS[kind].left(case, params, by)


def _text_judge(text: str, kind: str) -> Callable[[Case], str]:
    """What the compliance check says to the note or message in a case.

    A text that speaks neither of a benefit nor of the review is judged once a shop: what was said and offered
    before cannot change its verdict.
    """
    neutral = not mentions_benefit(text) and not mentions_review_change(text)
    known: dict[int, str] = {}

    def words_for(case: Case) -> str:
        if not text.strip():
            return ""
        if neutral and case.shop_id in known:
            return known[case.shop_id]
        now = clock.now()
        facts = facts_for(case.shop, None if neutral else case.review, None if neutral else case, now)
        offences = judge(text, kind, case.shop, facts, now)
        known[case.shop_id] = "" if verdict(offences) != "block" else " ".join(sentences_of(offences))
        return known[case.shop_id]

    return words_for


# --- the job -------------------------------------------------------------------------------------


def start(job: BulkJob) -> None:
    """Let the workers begin. Asked twice, it happens once."""
    before = BulkJob.objects.filter(pk=job.pk, status=JobStatus.PREVIEW)
    if before.update(status=JobStatus.RUNNING, started_at=clock.now()):
        transaction.on_commit(lambda: wake(job.pk))


def cancel(job: BulkJob) -> None:
    """Stop a job in the middle: what is done stays done (and can be undone), the rest is left alone."""
    with transaction.atomic():
        running = BulkJob.objects.filter(pk=job.pk, status=JobStatus.RUNNING)
        if running.update(status=JobStatus.CANCELLED, finished_at=clock.now(), claimed_until=None):
            job.rows.filter(state=RowState.TO_DO).update(state=RowState.LEFT)


def take_back(job: BulkJob) -> None:
    """Undo the whole job, row by row. Raises NotAllowed after ten minutes."""
    now = clock.now()
    if not job.may_be_undone(now):
        raise NotAllowed(_("Ten minutes are over: this can no longer be undone."))
    with transaction.atomic():
        over = BulkJob.objects.filter(pk=job.pk, status=job.status)
        if over.update(status=JobStatus.UNDOING, undo_at=now):
            job.rows.filter(state=RowState.DONE).update(attempts=0, claimed_until=None)
            transaction.on_commit(lambda: wake(job.pk))


def wake(job_id: int) -> None:
    """Wake a worker. Without a broker the sweep begins the job."""
    from callbacks.tasks import run_bulk

    try:
        run_bulk.delay(job_id)
    except BrokerAway as error:
        log.warning("No message sent, the sweep will go on with job %s: %s", job_id, error)


def run_job(job_id: int) -> None:
    """Work at the job's rows until none is left, it is stopped, or the turn is over."""
    ends = monotonic() + TURN
    while monotonic() < ends:
        job = BulkJob.objects.select_related("created_by").filter(pk=job_id, status__in=AT_WORK).first()
        if job is None:
            return
        now = clock.now()
        rows = _to_work_at(job).claim(CLAIM, now, LEASE)
        if not rows:
            _finish(job)
            return
        BulkJob.objects.filter(pk=job_id).update(claimed_until=now + LEASE)
        with translation.override(job.language):
            for row in rows:
                _work_at(row, job)
    wake(job_id)


def _to_work_at(job: BulkJob) -> Any:
    state = RowState.DONE if job.status == JobStatus.UNDOING else RowState.TO_DO
    return BulkRow.objects.filter(job=job, state=state)


def _finish(job: BulkJob) -> None:
    """Nothing is claimable: over when nothing is left either (another worker may still be at it)."""
    if _to_work_at(job).exists():
        return
    at_work = BulkJob.objects.filter(pk=job.pk, status=job.status)
    if job.status == JobStatus.UNDOING:
        at_work.update(status=JobStatus.UNDONE, claimed_until=None)
    else:
        at_work.update(status=JobStatus.FINISHED, finished_at=clock.now(), claimed_until=None)


def _work_at(row: BulkRow, job: BulkJob) -> None:
    """Do (or undo) one row; every way it can end is written down."""
    undoing = job.status == JobStatus.UNDOING
    before = RowState.DONE if undoing else RowState.TO_DO
    ended, reason = (RowState.STANDS if undoing else RowState.REFUSED), ""
    try:
        if row.attempts > TRIES:
            raise NotAllowed(_("The worker was lost each time it came to this case."))
        if undoing:
            undo(Act.objects.get(row=row), by=job.created_by, asked_at=job.undo_at)
        else:
            _do(row, job)
        return
    except RowGone:
        return
    except REFUSALS as refusal:
        reason = str(refusal)
    except Exception:  # one case that cannot be worked at never holds up the rest
        log.exception("Case %s of job %s failed", row.case_id, job.pk)
        ended, reason = (RowState.STANDS if undoing else RowState.FAILED), _("An error; it is in the log.")
    BulkRow.objects.filter(pk=row.pk, state=before).update(state=ended, reason=reason)


def _do(row: BulkRow, job: BulkJob) -> None:
    case = Case.objects.visible_to(job.created_by).select_related("shop", "assignee").filter(pk=row.case_id)
    found = case.first()
    if found is None:
        raise NotAllowed(_("The case is no longer yours to see."))
    with for_row(row):
        act = ACTS[job.act].do(found, job.params, job.created_by)
    left = act.also.get("left", "")
    if left != row.reason:
        BulkRow.objects.filter(pk=row.pk).update(reason=left)


def reasons_of(job: BulkJob) -> list[tuple[str, int]]:
    """Why rows were refused, failed or stayed, with how many; the most frequent first."""
    words = job.rows.exclude(reason="").values_list("reason", flat=True)
    return Counter(words.iterator(chunk_size=2000)).most_common()


def forget_old(now: datetime) -> None:
    """Delete previews nobody started, and jobs long done."""
    BulkJob.objects.filter(status=JobStatus.PREVIEW, created_at__lt=now - PREVIEWS_KEPT).delete()
    BulkJob.objects.filter(created_at__lt=now - JOBS_KEPT).exclude(status__in=AT_WORK).delete()
