"""Thank-yous for many good reviews at once: chosen, shown exactly, then kept by a worker.

Each text is put together from own sentences, the product and what the buyer praised; within any hundred in
a row no two are alike. A review that asks something is left to a person.
"""

import hashlib
import json
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from rapidfuzz import fuzz

import reviews.defaults
from reviews import clock
from reviews.models import (
    InvalidTransition,
    PublicReply,
    Rating,
    Review,
    ReviewVersion,
    Shop,
    StaleCase,
    ThanksJob,
    User,
)
from reviews.models.praise import ThanksStatus
from reviews.models.replies import ReplyStatus
from reviews.models.reviews import ReviewQuerySet
from reviews.outgoing import OffendingText, check_outgoing
from reviews.posting import post_reply, poster_for
from reviews.replies import window_of
from reviews.reply_facts import signature
from reviews.tasks import run_thanks

log = logging.getLogger(__name__)

APART = 100  # no two alike within so many in a row
TOO_CLOSE = 88  # percent of signs two texts may share; the promise is 90
TRIES = 80
AT_ONCE = 5000
CHUNK = 50
LEASE = timedelta(seconds=60)

_QUESTION = re.compile(
    r"[?？]|请问|怎么|怎样|如何|能不能|可不可以|可以.{0,8}吗|吗$|多久|哪里|为什么|什么时候"
)

_RESERVATION = re.compile(
    r"但|不过|可惜|遗憾|失望|美中不足|不得劲|降价|降了|就是(?!好|喜欢|快)|要是|再.{1,6}就(?:更)?好"
)
_PLATFORM_WORDS = re.compile(r"^(?:此|该)用户.{0,3}(?:没有|未)|默认(?:好评|评价)")


@cache
def _sentences() -> dict[str, Any]:
    path = Path(reviews.defaults.__file__).parent / "thanks.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def asks(text: str) -> bool:
    """Whether the buyer wants to know something: only a person answers that."""
    return bool(_QUESTION.search(text.strip()))


def has_reservations(text: str) -> bool:
    """Whether a good review holds something back ("but", "if only"): thanks alone would sound deaf."""
    return bool(_RESERVATION.search(text))


def is_silent(text: str) -> bool:
    """Whether the buyer wrote nothing: the platform's own words stand in for none."""
    return not text.strip() or bool(_PLATFORM_WORDS.search(text.strip()))


def praised(text: str) -> list[str]:
    """What the buyer praised, the most named first."""
    words: dict[str, list[str]] = _sentences()["words"]
    counts = {topic: sum(text.count(word) for word in named) for topic, named in words.items()}
    return sorted((topic for topic in counts if counts[topic]), key=lambda topic: -counts[topic])


def variants(key: str, item: str, text: str) -> Iterator[str]:
    """Texts for one review, in an order of its own that is always the same."""
    parts = _sentences()
    silent = "_silent" if is_silent(text) else ""  # thanks for words need words
    topic = "silent" if silent else (praised(text) or ["any"])[0]
    of_item = [one.replace("{item}", item) for one in parts[f"item{silent}"]] if item else []
    middles = parts["praised"][topic] + of_item
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    every = list(product(parts[f"openings{silent}"], middles, parts["closings"]))
    step = next(one for one in (7919, 104729, 1299709) if len(every) % one)  # a prime: every one comes once
    for turn in range(min(TRIES, len(every))):
        opening, middle, closing = every[(seed + turn * step) % len(every)]
        yield f"{opening}{middle}{closing}——{signature()}"


def compose(key: str, item: str, text: str, before: Iterable[str]) -> str:
    """A thank-you unlike each of the texts `before`; the least alike one if the sentences do not suffice."""
    earlier = list(before)
    best, least = "", 101.0
    for text_ in variants(key, item, text):
        closeness = max((fuzz.ratio(text_, one) for one in earlier), default=0.0)
        if closeness < TOO_CLOSE:
            return text_
        if closeness < least:
            best, least = text_, closeness
    return best


# --- choosing and showing ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thanks:
    """One text of a job, in its place."""

    review_id: int
    version: int
    said: str
    text: str


def unanswered(found: ReviewQuerySet) -> ReviewQuerySet:
    """Good reviews without an answer on the platform, without a case, whose draft nobody has touched."""
    free = Q(public_reply=None) | Q(public_reply__status=ReplyStatus.DRAFT, public_reply__edited_by=None)
    return found.filter(free, rating=Rating.GOOD, reply="", cases=None)


