"""Gathers what behaviour says about complaints, many at once: the number of queries does not grow.

reviews.behaviour decides what is a sign; here its values are read and its signs are kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Window
from django.db.models.functions import RowNumber

from reviews import behaviour, clock
from reviews.behaviour import HISTORY, Like, Mark, Signal, SignalKind, names_one_person
from reviews.models import (
    BehaviourSignal,
    Case,
    CaseEvent,
    ChatRecord,
    Rating,
    Review,
    ReviewFingerprint,
    Shop,
)
from reviews.models.cases import EventKind

SINCE = timedelta(days=90)  # marks of the same buyer, likes of the same text
LOOKED_AT = 30  # newest reviews a fingerprint leads to
SHOP_SAMPLE = 200  # newest reviews of a shop that tell whether its orders arrive at all

Found = dict[int, list[Signal]]  # by review


def remember_looks(reviews: Sequence[Review]) -> None:
    """Keep the fingerprints of complaints, so that later ones can be found to be like them."""
    ReviewFingerprint.objects.filter(review__in=[review.pk for review in reviews]).delete()
    ReviewFingerprint.objects.bulk_create(
        ReviewFingerprint(review=review, value=value) for review in reviews for value in _looks_of(review)
    )


def _looks_of(review: Review) -> list[int]:
    return behaviour.fingerprints(review.full_text) + behaviour.picture_fingerprints(review.images)


def find_signals(shop: Shop, reviews: Sequence[Review]) -> Found:
    """The signs in the behaviour around these complaints of one shop, each review's own."""
    if not reviews:
        return {}
    matched, known = _order_habit(shop)
    likes, marks, times = _likes(reviews), _marks(shop, reviews), _times(reviews)
    chats, proofs = _chats(reviews), _reused_proofs(reviews)
    found: Found = {}
    for review in reviews:
        writer, own = _writer(review), likes.get(review.pk, [])
        signals = (
            behaviour.no_order(
                has_order=review.order_id is not None,
                order_no=review.order_no,
                matched=matched,
                reviews=known,
            ),
            behaviour.same_buyer(_deal(review), review.shop_id, marks.get(review.pk, [])),
            behaviour.same_text(review.full_text, writer, own),
            behaviour.same_picture(review.images, writer, own),
            behaviour.reused_proof(writer, proofs.get(review.pk, [])),
            behaviour.burst(review.created_at, times.get(review.product_id or 0, [])),
            behaviour.demand([("review", review.full_text), *chats.get(review.pk, [])]),
        )
        found[review.pk] = [one for one in signals if one]
    return found


def _order_habit(shop: Shop) -> tuple[int, int]:
    """How many of the shop's newest reviews found their order, and how many that are."""
    newest = Review.objects.filter(shop=shop).order_by("-created_at", "-id").values("pk")[:SHOP_SAMPLE]
    counts = Review.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).aggregate(
        all=Count("pk"), matched=Count("order")
    )
    return counts["matched"], counts["all"]


def _writer(review: Review) -> frozenset[str]:
    """What is known of the account: the nick, masked or not, and the number's blind index."""
    return _account(
        review.shop.platform,
        review.buyer.nick if review.buyer else "",
        review.order.phone_index if review.order else "",
    )


def _account(platform: str, nick: str, phone: str) -> frozenset[str]:
    known = {f"nick {platform} {nick}" if nick else "", f"phone {phone}" if phone else ""}
    return frozenset(known - {""})


def _deal(review: Review) -> str:
    return _deal_of(review.order_no, review.created_at)


def _deal_of(order_no: str, at: datetime) -> str:
    """What was bought at once: an order, else what was reviewed on one day."""
    return order_no or f"{at:%Y-%m-%d}"


def _likes(reviews: Sequence[Review]) -> dict[int, list[Like]]:
    """For each review the earlier and later ones that share a fingerprint, the newest of each first."""
    own = {review.pk: _looks_of(review) for review in reviews}
    values = {value for looks in own.values() for value in looks}
    rows = (
        ReviewFingerprint.objects.filter(value__in=values)
        .annotate(place=Window(RowNumber(), partition_by="value", order_by="-review"))
        .filter(place__lte=LOOKED_AT)
        .values_list("value", "review")
    )
    sharing: dict[int, set[int]] = defaultdict(set)
    for value, review_id in rows:
        sharing[value].add(review_id)
    candidates = {one for ids in sharing.values() for one in ids}
    likes = {like.review_id: like for like in _as_likes(candidates)}
    others = {pk: {one for value in looks for one in sharing[value]} - {pk} for pk, looks in own.items()}
    return {pk: [likes[one] for one in sorted(ids) if one in likes] for pk, ids in others.items()}


def _as_likes(review_ids: Iterable[int], *, since: timedelta | None = SINCE) -> list[Like]:
    names = ("pk", "shop", "content", "followup", "images")
    around = ("shop__platform", "buyer__nick", "order__phone_index")
    recent = Review.objects.filter(pk__in=review_ids)
    if since:
        recent = recent.filter(created_at__gt=clock.now() - since)
    return [
        Like(pk, shop, f"{content}\n{followup}", _account(platform, nick or "", phone or ""), tuple(images))
        for pk, shop, content, followup, images, platform, nick, phone in recent.values_list(*names, *around)
    ]


