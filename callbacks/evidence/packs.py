"""From the wish to the sealed ZIP: the row is the queue, a lost worker's pack is free after a lease."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as BrokerAway

from callbacks.evidence.facts import Evidence, gather
from callbacks.evidence.sealing import Sealed, seal_pack
from callbacks.evidence.sections import Picture, Section
from callbacks.photos import photos_of, read_original, read_shown, reused_in
from reviews import clock
from reviews.complaints import NotYetConfirmed, facts_of, is_confirmed
from reviews.models import AuditEntry, Case, EvidencePack, InvalidTransition, User
from reviews.models.audit import Action
from reviews.models.cases import EventKind
from reviews.models.complaints import PackStatus
from reviews.personal_data import seal, unseal
from reviews.plain_sql import write

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
ATTEMPTS = 4
EARLIER = 10  # pictures of earlier cases in a pack at most
STEPS = 4  # records, photos, report and seal, kept
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic"}
AROUND = ("shop", "review__shop", "review__buyer", "review__product", "review__order__product")


def request_pack(case: Case, *, by: User) -> EvidencePack:
    """Ask for a pack; the one that is being built when somebody asked before."""
    if not is_confirmed(case):
        raise NotYetConfirmed(_("First a person has to confirm on the case page that it is malicious."))
    try:
        with transaction.atomic():
            pack = EvidencePack.objects.create(case=case, requested_by=by, total=STEPS)
    except IntegrityError:  # asked twice at once
        return case.packs.filter(status__in=[PackStatus.WAITING, PackStatus.BUILDING]).latest("id")
    transaction.on_commit(lambda: hand_over(pack.pk))
    return pack


def hand_over(pack_id: int) -> None:
    """Wake a worker. Without a broker the sweep begins the pack."""
    from callbacks.tasks import build_evidence

    try:
        build_evidence.delay(pack_id)
    except BrokerAway as error:
        log.warning("No message sent, the sweep will build evidence pack %s: %s", pack_id, error)


def build(pack_id: int) -> None:
    """Build a pack nobody holds; nothing when it is over or in other hands."""
    pack = _claim(pack_id)
    if pack is None:
        return
    try:
        _finish(pack, _make(pack))
    except Exception:
        log.exception("Evidence pack %s could not be built", pack_id)
        gone = {"claimed_until": None} if pack.attempts < ATTEMPTS else {"status": PackStatus.FAILED}
        error = _("The pack could not be built. Try again; if it fails again, tell your administrator.")
        EvidencePack.objects.filter(pk=pack_id).update(error=error, **gone)


def _claim(pack_id: int) -> EvidencePack | None:
    now = clock.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    unfinished = EvidencePack.objects.filter(
        free, pk=pack_id, status__in=[PackStatus.WAITING, PackStatus.BUILDING]
    )
    begun = {"claimed_until": now + LEASE, "status": PackStatus.BUILDING, "attempts": F("attempts") + 1}
    if not unfinished.update(**begun):
        return None
    pack = EvidencePack.objects.select_related(*(f"case__{name}" for name in AROUND)).get(pk=pack_id)
    if pack.attempts > ATTEMPTS:
        EvidencePack.objects.filter(pk=pack_id).update(status=PackStatus.FAILED)
        return None
    return pack


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture of the case: file name in the ZIP, the bytes handed in, the copy for display (JPEG)."""

    name: str
    original: bytes
    shown: bytes


def _step(pack: EvidencePack, done: int) -> None:
    EvidencePack.objects.filter(pk=pack.pk).update(done=done, claimed_until=clock.now() + LEASE)


def _make(pack: EvidencePack) -> Sealed:
    # Before the facts are read: what comes meanwhile makes the pack an old one.
    EvidencePack.objects.filter(pk=pack.pk).update(facts_sha256=facts_of(pack.case))
    evidence = gather(pack.case)
    _step(pack, 1)
    photos = _photos(pack.case)
    _step(pack, 2)
    sealed = seal_evidence(evidence, photos)
    _step(pack, 3)
    return sealed


def seal_evidence(evidence: Evidence, photos: Sequence[Photo] = ()) -> Sealed:
    """The ZIP of these facts: the same facts and photos give the same bytes."""
    files = evidence.files | {f"photos/{photo.name}": photo.original for photo in photos}
    with translation.override(settings.LANGUAGE_CODE):
        shown = Section(
            _("Photos"),
            pictures=tuple(Picture(photo.name, photo.shown) for photo in photos),
            empty=_("None was uploaded."),
        )
    sections = (*evidence.sections[:3], shown, *evidence.sections[3:])

    def report(fingerprint: str) -> bytes:
        from callbacks.evidence.report import make_report  # a PDF library: loaded where a report is made

        return make_report(
            evidence.title, evidence.subtitle, sections, fingerprint=fingerprint, as_of=evidence.as_of
        )

    return seal_pack(files, evidence.about, report)


def _photos(case: Case) -> list[Photo]:
    """Pictures kept as proof, in the order they came: the ZIP holds the original, the report its copy.

    After them the same ones from earlier cases, `2-earlier-1.jpg`: without what is hidden in them, which is
    another buyer's.
    """
    own = photos_of(case)
    numbers = {photo.pk: number for number, photo in enumerate(own, 1)}
    shown = [
        Photo(f"{numbers[photo.pk]}.{ENDINGS[photo.content_type]}", read_original(photo), read_shown(photo))
        for photo in own
    ]
    reuses = [one for one in reused_in(case) if one.case.review_id != case.review_id]
    reuses.sort(key=lambda one: (numbers[one.photo.pk], one.earlier.pk))
    for number, reuse in enumerate(reuses[:EARLIER], 1):
        copy = read_shown(reuse.earlier)
        shown.append(Photo(f"{numbers[reuse.photo.pk]}-earlier-{number}.jpg", copy, copy))
    return shown


@transaction.atomic
def _finish(pack: EvidencePack, sealed: Sealed) -> None:
    """Keep it encrypted, its hashes in the clear, and say so in the case."""
    kept: dict[str, Any] = {
        "size": len(sealed.content),
        "files": list(sealed.paths),
        "manifest_sha256": sealed.manifest_sha256,
        "zip_sha256": sealed.zip_sha256,
        "built_at": clock.now(),
    }
    done = {"status": PackStatus.READY, "done": STEPS, "claimed_until": None, "error": ""}
    held = EvidencePack.objects.filter(pk=pack.pk, status=PackStatus.BUILDING)
    if held.update(**kept, **done):
        # A value beside the statement: written into it, fifty megabytes take seconds to quote and parse.
        table = connection.ops.quote_name(EvidencePack._meta.db_table)
        write(f"UPDATE {table} SET content = %s WHERE id = %s", [seal(sealed.content), pack.pk])  # noqa: S608
        pack.case.log(EventKind.EVIDENCE, by=pack.requested_by, sha256=sealed.manifest_sha256)


def open_pack(pack: EvidencePack, *, by: User) -> bytes:
    """The ZIP, for a download that is recorded: it holds what the buyer wrote and ordered.

    Raises:
        InvalidTransition: it holds a chat that was taken back.
    """
    if pack.holds_taken_back:
        raise InvalidTransition(_("This pack holds a chat that was taken back. Build it anew."))
    AuditEntry.note(
        Action.EVIDENCE, pack.case, user=by, shop=pack.case.shop, pack=pack.pk, sha256=pack.zip_sha256
    )
    return unseal(bytes(pack.content))