def prepare(shop: Shop, found: ReviewQuerySet, *, by: User) -> ThanksJob:
    """Choose all that match (not a page of them) and fix what each will be answered. Nothing is kept yet.

    Left to a person: who asks something, and whose window is closed. Raises InvalidTransition without any.
    """
    check_right(shop, by)
    now = clock.now()
    matching = unanswered(found.filter(shop=shop)).select_related("shop", "product")
    left: dict[str, int] = {}
    chosen: list[list[object]] = []
    for review in matching.order_by("created_at", "id")[:AT_ONCE]:
        reason = _left_for(review, now)
        if reason:
            left[reason] = left.get(reason, 0) + 1
        else:
            chosen.append([review.pk, review.version, review.product.title if review.product else ""])
    if not chosen:
        raise InvalidTransition(
            _("No good review here can be answered in bulk. What asks something is for you.")
        )
    return ThanksJob.objects.create(
        shop=shop, chosen=chosen, before=_latest_texts(shop), left=left, created_by=by, created_at=now
    )


def needs_a_person(review: Review) -> str:
    """Why a good review wants more than thanks: question, followup (the buyer came back) or reservation."""
    if asks(review.full_text):
        return "question"
    if review.followup.strip():
        return "followup"
    return "reservation" if has_reservations(review.full_text) else ""


def _left_for(review: Review, now: datetime) -> str:
    """Why a review is left to a person; empty when it can be thanked in bulk."""
    return needs_a_person(review) or ("window" if window_of(review, now).is_closed else "")


def check_right(shop: Shop, user: User) -> None:
    """Many replies at once are approved in one breath: where a manager approves, only a manager does it."""
    if shop.replies_need_approval and not user.manages(shop):
        raise InvalidTransition(_("In this shop a manager approves every public reply."))


def _latest_texts(shop: Shop) -> list[str]:
    """The last thank-yous on their way or posted, oldest first: new ones differ from them too."""
    out = [ReplyStatus.APPROVED, ReplyStatus.SENDING, ReplyStatus.POSTED]
    replies = PublicReply.objects.filter(review__shop=shop, review__rating=Rating.GOOD, status__in=out)
    return list(replies.order_by("-approved_at", "-id").values_list("text", flat=True)[: APART - 1])[::-1]


def texts_of(job: ThanksJob, until: int | None = None) -> list[Thanks]:
    """What the job answers, in order, up to place `until`: the same at every call, whatever changed since."""
    chosen = job.chosen[:until]
    rows = ReviewVersion.objects.filter(review__in=[pk for pk, _version, _item in chosen])
    said = {
        (row.review_id, row.number): (row.review.review_key, f"{row.content}\n{row.followup}".strip())
        for row in rows.select_related("review").only(
            "review_id", "number", "content", "followup", "review__review_key"
        )
    }
    recent = deque(job.before, maxlen=APART - 1)
    made = []
    for pk, version, item in chosen:
        key, words = said.get((pk, version), ("", ""))
        if not key:
            continue  # the review is gone (its shop was deleted)
        text = compose(key, item, words, recent)
        recent.append(text)
        made.append(Thanks(pk, version, words, text))
    return made


# --- the job -----------------------------------------------------------------------------------


def start(job: ThanksJob, *, by: User) -> None:
    """Let a worker keep the texts as shown. Asked twice, it happens once.

    Raises InvalidTransition while another job of the shop is under way, and when thank-yous approved since
    the preview make its texts read otherwise: it then shows the new ones.
    """
    check_right(job.shop, by)
    with transaction.atomic():
        Shop.objects.select_for_update().get(pk=job.shop_id)
        if ThanksJob.objects.filter(shop=job.shop).unfinished().exclude(pk=job.pk).exists():
            raise InvalidTransition(
                _("Other thank-yous of this shop are being kept. Start when they are done.")
            )
        reads_otherwise = _compare_anew(job)
        before = ThanksJob.objects.filter(pk=job.pk, status=ThanksStatus.PREVIEW)
        if not reads_otherwise and before.update(status=ThanksStatus.WAITING, created_by=by):
            transaction.on_commit(lambda: _hand_over(job.pk))
    if reads_otherwise:
        raise InvalidTransition(
            _("Other thank-yous were approved since, so some texts here are new. Read them once more.")
        )


def _compare_anew(job: ThanksJob) -> bool:
    """Let a preview differ from what was approved since it was made; whether its texts have changed."""
    latest = _latest_texts(job.shop)
    if job.status != ThanksStatus.PREVIEW or latest == job.before:
        return False
    shown = texts_of(job)
    job.before = latest
    ThanksJob.objects.filter(pk=job.pk, status=ThanksStatus.PREVIEW).update(before=latest)
    return texts_of(job) != shown