def _marks(shop: Shop, reviews: Sequence[Review]) -> dict[int, list[Mark]]:
    """What else the same person reviewed: by a nick that is surely one person's, or by the number."""
    nicks = {
        review.pk: review.buyer.nick
        for review in reviews
        if review.buyer and names_one_person(review.buyer.nick, shop.platform)
    }
    phones = {review.pk: review.order.phone_index for review in reviews if review.order}
    found: dict[str, dict[int, Mark]] = defaultdict(dict)
    by_nick = Q(buyer__nick__in=set(nicks.values()), shop__platform=shop.platform)
    by_phone = Q(order__phone_index__in=set(phones.values()) - {""})
    for rule, key in ((by_nick, "buyer__nick"), (by_phone, "order__phone_index")):
        names = (key, "pk", "shop", "product", "order_no", "created_at", "rating")
        rows = Review.objects.filter(rule, created_at__gt=clock.now() - SINCE).values_list(*names)
        for who, pk, shop_id, product, order_no, at, rating in rows:
            deal = _deal_of(order_no, at)
            found[f"{key} {who}"][pk] = Mark(pk, shop_id, product, deal, rating == Rating.BAD)
    result = {}
    for review in reviews:
        same = {**found.get(f"buyer__nick {nicks.get(review.pk)}", {})}
        same |= found.get(f"order__phone_index {phones.get(review.pk) or None}", {})
        result[review.pk] = [mark for pk, mark in same.items() if pk != review.pk]
    return result


def _times(reviews: Sequence[Review]) -> dict[int, list[datetime]]:
    """When the products of these reviews got bad marks, over the four weeks before."""
    products = {review.product_id for review in reviews if review.product_id}
    moments = [review.created_at for review in reviews]
    rows = (
        Review.objects.filter(
            product__in=products, created_at__gt=min(moments) - HISTORY, created_at__lte=max(moments)
        )
        .exclude(rating=Rating.GOOD)
        .values_list("product", "created_at")
    )
    times: dict[int, list[datetime]] = defaultdict(list)
    for product, at in rows:
        times[product].append(at)
    return times


def _chats(reviews: Sequence[Review]) -> dict[int, list[tuple[str, str]]]:
    """What buyers said in the chats pasted into the cases of these reviews."""
    chats: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for chat in ChatRecord.objects.kept().filter(case__review__in=reviews).select_related("case"):
        chats[chat.case.review_id].append(("chat", chat.text))
    return chats


def _reused_proofs(reviews: Sequence[Review]) -> dict[int, list[Like]]:
    """The other reviews in whose cases a picture stood that now proves the fault of this one: from the cases'
    events, however long ago."""
    events = CaseEvent.objects.filter(case__review__in=reviews, kind=EventKind.PHOTO)
    reused: dict[int, set[int]] = defaultdict(set)
    for review, data in events.values_list("case__review", "data"):
        reused[review] |= set(data.get("reused", []))
    named = {one for others in reused.values() for one in others}
    likes = {like.review_id: like for like in _as_likes(named, since=None)} if named else {}
    return {pk: [likes[one] for one in sorted(others) if one in likes] for pk, others in reused.items()}


# --- keeping them ----------------------------------------------------------------------------------


def keep_signals(cases: Sequence[Case], found: Mapping[int, Sequence[Signal]], *, new: bool = False) -> None:
    """Store each case's signs and propose malice where several agree; `new`: cases just opened."""
    now = clock.now()
    if not new:
        BehaviourSignal.objects.filter(case__in=cases).delete()
    BehaviourSignal.objects.bulk_create(
        BehaviourSignal(case=case, kind=one.kind, weight=one.weight, facts=one.facts, found_at=now)
        for case in cases
        for one in found.get(case.review_id, [])
    )
    suspects = [case for case in cases if behaviour.suggests_malice(found.get(case.review_id, []))]
    _propose(suspects, found, now)


def _propose(cases: Sequence[Case], found: Mapping[int, Sequence[Signal]], now: datetime) -> None:
    """Mark what a person has to look at, once; what somebody has decided stays decided."""
    fresh = [case for case in cases if not case.suspected and case.is_open]
    ids = [case.pk for case in fresh]
    decided = set(
        Case.objects.filter(pk__in=ids, review__classifications__decided_by__isnull=False).values_list(
            "pk", flat=True
        )
    )
    fresh = [case for case in fresh if case.pk not in decided]
    Case.objects.filter(pk__in=[case.pk for case in fresh]).update(suspected=True, needs_decision=True)
    for case in fresh:
        case.suspected = case.needs_decision = True
    CaseEvent.objects.bulk_create(
        CaseEvent(
            case=case,
            kind=EventKind.SUSPICION,
            at=now,
            data={"kinds": [one.kind.value for one in found[case.review_id]]},
        )
        for case in fresh
    )


def echo(shop: Shop, found: Found) -> None:
    """Look again at open cases of the shop whose reviews turned out to be like the new ones."""
    like = {SignalKind.SAME_TEXT, SignalKind.SAME_PICTURE}
    touched = {
        pk for signals in found.values() for one in signals if one.kind in like for pk in one.facts["reviews"]
    } - set(found)
    if touched:
        around = ("review__shop", "review__buyer", "review__order")
        cases = Case.objects.open().filter(shop=shop, review__in=touched).select_related(*around)
        refresh(shop, list(cases))


@transaction.atomic
def refresh(shop: Shop, cases: Sequence[Case], more: Mapping[int, Sequence[Signal]] | None = None) -> None:
    """Look again at what behaviour says of these cases of one shop; `more` signs come from elsewhere."""
    found = find_signals(shop, [case.review for case in cases])
    for case in cases:
        extra = {one.kind: one for one in (more or {}).get(case.pk, ())}
        own = {one.kind: one for one in found[case.review_id]}
        found[case.review_id] = [*{**own, **_stronger(own, extra)}.values()]
    keep_signals(cases, found)


def _stronger(own: Mapping[SignalKind, Signal], extra: Mapping[SignalKind, Signal]) -> dict[Any, Signal]:
    return {kind: one for kind, one in extra.items() if kind not in own or own[kind].weight <= one.weight}
