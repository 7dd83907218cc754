"""People: who they are, which shops they work for, what they can handle."""

import json
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection, models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.causes import COMPLAINTS, Cause
from reviews.models.shops import Shop
from reviews.prepared import Asked, Prepared
from reviews.titles import title_in, without_title
from reviews.working_hours import WorkingHours, check_week, read_week

# Plain SQL, for it is asked with every request (see plain_sql.py).
_WITH_MEMBERSHIPS = """
SELECT *, (SELECT {} FROM reviews_shopmembership WHERE user_id = reviews_user.id) AS works_in
FROM reviews_user WHERE id = %s
"""
_AS_JSON = {
    "postgresql": "jsonb_agg(jsonb_build_array(shop_id, role, skills))",
    "sqlite": "json_group_array(json_array(shop_id, role, json(skills)))",
}


class Role(models.TextChoices):
    AGENT = "agent", _("Agent")
    MANAGER = "manager", _("Manager")


class StaffManager(UserManager["User"]):
    def with_memberships(self, pk: int) -> "User | None":
        """The person and the shops they work in, in one query; None when there is nobody."""
        for user in self.raw(_WITH_MEMBERSHIPS.format(_AS_JSON[connection.vendor]), [pk]):
            user._memberships = sorted(tuple(row) for row in json.loads(vars(user)["works_in"] or "[]"))
            return user
        return None

    def refuse_demo_in_production(self) -> None:
        """Stop a production process while a demo login still works."""
        if not settings.PRODUCTION:
            return
        names = list(self.filter(is_demo=True, is_active=True).values_list("username", flat=True))
        if names:
            raise ImproperlyConfigured(
                f"Demo users can sign in ({', '.join(names)}). Before production: manage.py delete_demo"
            )


class User(AbstractUser):
    """Somebody who signs in. Roles are per shop (ShopMembership); a superuser is administrator."""

    display_name = models.CharField(_("name shown"), max_length=40, blank=True)
    on_duty = models.BooleanField(_("on duty"), default=False, help_text=_("Takes new cases right now."))
    shortcuts_on = models.BooleanField(
        _("one-key shortcuts"), default=True, help_text=_("Single keys act on the page, never while typing.")
    )
    is_demo = models.BooleanField(default=False, editable=False)

    objects: ClassVar[StaffManager] = StaffManager()

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")  # type: ignore[assignment]
        verbose_name_plural = _("people")  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.display_name or self.username

    def clean(self) -> None:
        """Refuse a title in the name shown, which buyers are told: only who manages a shop may have one."""
        super().clean()
        title = title_in(self.display_name)
        if title and not (self.pk and self.is_manager):
            words = _("“%(title)s” is a title this person does not have. Enter the name alone.")
            raise ValidationError({"display_name": words % {"title": title}})

    @property
    def name_for_buyers(self) -> str:
        """As buyers are told it: without a title the person does not have."""
        if not title_in(str(self)) or self.is_manager:
            return str(self)
        return without_title(str(self))

    @cached_property
    def _memberships(self) -> list[tuple[int, str, list[str]]]:
        return list(self.memberships.values_list("shop_id", "role", "skills"))

    @cached_property
    def _roles(self) -> dict[int, str]:
        return {shop: role for shop, role, _skills in self._memberships}

    @property
    def shop_ids(self) -> list[int]:
        """The shops this person is a member of."""
        return list(self._roles)

    @cached_property
    def shops(self) -> list[Shop]:
        """The shops this person sees, read once a request."""
        return _ALL_SHOPS() if self.is_superuser else _SHOPS(shops=self.shop_ids)

    def shop_filter(self, path: str) -> Q:
        """Restrict a query to this person's shops; `path` leads to the shop's primary key."""
        if self.is_superuser:
            return Q()
        return Q(**{f"{path}__in": list(self._roles)})

    def managed_shop_filter(self, path: str) -> Q:
        """Restrict a query to the shops this person manages."""
        if self.is_superuser:
            return Q()
        return Q(**{f"{path}__in": self.managed_shop_ids})

    @property
    def managed_shop_ids(self) -> list[int]:
        """The same as a list."""
        if self.is_superuser:
            return [shop.pk for shop in self.shops]
        return [shop for shop, role in self._roles.items() if role == Role.MANAGER]

    def manages(self, shop: Shop | int) -> bool:
        shop_id = shop.pk if isinstance(shop, Shop) else shop
        return self.is_superuser or self._roles.get(shop_id) == Role.MANAGER

    def sees(self, shop_id: int) -> bool:
        """What `shop_filter` says, of one shop."""
        return self.is_superuser or shop_id in self._roles

    def is_member_of(self, shop: Shop | int) -> bool:
        """Works in this shop; an administrator does not by being one."""
        return (shop.pk if isinstance(shop, Shop) else shop) in self._roles

    def complaint_shop_filter(self, path: str) -> Q:
        """Restrict a query to the shops whose platform complaints this person handles: by role or skill."""
        if self.is_superuser:
            return Q()
        return Q(**{f"{path}__in": self._complaint_shops})

    @property
    def _complaint_shops(self) -> list[int]:
        return [
            shop
            for shop, role, skills in self._memberships
            if role == Role.MANAGER or Cause.MALICIOUS in skills
        ]

    def handles_complaints_of(self, shop: Shop | int) -> bool:
        shop_id = shop.pk if isinstance(shop, Shop) else shop
        return self.is_superuser or shop_id in self._complaint_shops

    @property
    def handles_complaints(self) -> bool:
        """In at least one shop."""
        return self.is_superuser or bool(self._complaint_shops)

    @property
    def is_manager(self) -> bool:
        """Manages at least one shop."""
        return self.is_superuser or Role.MANAGER in self._roles.values()


