"""Shops: one row a store on one platform, with its hours and limits."""

import zoneinfo
from datetime import datetime, time
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from reviews.deadlines import add_working_minutes

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
        """The deadline for first contact: the shop's minutes, counted within its calling hours."""
        return add_working_minutes(
            start, self.first_contact_minutes, self.calling_from, self.calling_until, self.zone
        )

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)
