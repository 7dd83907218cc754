"""What every page shows around its content."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.template.backends.utils import csrf_input
from django.utils.functional import SimpleLazyObject

from reviews import clock, team
from reviews.models import Case, DriftAlarm, Incident, Shop, User
from reviews.prepared import Asked, PreparedCount


def nav(request: HttpRequest) -> dict[str, Any]:
    """The signed-in person's place."""
    user = getattr(request, "user", None)
    return {"nav": Nav(user) if isinstance(user, User) else {}}


@dataclass
class Nav:
    """Roles, duty, open cases, shops. Lazy: costs nothing unless shown, and is drawn more than once, for wide
    and for narrow screens."""

    user: User

    @property
    def is_manager(self) -> bool:
        return self.user.is_manager

    @property
    def is_administrator(self) -> bool:
        return self.user.is_superuser

    @property
    def on_duty(self) -> bool:
        return self.user.on_duty

    @property
    def handles_complaints(self) -> bool:
        return self.user.handles_complaints

    @property
    def shops(self) -> list[Shop]:
        return self.user.shops

    @cached_property
    def no_cases(self) -> str:
        return team.why_no_cases(self.user, clock.now())

    @cached_property
    def my_open(self) -> int:
        return _MY_OPEN(user=self.user.pk)

    @cached_property
    def drift_alarms(self) -> int:
        return _ALARMS(shops=self.user.managed_shop_ids)

    @cached_property
    def incidents(self) -> int:
        return _INCIDENTS(shops=self.user.managed_shop_ids)


_MY_OPEN = PreparedCount(lambda: Case.objects.filter(assignee=Asked("user")).open())
_ALARMS = PreparedCount(lambda: DriftAlarm.objects.ringing().filter(shop__any=Asked("shops")))
_INCIDENTS = PreparedCount(lambda: Incident.objects.to_decide().filter(shop__any=Asked("shops")))


def csrf(request: HttpRequest) -> dict[str, Any]:
    """For Jinja the hidden field of every form, made once a page."""
    return {"csrf_input": SimpleLazyObject(lambda: csrf_input(request))}
