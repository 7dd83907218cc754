"""Saving over somebody else's change: refused, with both texts, so that neither is lost.

A form says by a mark which text it was opened with. When another stands there by now, and it is not the
very same that is to be saved, the save is a Collision: the answer (409) shows both side by side, and
saving once more, now with the mark of theirs, keeps one's own.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from reviews.models.cases import StaleCase


@dataclass(frozen=True, slots=True)
class Theirs:
    """What somebody else saved meanwhile: the text, its mark, who and when, as far as it is known."""

    text: str
    mark: str
    who: str = ""
    at: datetime | None = None


class Collision(StaleCase):
    """The text has changed since the form was opened."""

    def __init__(self, theirs: Theirs) -> None:
        self.theirs = theirs
        super().__init__(
            _("Somebody else has changed this text meanwhile. Yours is kept below: choose which one stays.")
        )


def mark_of(content: Any) -> str:
    """A short mark of a text (or of anything JSON can hold); the same content has the same mark."""
    plain = _plain(content) if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:20]


def check(
    mark: str,
    stands: Any,
    mine: Any,
    *,
    words: str = "",
    who: object | Callable[[], object] = "",
    at: datetime | None = None,
) -> None:
    """Refuse to save `mine` over what `stands` there if the form was opened with something else.

    `words` is what stands there as people read it, if `stands` is no text; `who` may be a question asked
    only then. An empty mark checks nothing: doors without a form (API, import, restoring a version) save
    what they were told.
    """
    found = mark_of(stands)
    if mark and mark != found and found != mark_of(mine):
        text = words or (stands if isinstance(stands, str) else "")
        raise Collision(Theirs(text, found, str((who() if callable(who) else who) or ""), at))


class Marked(forms.Form):
    """A form over what stands already; templates/partials/_mark.html shows its mark and a collision."""

    mark = ""
    theirs: Theirs | None = None

    def opened_with(self, stands: Any) -> None:
        """Mark the form with what stands there; one that comes back brings the mark it was opened with."""
        self.mark = (str(self.data.get("mark", "")) if self.is_bound else "") or mark_of(stands)

    def keep(self, save: Callable[[str], object]) -> bool:
        """Let `save` keep what was typed, given the mark. False: somebody was quicker, the form says so."""
        try:
            save(self.mark)
        except Collision as collision:
            self.add_error(None, str(collision))
            self.theirs, self.mark = collision.theirs, collision.theirs.mark
            return False
        return True

    @property
    def status(self) -> int:
        """Of the answer that shows the form."""
        return 409 if self.theirs else 422 if self.is_bound and self.errors else 200


def _plain(text: str) -> str:
    """Line ends as browsers send them count as any other."""
    return text.replace("\r\n", "\n").strip()