def _hand_over(job_id: int) -> None:
    try:
        run_thanks.delay(job_id)
    except OperationalError as error:
        log.warning("No message sent, the sweep will go on with thank-yous %s: %s", job_id, error)


def run_job(job_id: int) -> None:
    """Keep the texts of one job from where it stopped; a job somebody else works at is left alone."""
    job = _claim(job_id)
    if job is None:
        return
    texts = texts_of(job)
    while job.done < len(texts):
        chunk = texts[job.done : job.done + CHUNK]
        if not _keep(job, chunk):
            return
    ThanksJob.objects.filter(pk=job.pk).update(
        status=ThanksStatus.FINISHED, finished_at=clock.now(), claimed_until=None
    )


def _claim(job_id: int) -> ThanksJob | None:
    now = clock.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    waiting = ThanksJob.objects.filter(
        free, pk=job_id, status__in=[ThanksStatus.WAITING, ThanksStatus.RUNNING]
    )
    if not waiting.update(status=ThanksStatus.RUNNING, claimed_until=now + LEASE):
        return None
    return ThanksJob.objects.select_related("shop", "created_by").get(pk=job_id)


def _keep(job: ThanksJob, chunk: Sequence[Thanks]) -> bool:
    """Keep one chunk and how far the job is; False when another worker has taken over."""
    reviews_ = {
        review.pk: review
        for review in Review.objects.filter(pk__in=[one.review_id for one in chunk])
        .select_related("shop", "product", "public_reply")
        .prefetch_related("cases")
    }
    made, left = 0, dict(job.left)
    for one in chunk:
        reason = _keep_one(job, one, reviews_.get(one.review_id))
        made += not reason
        if reason:
            left[reason] = left.get(reason, 0) + 1
    done = job.done
    changes = {"done": done + len(chunk), "made": job.made + made, "left": left}
    moved = ThanksJob.objects.filter(pk=job.pk, done=done).update(
        **changes, claimed_until=clock.now() + LEASE
    )
    job.done, job.made, job.left = done + len(chunk), job.made + made, left
    return bool(moved)


def _keep_one(job: ThanksJob, one: Thanks, review: Review | None) -> str:
    """Approve one text (and post it where a connector can); else why it is left to a person."""
    if review is None or review.version != one.version:
        return "changed"
    by = job.created_by
    if by is None or review.reply or review.cases.all():
        return "answered"
    reply, _created = PublicReply.objects.get_or_create(review=review, defaults={"text": one.text})
    if (reply.status, reply.text) == (ReplyStatus.APPROVED, one.text) or (
        reply.text == one.text and reply.status in (ReplyStatus.SENDING, ReplyStatus.POSTED)
    ):
        return ""  # kept by a worker that was lost right after it
    if reply.status != ReplyStatus.DRAFT or reply.edited_by_id:
        return "edited"
    if window_of(review, clock.now()).is_closed:
        return "window"
    try:
        _approve(reply, one.text, review, by)
    except OffendingText:
        return "compliance"
    except StaleCase:
        return "edited"
    return ""


def to_post(job: ThanksJob) -> tuple[list[PublicReply], int]:
    """The approved texts of a job that a person puts on the platform, oldest review first; and how many
    approved ones are left out, as their review has changed or become a case since."""
    versions = {pk: version for pk, version, _item in job.chosen}
    kept = PublicReply.objects.filter(
        review__in=versions, status=ReplyStatus.APPROVED, approved_at__gte=job.created_at, template=None
    )
    waiting = list(
        kept.select_related("review__shop")
        .prefetch_related("review__cases")
        .order_by("review__created_at", "review_id")
    )
    fit = [
        reply
        for reply in waiting
        if reply.review.version == versions[reply.review_id] and not reply.review.cases.all()
    ]
    return fit, len(waiting) - len(fit)


def _approve(reply: PublicReply, text: str, review: Review, by: User) -> None:
    check_outgoing(text, kind="public_reply", shop=review.shop, by=by, thing=reply, review=review)
    with transaction.atomic():
        if reply.text != text:
            untouched = PublicReply.objects.filter(pk=reply.pk, status=ReplyStatus.DRAFT, edited_by=None)
            if not untouched.update(text=text, drafted_text=text, template=None):
                raise StaleCase
            reply.text = reply.drafted_text = text
        reply.approve(by=by)
    poster = poster_for(review.shop)
    if poster:
        post_reply(reply, text, poster, by=by, case=None)
