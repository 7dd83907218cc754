"""The month's spending on remedies, for any page that counts shops."""

from collections.abc import Iterable
from typing import Any

from django import template

from callbacks.approvals import purses
from callbacks.models import RemedyKind
from reviews import clock
from reviews.models import Shop

register = template.Library()


@register.inclusion_tag("callbacks/_spending.html")
def spending(shops: Iterable[Shop]) -> dict[str, Any]:
    """Show budgets and what they bear this month; the lists lead to what waits."""
    return {"purses": purses(shops, clock.now())}


@register.filter
def remedy_kind(code: str) -> Any:
    """Return the words of a kind of remedy."""
    return RemedyKind(code).label
