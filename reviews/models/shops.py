"""Shops: one row a store on one platform, with its hours and limits."""

import zoneinfo
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from reviews.deadlines import NoWorkingTime, add_working_minutes
from reviews.prepared import Asked, Prepared
from reviews.workdays import EVERY_DAY, Workdays
from reviews.working_hours import Span, WorkingHours, check_week, read_week

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class Platform(models.TextChoices):
    TAOBAO = "taobao", _("Taobao / Tmall")
    JD = "jd", _("JD")
    PDD = "pdd", _("Pinduoduo")
    DOUYIN = "douyin", _("Douyin")
    KUAISHOU = "kuaishou", _("Kuaishou")
    OWN = "own", _("Own shop")


def check_zone(name: str) -> None:
    """Refuse a name that is no IANA time zone."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(name)s” is no time zone; an example is Asia/Shanghai."), params={"name": name}
        )


class ShopQuerySet(models.QuerySet["Shop"]):
    def visible_to(self, viewer: "Viewer") -> "ShopQuerySet":
        """The shops a person works for or a key belongs to; an administrator sees all."""
        return self.filter(viewer.shop_filter("pk"))


class Shop(models.Model):
    """A store on one platform. `code` names it in commands, files and the API."""

    code = models.CharField(
        _("code"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", _("Lower-case letters, digits, - and _ only."))],
    )
    name = models.CharField(_("name"), max_length=80)
    platform = models.CharField(_("platform"), max_length=16, choices=Platform.choices)
    time_zone = models.CharField(
        _("time zone"), max_length=40, default="Asia/Shanghai", validators=[check_zone]
    )
    # Calling hours and attempt limits: defaults of the trade, no statute (see callbacks.calling_rules).
    calling_from = models.TimeField(_("calls from"), default=time(9, 0))
    calling_until = models.TimeField(_("calls until"), default=time(20, 30))
    attempts_per_day = models.PositiveSmallIntegerField(
        _("call attempts a day"), default=2, validators=[MinValueValidator(1)]
    )
    attempts_per_case = models.PositiveSmallIntegerField(
        _("call attempts a case"), default=3, validators=[MinValueValidator(1)]
    )
    hours_between_attempts = models.PositiveSmallIntegerField(_("hours between attempts"), default=4)
    first_contact_minutes = models.PositiveIntegerField(
        _("minutes to first contact, within calling hours"), default=120, validators=[MinValueValidator(1)]
    )
    # The usual week of who has no shifts of their own (reviews.working_hours); empty: all day, every day.
    week: Any = models.JSONField(_("working hours"), default=list, blank=True, validators=[check_week])
    official_days = models.BooleanField(
        _("follows China's official calendar"),
        default=False,
        help_text=_("Public holidays are days off, make-up days are worked."),
    )
    remedy_limit_per_case = models.DecimalField(
        _("agent's remedy limit a case, ¥"), max_digits=10, decimal_places=2, default=30
    )
    may_mention_reviews = models.BooleanField(
        _("texts may say that a review is the buyer's to update"),
        default=False,
        help_text=_("Only where no compensation is given: for 30 days after such a text none may be."),
    )
    # After closing; a bad change that comes later opens a case of its own.
    watch_days = models.PositiveSmallIntegerField(_("days a closed case is watched"), default=180)
    replies_need_approval = models.BooleanField(_("a manager approves every public reply"), default=False)
    remedy_limit_per_day = models.DecimalField(
        _("agent's remedy limit a day, ¥"), max_digits=10, decimal_places=2, default=300
    )
    # Hours have changed: a worker counts the deadlines of open cases anew (reviews.recounting).
    recount_wanted = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShopQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            # No deadline can be counted within an empty day: not one review would become a case.
            models.CheckConstraint(
                condition=Q(calling_from__lt=F("calling_until")),
                name="shop_calls_from_before_until",
                violation_error_message=_("Calling hours must begin before they end, on one day."),
            )
        ]
        verbose_name = _("shop")
        verbose_name_plural = _("shops")

    def __str__(self) -> str:
        return self.name

    def first_contact_due(self, start: datetime) -> datetime:
        """The deadline for first contact: the shop's minutes, counted in its working time.

        A shop whose hours leave no working time at all counts every day's calling hours.
        """
        for hours in (self.hours, replace(self.hours, week=None, days=EVERY_DAY)):
            with suppress(NoWorkingTime):
                return add_working_minutes(start, self.first_contact_minutes, hours)
        return add_working_minutes(start, self.first_contact_minutes, WorkingHours(self.zone))

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def phone_only_at(self, moment: datetime) -> "PhoneOnlyWeeks | None":
        """The promotion weeks that hold at this moment, by the shop's clock; those that last longest."""
        today = moment.astimezone(self.zone).date()
        return max(_WEEKS(shop=self.pk, today=today), key=lambda weeks: weeks.last, default=None)

    @property
    def hours(self) -> WorkingHours:
        """When somebody is there who may call: working hours inside the calling hours."""
        return WorkingHours(self.zone, read_week(self.week), self.calling_span, self.workdays)

    @property
    def calling_span(self) -> Span:
        """The calling hours in minutes of the day."""
        return _minute(self.calling_from), _minute(self.calling_until)

    @cached_property
    def workdays(self) -> Workdays:
        """Days off and make-up days, read once."""
        return Workdays(self.official_days, {row.day: row.is_worked for row in self.own_days.all()})


class PhoneOnlyQuerySet(models.QuerySet["PhoneOnlyWeeks"]):
    def at(self, moment: datetime) -> "list[PhoneOnlyWeeks]":
        """Those that hold at this moment, each by the clock of its shop."""
        near = [(moment + step).date() for step in (timedelta(days=-1), timedelta(days=1))]
        rows = self.around(*near).select_related("shop")
        return [row for row in rows if row.first <= moment.astimezone(row.shop.zone).date() <= row.last]

    def around(self, first: Any, last: Any) -> "PhoneOnlyQuerySet":
        """Those that share a day with first – last."""
        return self.filter(first__lte=last, last__gte=first)


_WEEKS = Prepared(
    lambda: PhoneOnlyWeeks.objects.around(Asked("today"), Asked("today")).filter(shop=Asked("shop"))
)


class PhoneOnlyWeeks(models.Model):
    """Weeks of a big promotion: too many cases, so agents write nothing, they call (both days inside)."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="phone_only_weeks")
    name = models.CharField(_("promotion"), max_length=40)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))

    objects = PhoneOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["first", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="phone_only_begins_before_it_ends")
        ]

    def __str__(self) -> str:
        return f"{self.shop} {self.name}"


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


class ShopDay(models.Model):
    """A day on which a shop works, or does not, against its week and the official calendar."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="own_days")
    day = models.DateField(_("day"))
    is_worked = models.BooleanField(_("worked"))

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["shop", "day"], name="one_row_a_shop_day")]

    def __str__(self) -> str:
        return f"{self.shop} {self.day}"
