"""Keeping the reply templates: every wording goes through the compliance check before it is kept."""

from typing import Any

from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q

from reviews import colliding
from reviews.models import Case, ReplyTemplate, Shop, User
from reviews.models.replies import ReplyStatus, ReplyTemplateQuerySet
from reviews.outgoing import check_outgoing
from reviews.template_text import spoken

CONTENT = ("name", "purpose", "cause", "sub_cause", "text")


def with_use(templates: ReplyTemplateQuerySet, user: User) -> ReplyTemplateQuerySet:
    """Add what became of each template's drafts in the person's shops.

    `uses` (drafted), `approved`, `posted` and of these `unchanged` and `edited`, `refused` and `removed` by
    the platform, `reopened`: cases that came back after the reply. Whether a mark rose is not counted:
    nobody steers by it.
    """
    mine = user.managed_shop_filter("publicreply__review__shop") or Q(publicreply__isnull=False)
    out = Q(publicreply__posted_at__isnull=False)
    as_drafted = Q(publicreply__text=F("publicreply__drafted_text"))
    back = Q(
        Exists(
            Case.objects.filter(
                review=OuterRef("publicreply__review"), reopened_at__gt=OuterRef("publicreply__posted_at")
            )
        )
    )
    return templates.annotate(
        uses=Count("publicreply", filter=mine),
        approved=Count("publicreply", filter=mine & Q(publicreply__approved_at__isnull=False)),
        posted=Count("publicreply", filter=mine & out),
        unchanged=Count("publicreply", filter=mine & out & as_drafted),
        edited=Count("publicreply", filter=mine & out & ~as_drafted),
        refused=Count("publicreply", filter=mine & Q(publicreply__status=ReplyStatus.REFUSED)),
        removed=Count("publicreply", filter=mine & Q(publicreply__status=ReplyStatus.REMOVED)),
        reopened=Count("publicreply", filter=mine & out & back),
    )


def may_edit(template: ReplyTemplate, user: User) -> bool:
    """A shop's own by its managers, a common one by administrators."""
    return user.manages(template.shop_id) if template.shop_id else user.is_superuser


def content_of(template: ReplyTemplate) -> list[Any]:
    """What a person writes in it, for its mark."""
    return [*(getattr(template, name) or "" for name in CONTENT), template.shop_id]


def _check_mark(template: ReplyTemplate, mark: str) -> None:
    stands = ReplyTemplate.objects.select_for_update().filter(pk=template.pk).first()
    if stands is None:
        return
    latest = stands.history.select_related("history_user").first()
    who = latest.history_user if latest else ""
    words = f"{stands.name}\n{stands.text}"
    colliding.check(
        mark, content_of(stands), content_of(template), words=words, who=who, at=stands.updated_at
    )


def save_template(template: ReplyTemplate, *, by: User, mark: str = "") -> None:
    """Keep a new or changed template. Raises OffendingText when the law forbids its words, Collision when
    somebody else has changed it since a form with this mark was opened.
    """
    thing: models.Model = template if template.pk else by
    check_outgoing(spoken(template.text), kind="template", shop=template.shop, by=by, thing=thing)
    with transaction.atomic():
        _check_mark(template, mark)
        template.save()


def copy_template(template: ReplyTemplate, shop: Shop, *, by: User) -> ReplyTemplate:
    """Make the shop its own copy, to change it there."""
    copy = ReplyTemplate(shop=shop, **{name: getattr(template, name) for name in CONTENT})
    save_template(copy, by=by)
    return copy


def set_in_use(template: ReplyTemplate, in_use: bool) -> None:
    """Take a template out of use, or back in. Replies already drafted stay as they are."""
    template.is_active = in_use
    template.save(update_fields=["is_active", "updated_at"])


def restore_version(template: ReplyTemplate, history_id: int, *, by: User) -> None:
    """Bring back an older wording; today's rules decide whether it may still be kept.

    Not one transaction: the record of a refusal must stay.
    """
    version: Any = template.history.get(history_id=history_id)
    for name in CONTENT:
        setattr(template, name, getattr(version, name))
    save_template(template, by=by)
