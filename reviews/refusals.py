"""A refused text on its page: why, and the two ways by which it may pass all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.http import HttpRequest

from reviews.models import Case, Shop
from reviews.outgoing import OffendingText, asking
from reviews.personal_data import text_index

NOT_AGAIN = frozenset({"csrfmiddlewaretoken", "knowingly"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the page offers: keep the words knowingly (R5), or ask the manager (R6–R9)."""

    path: str
    typed: list[tuple[str, str]]
    kept: list[str]
    may_be_kept: bool
    may_be_released: bool
    subject: dict[str, str]


def refusal_of(request: HttpRequest, error: OffendingText, *, shop: Shop | None = None) -> Refusal:
    """`shop` is where a text of no case belongs; a common text of all shops has nobody to release it."""
    sent = request.POST
    typed = [(name, value) for name in sent if name not in NOT_AGAIN for value in sent.getlist(name)]
    return Refusal(
        path=request.get_full_path(),
        typed=typed,
        # One act may hold several texts: what was kept before stays kept.
        kept=[*sent.getlist("knowingly"), text_index(error.text)],
        may_be_kept=error.may_be_kept,
        may_be_released=error.may_be_released,
        subject=_subject(error, error.case, shop),
    )


def _subject(error: OffendingText, case: Case | None, shop: Shop | None) -> dict[str, str]:
    place = {"case": str(case.pk)} if case else {"shop": str(shop.pk)} if shop else {}
    return {"text": error.text, "kind": error.kind, **place} if place else {}


@contextmanager
def asked_by(request: HttpRequest) -> Iterator[None]:
    """A person acts who can be asked: warnings come back until the words are kept knowingly."""
    with asking(request.POST.getlist("knowingly")):
        yield
