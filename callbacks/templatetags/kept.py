"""The share of promised call-backs that were kept, for any page that counts shops."""

from typing import Any

from django import template
from django.utils.http import urlencode

from callbacks.kept import shares
from reviews import clock
from reviews.statistics import Scope

register = template.Library()


@register.inclusion_tag("callbacks/_kept.html")
def kept_promises(scope: Scope) -> dict[str, Any]:
    """Show how many were kept, by shop and agent; each number leads to its promises."""
    period = scope.period
    days = urlencode({"from": period.first.isoformat(), "until": period.last.isoformat()})
    return {"rows": shares(scope, clock.now()), "days": days}
