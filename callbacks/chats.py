"""Chat records pasted into a case: kept word for word, with who, where and when."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reviews import clock
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
def take_back_chat(chat: ChatRecord, *, by: User) -> None:
    """Erase the words of a record pasted by mistake; that it was there stays in the case."""
    if not ChatRecord.objects.kept().filter(pk=chat.pk).update(text="", taken_back_at=clock.now()):
        raise StaleCase(_("This record has already been taken back."))
    chat.case.log(EventKind.CHAT, by=by, source=chat.source, taken_back=True)
    refresh(chat.case.shop, [chat.case])
