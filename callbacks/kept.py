"""How many promised call-backs were kept. Read-only; every number has the promises behind it.

A promise is judged once its hour and ten minutes are over. Kept: a call to this buyer began not more than ten
minutes before or after the hour, whether or not it was answered. Moved at the buyer's wish before the hour it
counts at the new hour; moved for any other reason it still counts at the first. Cancelled ones do not count.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Count, F, Q

from callbacks.models import CallbackPromise
from callbacks.models.calls import CallbackPromiseQuerySet
from callbacks.promising import TOLERANCE
from reviews.models import Shop, User
from reviews.statistics import Scope

KEPT = Q(kept_at__gte=F("judged_at") - TOLERANCE, kept_at__lte=F("judged_at") + TOLERANCE)


@dataclass(frozen=True, slots=True)
class KeptShare:
    """Of one agent in one shop (no agent: of the whole shop): how many were judged, and kept."""

    shop: Shop
    agent: User | None
    judged: int
    kept: int

    @property
    def missed(self) -> int:
        return self.judged - self.kept

    @property
    def share(self) -> float:
        return self.kept / self.judged

    @property
    def query(self) -> str:
        """The parameters by which the list of promises shows these."""
        return f"shop={self.shop.pk}" + (f"&agent={self.agent.pk}" if self.agent else "")


def judged(scope: Scope, now: datetime) -> CallbackPromiseQuerySet:
    """The promises of the scope's days, each day the shop's own, that can be judged."""
    rule = Q(pk__in=[])
    for shop in scope.shops:
        first, after = (
            datetime.combine(day, time(), shop.zone)
            for day in (scope.period.first, scope.period.last + timedelta(days=1))
        )
        rule |= Q(case__shop=shop, judged_at__gte=first, judged_at__lt=after)
    over = Q(judged_at__lt=now - TOLERANCE) | KEPT
    return CallbackPromise.objects.filter(rule, over, cancelled_at=None)


def kept(promises: CallbackPromiseQuerySet) -> CallbackPromiseQuerySet:
    return promises.filter(KEPT)


def missed(promises: CallbackPromiseQuerySet) -> CallbackPromiseQuerySet:
    return promises.exclude(pk__in=promises.filter(KEPT).order_by().values("pk"))


def shares(scope: Scope, now: datetime, agent: User | None = None) -> list[KeptShare]:
    """A row for each shop that promised, under it one for each agent who was to call; or `agent` alone."""
    promises = judged(scope, now).order_by()
    if agent:
        promises = promises.filter(agent=agent)
    counted = promises.values_list("case__shop", "agent").annotate(
        all=Count("pk"), kept=Count("pk", filter=KEPT)
    )
    counts = sorted(counted)
    people = User.objects.in_bulk({agent for _shop, agent, _all, _kept in counts})
    rows: list[KeptShare] = []
    for shop in scope.shops:
        own = [one for one in counts if one[0] == shop.pk]
        if not own:
            continue
        if agent is None:
            rows.append(KeptShare(shop, None, sum(one[2] for one in own), sum(one[3] for one in own)))
        rows += [KeptShare(shop, people[one[1]], one[2], one[3]) for one in own]
    return rows
