"""The agent's desk: scripts, calls, promises, remedies, messages."""

from callbacks.models.calls import CallbackPromise, CallLog, CallOutcome, DoNotCall, StageReached
from callbacks.models.messages import BuyerMessage
from callbacks.models.remedies import Remedy, RemedyKind, RemedyStatus
from callbacks.models.scripts import MannerHint, ScriptStage, Stage

__all__ = (
    "BuyerMessage",
    "CallLog",
    "CallOutcome",
    "CallbackPromise",
    "DoNotCall",
    "MannerHint",
    "Remedy",
    "RemedyKind",
    "RemedyStatus",
    "ScriptStage",
    "Stage",
    "StageReached",
)
