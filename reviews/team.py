"""The team: who handles what, how much, who works when. The audit log keeps every change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from reviews import colliding
from reviews.causes import Cause
from reviews.dispatch import open_load
from reviews.models import Absence, AuditEntry, PhoneOnlyWeeks, Role, Shop, ShopDay, ShopMembership, User
from reviews.models.audit import Action
from reviews.recounting import want_recount
from reviews.templatetags.ui import when
from reviews.working_hours import words_of


def members_of(shops: Sequence[Shop]) -> QuerySet[ShopMembership]:
    """Members who can sign in, each with `load`: open cases in all shops, as dispatch counts them."""
    return (
        ShopMembership.objects.filter(shop__in=shops, user__is_active=True)
        .select_related("user")
        .prefetch_related("shop__own_days")
        .annotate(load=open_load())
        .order_by("shop__code", "role", "user__display_name", "user__username")
    )


def handling_of(membership: ShopMembership) -> dict[str, Any]:
    """What somebody handles, and how many cases at once, as it is stored."""
    return {"skills": membership.skills, "cap": membership.max_open_cases}


@transaction.atomic
def change_member(
    membership: ShopMembership, *, skills: Sequence[str], cap: int | None, by: User, mark: str = ""
) -> None:
    """Set the causes somebody handles and how many open cases they take. Raises Collision."""
    before = handling_of(_locked(membership))
    after = {"skills": list(skills), "cap": cap}
    names = "、".join(str(Cause(one).label) for one in before["skills"])
    words = f"{names}\n{_('at most')} {'∞' if before['cap'] is None else before['cap']} {_('cases')}"
    who = partial(AuditEntry.last_hand, Action.TEAM_CHANGED, membership, "before")
    colliding.check(mark, before, after, words=words, who=who)
    if before == after:
        return
    membership.skills, membership.max_open_cases = list(skills), cap
    membership.save(update_fields=["skills", "max_open_cases"])
    AuditEntry.note(
        Action.TEAM_CHANGED, membership, user=by, shop=membership.shop, before=before, after=after
    )


def _locked(membership: ShopMembership) -> ShopMembership:
    """The row as it stands now, held until the transaction ends."""
    return ShopMembership.objects.select_for_update().get(pk=membership.pk)


@transaction.atomic
def set_duty(membership: ShopMembership, on_duty: bool, *, by: User) -> None:
    """Put somebody on or off duty (in every shop: duty belongs to the person)."""
    person = membership.user
    if person.on_duty == on_duty:
        return
    person.on_duty = on_duty
    person.save(update_fields=["on_duty"])
    AuditEntry.note(Action.TEAM_CHANGED, membership, user=by, shop=membership.shop, on_duty=on_duty)


# --- who works when ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody is there now, in words, with an icon and a tone of app.css."""

    words: str
    icon: str
    tone: str


def standings(members: Iterable[ShopMembership], now: datetime) -> dict[int, Standing]:
    """Who is on shift, off shift or absent at this moment, by membership; one query."""
    members = list(members)
    away = Absence.objects.at(now).filter(user__in=[member.user_id for member in members])
    absent = {one.user_id: one for one in away}
    return {member.pk: standing(member, absent.get(member.user_id), now) for member in members}


def at_work_in(user: User, now: datetime) -> list[int]:
    """The shops in which this person is at work at this moment: on duty, on shift, not absent."""
    if not user.on_duty or Absence.objects.at(now).filter(user=user).exists():
        return []
    mine = user.memberships.select_related("shop", "user").prefetch_related("shop__own_days")
    return [member.shop_id for member in mine if member.hours.is_open(now)]


def why_no_cases(user: User, now: datetime) -> str:
    """Why no new case reaches somebody on duty in any shop: absent or off shift; empty when they do."""
    mine = user.memberships.filter(role=Role.AGENT)
    members = list(mine.select_related("shop", "user").prefetch_related("shop__own_days"))
    absence = Absence.objects.at(now).filter(user=user).first()
    if absence and members:
        return standing(members[0], absence, now).words
    if not members or any(member.hours.is_open(now) for member in members):
        return ""
    return standing(min(members, key=lambda one: one.hours.opens_after(now) or _FAR), None, now).words


_FAR = datetime.max.replace(tzinfo=UTC)


