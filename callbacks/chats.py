"""Chat records pasted into a case: kept word for word, with who, where and when."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reviews import clock
from reviews.behaviour import is_said_by_buyer
from reviews.models import Case, ChatRecord, InvalidTransition, StaleCase, User
from reviews.models.cases import EventKind
from reviews.signals import refresh


@transaction.atomic
def keep_chat(case: Case, *, source: str, said_at: datetime, text: str, by: User) -> ChatRecord:
    """Keep what the buyer said and look at it: a demand for money is a sign. The same twice is kept once."""
    if said_at > clock.now():
        raise InvalidTransition(_("This hour lies ahead: when was it said?"))
    for known in case.chats.kept().filter(source=source, said_at=said_at):
        if known.text == text:
            return known
    chat = ChatRecord.objects.create(
        case=case, source=source, said_at=said_at, text=text, pasted_by=by, pasted_at=clock.now()
    )
    case.log(EventKind.CHAT, by=by, source=source)
    refresh(case.shop, [case])
    return chat


@transaction.atomic
def mark_demand(case: Case, *, words: str, by: User) -> ChatRecord:
    """Keep what a person takes for the demand: the buyer's own words in a kept chat, word for word.

    Raises:
        InvalidTransition: they stand in no kept chat of the case, or in a line of the shop only.
    """
    for chat in case.chats.kept():
        if is_said_by_buyer(words, chat.text):
            chat.demand, chat.marked_by, chat.marked_at = words.strip(), by, clock.now()
            chat.save(update_fields=["demand", "marked_by", "marked_at"])
            case.log(EventKind.NOTE, by=by, note=_("The buyer's demand is marked in a chat record."))
            return chat
    raise InvalidTransition(
        _(
            "These words stand in no kept chat as the buyer's. "
            "Copy them from it, from one message of the buyer."
        )
    )


@transaction.atomic
def take_back_chat(chat: ChatRecord, *, by: User) -> None:
    """Erase the words of a record pasted by mistake; that it was there stays in the case."""
    gone = {"text": "", "demand": "", "taken_back_at": clock.now()}
    if not ChatRecord.objects.kept().filter(pk=chat.pk).update(**gone):
        raise StaleCase(_("This record has already been taken back."))
    chat.case.log(EventKind.CHAT, by=by, source=chat.source, taken_back=True)
    refresh(chat.case.shop, [chat.case])