_ALL_SHOPS = Prepared(Shop.objects.all)
_SHOPS = Prepared(lambda: Shop.objects.filter(pk__any=Asked("shops")))


def check_skills(skills: list[str]) -> None:
    """Refuse what is no cause of a complaint."""
    wrong = [skill for skill in skills if skill not in COMPLAINTS]
    if wrong:
        raise ValidationError(_("Unknown cause: %(causes)s"), params={"causes": ", ".join(map(str, wrong))})


def every_skill() -> list[str]:
    return [cause.value for cause in COMPLAINTS]


class ShopMembership(models.Model):
    """One person in one shop: role, skills (causes they handle) and load cap."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.AGENT)
    skills = models.JSONField(_("skills"), default=every_skill, blank=True, validators=[check_skills])
    max_open_cases = models.PositiveIntegerField(
        _("open cases at most"), null=True, blank=True, help_text=_("Empty: no cap.")
    )
    # Empty: the shop's week holds (Shop.week); none there either: whenever on duty.
    week: Any = models.JSONField(_("shifts"), default=list, blank=True, validators=[check_week])
    # Empty: the shop's limits hold (Shop.remedy_limit_per_case, …_per_day).
    remedy_limit_per_case = models.DecimalField(
        _("own remedy limit a case, ¥"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    remedy_limit_per_day = models.DecimalField(
        _("own remedy limit a day, ¥"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    last_assigned_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["shop_id", "role", "user_id"]
        constraints = [models.UniqueConstraint(fields=["user", "shop"], name="one_membership_a_shop")]

    def __str__(self) -> str:
        return f"{self.user} @ {self.shop} ({self.get_role_display()})"

    @property
    def has_hours(self) -> bool:
        """Shifts of their own or the shop's week: without either only the duty switch counts."""
        return bool(self.week or self.shop.week)

    @property
    def hours(self) -> WorkingHours:
        """When this person is on shift in this shop."""
        return WorkingHours(
            self.shop.zone, read_week(self.week) or read_week(self.shop.week), days=self.shop.workdays
        )


class AbsenceReason(models.TextChoices):
    """Why somebody is away; only the person and their managers see it."""

    LEAVE = "leave", _("Annual leave")
    SICK = "sick", _("Ill")
    PERSONAL = "personal", _("Personal matter")
    TRAINING = "training", _("Training")
    OTHER = "other", _("Other")


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def visible_to(self, user: User) -> "AbsenceQuerySet":
        """One's own, and those of the people in the shops one manages."""
        team = ShopMembership.objects.filter(user.managed_shop_filter("shop")).values("user")
        return self.filter(Q(user=user) | Q(user__in=team))

    def at(self, moment: datetime) -> "AbsenceQuerySet":
        """Those that hold at this moment."""
        return self.filter(begins__lte=moment, ends__gt=moment)

    def ahead(self, now: datetime) -> "AbsenceQuerySet":
        """Those that hold now or will."""
        return self.filter(ends__gt=now)


class Absence(models.Model):
    """Somebody is away from `begins` until `ends`, in every shop: nothing new reaches them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    begins = models.DateTimeField(_("from"))
    ends = models.DateTimeField(_("until"))
    reason = models.CharField(
        _("reason"), max_length=10, choices=AbsenceReason.choices, default=AbsenceReason.LEAVE
    )
    entered_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    entered_at = models.DateTimeField(default=clock.now)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering = ["begins", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(begins__lt=F("ends")), name="absence_begins_before_it_ends")
        ]
        indexes = [models.Index(fields=["user", "ends"], name="absence_by_person")]

    def __str__(self) -> str:
        return f"{self.user} {self.begins:%Y-%m-%d %H:%M}–{self.ends:%Y-%m-%d %H:%M}"