def standing(member: ShopMembership, absence: Absence | None, now: datetime) -> Standing:
    """How one member stands at `now`; times are those of the shop."""
    shop = member.shop
    if absence:
        return Standing(_("Absent until %(at)s") % {"at": when(absence.ends, shop, now)}, "user-off", "amber")
    hours = member.hours
    until = hours.open_until(now)
    if until is None:
        again = hours.opens_after(now)
        words = _("Off shift until %(at)s") % {"at": when(again, shop, now)} if again else _("Off shift")
        return Standing(words, "moon", "grey")
    if not member.has_hours:
        return Standing(_("No shifts entered: the switch decides"), "clock", "grey")
    if until - now >= timedelta(days=1):
        return Standing(_("On shift"), "clock", "green")
    return Standing(_("On shift until %(at)s") % {"at": when(until, shop, now)}, "clock", "green")


def hours_of(shop: Shop) -> dict[str, Any]:
    """A shop's usual week and whether it follows the official calendar, as it is stored."""
    return {"week": shop.week, "official_days": shop.official_days}


def _week_words(week: list[Any]) -> str:
    """One line a day with its hours; empty without a week."""
    return "\n".join(f"{WEEKDAYS[number]}: {words_of(day) or '–'}" for number, day in enumerate(week))


@transaction.atomic
def set_shifts(membership: ShopMembership, week: list[Any], *, by: User, mark: str = "") -> None:
    """Set somebody's shifts in one shop; an empty list: the shop's hours hold. Raises Collision."""
    before = _locked(membership).week
    who = partial(AuditEntry.last_hand, Action.TEAM_CHANGED, membership, "shifts")
    colliding.check(mark, before, week, words=_week_words(before), who=who)
    if before == week:
        return
    membership.week = week
    membership.save(update_fields=["week"])
    AuditEntry.note(
        Action.TEAM_CHANGED, membership, user=by, shop=membership.shop, shifts_before=before, shifts=week
    )


@transaction.atomic
def set_shop_hours(shop: Shop, week: list[Any], *, official_days: bool, by: User, mark: str = "") -> None:
    """Set a shop's usual week and whether it follows the official calendar. Raises Collision."""
    before = hours_of(Shop.objects.select_for_update(no_key=True).get(pk=shop.pk))
    after = {"week": week, "official_days": official_days}
    calendar = _("Follow China's official calendar")
    words = f"{_week_words(before['week'])}\n{calendar}: {_('Yes') if before['official_days'] else _('No')}"
    who = partial(AuditEntry.last_hand, Action.SHOP_RULE, shop, "before")
    colliding.check(mark, before, after, words=words, who=who)
    if before == after:
        return
    shop.week, shop.official_days = week, official_days
    shop.save(update_fields=["week", "official_days"])
    want_recount(shop)
    AuditEntry.note(Action.SHOP_RULE, shop, user=by, shop=shop, before=before, after=after)


@transaction.atomic
def set_days(shop: Shop, first: date, last: date, *, is_worked: bool, by: User) -> None:
    """Make the days from first to last (both inside) days off, or worked ones."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    ShopDay.objects.bulk_create(
        [ShopDay(shop=shop, day=day, is_worked=is_worked) for day in days],
        update_conflicts=True,
        unique_fields=["shop", "day"],
        update_fields=["is_worked"],
    )
    span = {"first": first.isoformat(), "last": last.isoformat(), "is_worked": is_worked}
    AuditEntry.note(Action.SHOP_RULE, shop, user=by, shop=shop, days=span)
    want_recount(shop)


@transaction.atomic
def forget_day(row: ShopDay, *, by: User) -> None:
    """Let a day be what the week and the calendar make of it."""
    AuditEntry.note(Action.SHOP_RULE, row.shop, user=by, shop=row.shop, day_forgotten=row.day.isoformat())
    row.delete()
    want_recount(row.shop)


# --- weeks of big promotions ---------------------------------------------------------------------


@transaction.atomic
def add_phone_only(shop: Shop, name: str, first: date, last: date, *, by: User) -> None:
    """From first to last (both inside) buyers of the shop are contacted by telephone only."""
    weeks = PhoneOnlyWeeks.objects.create(shop=shop, name=name, first=first, last=last)
    _note_phone_only(weeks, by, "added")


@transaction.atomic
def forget_phone_only(weeks: PhoneOnlyWeeks, *, by: User) -> None:
    """Take them out: from now on buyers are written to again."""
    _note_phone_only(weeks, by, "removed")
    weeks.delete()


def _note_phone_only(weeks: PhoneOnlyWeeks, by: User, what: str) -> None:
    span = {"name": weeks.name, "first": weeks.first.isoformat(), "last": weeks.last.isoformat()}
    AuditEntry.note(Action.SHOP_RULE, weeks.shop, user=by, shop=weeks.shop, phone_only={what: span})
