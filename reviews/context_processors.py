"""What every page shows around its content."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.template.backends.utils import csrf_input
from django.utils.functional import SimpleLazyObject

from reviews import clock, team
from reviews.models import Case, DriftAlarm, Incident, User


def nav(request: HttpRequest) -> dict[str, Any]:
    """The signed-in person's place: roles, duty, open cases, shops. Lazy: costs nothing unless shown."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"nav": {}}
    return {
        "nav": {
            "is_manager": user.is_manager,
            "is_administrator": user.is_superuser,
            "on_duty": user.on_duty,
            "no_cases": lambda: team.why_no_cases(user, clock.now()),
            # Drawn more than once, for wide and for narrow screens: counted once.
            "my_open": cache(lambda: Case.objects.held_by(user).open().count()),
            "handles_complaints": user.handles_complaints,
            "drift_alarms": cache(
                lambda: DriftAlarm.objects.ringing().filter(user.managed_shop_filter("shop")).count()
            ),
            "incidents": cache(
                lambda: Incident.objects.to_decide().filter(user.managed_shop_filter("shop")).count()
            ),
            "shops": lambda: user.shops,
        }
    }


def csrf(request: HttpRequest) -> dict[str, Any]:
    """For Jinja the hidden field of every form, made once a page."""
    return {"csrf_input": SimpleLazyObject(lambda: csrf_input(request))}
