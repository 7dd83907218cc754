"""Keeping the reply templates: every wording goes through the compliance check before it is kept."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.utils import translation
from django.utils.translation import gettext as _

from reviews.models import ReplyTemplate, Shop, User
from reviews.models.replies import ReplyTemplateQuerySet
from reviews.outgoing import check_outgoing

CONTENT = ("name", "purpose", "cause", "sub_cause", "text")


def with_use(templates: ReplyTemplateQuerySet, user: User) -> ReplyTemplateQuerySet:
    """Add `uses`: how many replies of the person's shops were drafted from each."""
    mine = user.managed_shop_filter("publicreply__review__shop")
    return templates.annotate(uses=Count("publicreply", filter=mine or Q(publicreply__isnull=False)))


def may_edit(template: ReplyTemplate, user: User) -> bool:
    """A shop's own by its managers, a common one by administrators."""
    return user.manages(template.shop_id) if template.shop_id else user.is_superuser


def save_template(template: ReplyTemplate, *, by: User) -> None:
    """Keep a new or changed template. Raises OffendingText when the law forbids its words."""
    thing: models.Model = template if template.pk else by
    check_outgoing(template.text, kind="template", shop=template.shop, by=by, thing=thing)
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


@translation.override(settings.LANGUAGE_CODE)
def sample_facts(shop: Shop | None) -> dict[str, str]:
    """Facts of an invented buyer in the language of the texts, to show how one reads."""
    name = shop.name if shop else _("Sample shop")
    return {
        "shop": name,
        "reply_name": name,
        "item": _("Blue thermos 500 ml"),
        "buyer_nick_masked": _("W**"),
    }
