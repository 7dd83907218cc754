"""The agent's desk: scripts, calls, promises, remedies, messages."""

from callbacks.models.acts import Act, ActKind, BulkJob, BulkRow
from callbacks.models.calls import (
    BuyerAnswer,
    CallbackPromise,
    CallLog,
    CallOutcome,
    Direction,
    DoNotCall,
    StageReached,
)
from callbacks.models.facts import BuyerFact
from callbacks.models.ledger import EntryKind, LedgerEntry, Payout, PayoutMethod, RemedyBudget
from callbacks.models.line import Extension, LineEvent, LineEventKind, LineKey
from callbacks.models.messages import (
    BuyerMessage,
    Channel,
    MessageKind,
    MessageState,
    OutgoingMessage,
    Provider,
    ShopGateway,
)
from callbacks.models.photos import PhotoMatch, ProofPhoto
from callbacks.models.policies import RemedyPolicy
from callbacks.models.remedies import Because, Remedy, RemedyStatus
from callbacks.models.scripts import Answer, MannerHint, ScriptStage, Stage
from callbacks.models.viewers import CaseViewer, LapsedHold
from callbacks.remedy_kinds import RemedyKind

__all__ = (
    "Act",
    "ActKind",
    "Answer",
    "Because",
    "BulkJob",
    "BulkRow",
    "BuyerAnswer",
    "BuyerFact",
    "BuyerMessage",
    "CallLog",
    "CallOutcome",
    "CallbackPromise",
    "CaseViewer",
    "Channel",
    "Direction",
    "DoNotCall",
    "EntryKind",
    "Extension",
    "LapsedHold",
    "LedgerEntry",
    "LineEvent",
    "LineEventKind",
    "LineKey",
    "MannerHint",
    "MessageKind",
    "MessageState",
    "OutgoingMessage",
    "Payout",
    "PayoutMethod",
    "PhotoMatch",
    "ProofPhoto",
    "Provider",
    "Remedy",
    "RemedyBudget",
    "RemedyKind",
    "RemedyPolicy",
    "RemedyStatus",
    "ScriptStage",
    "ShopGateway",
    "Stage",
    "StageReached",
)
