"""Which parts a case has at all: one cheap question instead of a dozen for what mostly is not there."""

from functools import cache
from typing import Any

from django.db.models import Model

from callbacks.models import (
    BuyerMessage,
    CallbackPromise,
    CallLog,
    OutgoingMessage,
    ProofPhoto,
    Remedy,
    ShopGateway,
)
from reviews.models import BehaviourSignal, Case, ChatRecord
from reviews.plain_sql import ask

OF_THE_CASE: tuple[type[Model], ...] = (
    CallLog,
    CallbackPromise,
    Remedy,
    ProofPhoto,
    BuyerMessage,
    OutgoingMessage,
    ChatRecord,
    BehaviourSignal,
)
OF_THE_SHOP: tuple[type[Model], ...] = (ShopGateway,)


def parts_of(case: Case) -> frozenset[type[Model]]:
    """The models that have at least one row for this case, or for its shop."""
    values = [case.pk] * len(OF_THE_CASE) + [case.shop_id] * len(OF_THE_SHOP)
    [row] = ask(_question(), values)
    return frozenset(model for model, found in zip(OF_THE_CASE + OF_THE_SHOP, row, strict=True) if found)


@cache
def _question() -> str:
    exists = [_exists(model, "case_id") for model in OF_THE_CASE]
    exists += [_exists(model, "shop_id") for model in OF_THE_SHOP]
    return f"SELECT {', '.join(exists)}"


def _exists(model: Any, column: str) -> str:
    return f"EXISTS (SELECT 1 FROM {model._meta.db_table} WHERE {column} = %s)"  # noqa: S608  our own names
