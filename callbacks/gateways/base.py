"""What every provider of text messages offers, and the answers it can give."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from django.utils.dateparse import parse_datetime

State = Literal["accepted", "delivered", "failed", "refused", "busy", "unknown", "unheard"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One text on its way. `key` stays the same however often it is handed over; `text` is complete."""

    key: str
    channel: str
    recipient: str
    text: str
    subject: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says.

    accepted: it has the text · delivered, failed: the end of an accepted text (`at` when) · refused: it will
    never take it · busy: it certainly did not take it, try later · unknown: no clear answer, it may have it ·
    unheard: asked for a key it has never seen.
    """

    state: State
    provider_id: str = ""
    reason: str = ""
    at: datetime | None = None


class Gateway(Protocol):
    """One provider. `send` may be repeated with the same key; `ask` tells something only where `can_ask`."""

    can_ask: bool

    def send(self, parcel: Parcel) -> Answer: ...

    def ask(self, key: str) -> Answer: ...


def moment(text: object) -> datetime | None:
    """An ISO moment with its zone; None for anything else."""
    try:
        found = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
