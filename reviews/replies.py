"""The public reply of a review: drafted from a fitting template, checked, marked as posted."""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from reviews.models import Case, PublicReply, ReplyTemplate, Review, Shop, User
from reviews.models.cases import EventKind
from reviews.models.replies import Purpose, ReplyStatus
from reviews.outgoing import check_outgoing, cleared, fill_lawfully
from reviews.personal_data import mask_name
from reviews.sequence import Facts


def draft_reply(review: Review, case: Case | None) -> PublicReply | None:
    """Draft (or draft anew, while nobody edited or posted it) the reply that fits the cause."""
    draft_replies(review.shop, [(review, case)])
    return PublicReply.objects.filter(review=review).first()


def draft_replies(shop: Shop, pairs: Sequence[tuple[Review, Case | None]]) -> None:
    """The same for many reviews of one shop, with or without a case, in a few queries."""
    templates = list(ReplyTemplate.objects.usable_in(shop))
    known = {
        reply.review_id: reply
        for reply in PublicReply.objects.filter(review__in=[one.pk for one, _ in pairs])
    }
    new = []
    for review, case in pairs:
        reply = known.get(review.pk)
        template = choose_template(templates, review, case)
        if template is None or (reply and (reply.status == ReplyStatus.POSTED or reply.edited_by_id)):
            continue
        facts = Facts(policy_allows=shop.may_mention_reviews, in_case=bool(case and case.compensated_at))
        values = reply_facts(review, shop)
        text = fill_lawfully(template.text, values, kind="public_reply", shop=shop, facts=facts)
        if not text:
            continue
        if reply is None:
            new.append(PublicReply(review=review, template=template, text=text))
        elif reply.text != text:
            PublicReply.objects.filter(pk=reply.pk).update(template=template, text=text)
    PublicReply.objects.bulk_create(new)


def choose_template(
    usable: Sequence[ReplyTemplate], review: Review, case: Case | None
) -> ReplyTemplate | None:
    """The most specific template; among equals the review decides, so neighbours differ."""
    if case is None:
        fitting = [one for one in usable if one.purpose == Purpose.THANKS]
    else:
        fitting = _most_specific([one for one in usable if one.purpose == Purpose.REPLY], case)
    return fitting[review.pk % len(fitting)] if fitting else None


def _most_specific(templates: list[ReplyTemplate], case: Case) -> list[ReplyTemplate]:
    def of(cause: str, sub_cause: str) -> list[ReplyTemplate]:
        return [one for one in templates if (one.cause, one.sub_cause) == (cause, sub_cause)]

    cause, sub_cause = case.heard_as
    return of(cause, sub_cause) or of(cause, "") or of("", "")


@translation.override(settings.LANGUAGE_CODE)
def reply_facts(review: Review, shop: Shop) -> Mapping[str, str]:
    """What a public text may name: nothing personal, in the templates' language whatever the agent reads."""
    return {
        "shop": shop.name,
        "item": review.product.title if review.product else "",
        "buyer_nick_masked": mask_name(review.buyer.nick) if review.buyer else "",
        "reply_name": _("After-sales team"),
    }


def save_reply(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    """Keep the agent's wording. Raises OffendingText when the law forbids it."""
    review = reply.review
    check_outgoing(text, kind="public_reply", shop=review.shop, by=by, thing=reply, case=case, review=review)
    reply.edit(text, by=by)


def mark_reply_posted(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    """The agent has put this very text on the platform: keep it and note it in the case."""
    with cleared(text, kind="public_reply", review=reply.review, case=case, by=by, thing=reply):
        reply.edit(text, by=by)
        reply.mark_posted(by=by)
        if case:
            case.log(EventKind.REPLY, by=by, text=text)
