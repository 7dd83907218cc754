"""A case somebody took and left alone: after thirty idle minutes it is free for others."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from callbacks.models import CallLog, CaseViewer, LapsedHold
from reviews.models import Case, CaseEvent, StaleCase, Status
from reviews.models.cases import CaseQuerySet

LEASE = timedelta(minutes=30)
AT_ONCE = 500


def idle(now: datetime) -> CaseQuerySet:
    """Cases in progress whose holder has done nothing in them for the length of the lease.

    Something is: an act, a page of the case that is open and visible, a running call (notes save themselves
    only in one).
    """
    since = now - LEASE
    here = {"case": OuterRef("pk")}
    acts = CaseEvent.objects.filter(**here, by=OuterRef("assignee"), at__gt=since)
    looks = CaseViewer.objects.filter(**here, user=OuterRef("assignee"), seen_at__gt=since)
    calls = CallLog.objects.filter(**here, ended_at=None)
    return Case.objects.filter(~Exists(acts), ~Exists(looks), ~Exists(calls), status=Status.IN_PROGRESS)


def free_idle(now: datetime) -> int:
    """Free what was left; how many cases. Promises in them stay and come up to who takes the case."""
    keys = list(idle(now).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    freed = sum(_free(key, now) for key in keys)
    CaseViewer.objects.all().forget(now)
    return freed


@transaction.atomic
def _free(key: int, now: datetime) -> bool:
    """False when somebody has come back, or is just now at it."""
    case = idle(now).select_for_update(skip_locked=True, of=("self",)).filter(pk=key).first()
    if case is None or case.assignee_id is None:
        return False
    holder = case.assignee_id
    try:
        case.lapse()
    except StaleCase:
        return False
    LapsedHold.objects.create(case=case, agent_id=holder, at=now)
    return True
