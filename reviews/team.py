"""Changing the team: who handles what, how much, who is on duty. The audit log keeps every change."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from reviews.dispatch import open_load
from reviews.models import AuditEntry, Shop, ShopMembership, User
from reviews.models.audit import Action


def members_of(shops: Sequence[Shop]) -> QuerySet[ShopMembership]:
    """Members who can sign in, each with `load`: open cases in all shops, as dispatch counts them."""
    return (
        ShopMembership.objects.filter(shop__in=shops, user__is_active=True)
        .select_related("user", "shop")
        .annotate(load=open_load())
        .order_by("shop__code", "role", "user__display_name", "user__username")
    )


@transaction.atomic
def change_member(membership: ShopMembership, *, skills: Sequence[str], cap: int | None, by: User) -> None:
    """Set the causes somebody handles and how many open cases they take."""
    before = {"skills": membership.skills, "cap": membership.max_open_cases}
    after = {"skills": list(skills), "cap": cap}
    if before == after:
        return
    membership.skills, membership.max_open_cases = list(skills), cap
    membership.save(update_fields=["skills", "max_open_cases"])
    AuditEntry.note(
        Action.TEAM_CHANGED, membership, user=by, shop=membership.shop, before=before, after=after
    )


@transaction.atomic
def set_duty(membership: ShopMembership, on_duty: bool, *, by: User) -> None:
    """Put somebody on or off duty (in every shop: duty belongs to the person)."""
    person = membership.user
    if person.on_duty == on_duty:
        return
    person.on_duty = on_duty
    person.save(update_fields=["on_duty"])
    AuditEntry.note(Action.TEAM_CHANGED, membership, user=by, shop=membership.shop, on_duty=on_duty)
