"""What buyers said and the case it opens."""

from reviews.models.access import ShopApiKey
from reviews.models.audit import AuditEntry
from reviews.models.cases import Case, CaseEvent, InvalidTransition, Outcome, StaleCase, Status
from reviews.models.chats import ChatRecord
from reviews.models.classifications import Classification
from reviews.models.complaints import Complaint, EvidencePack
from reviews.models.drift import DriftAlarm
from reviews.models.imports import ImportJob, ImportRefusal
from reviews.models.incidents import ComplaintPace, Incident, IncidentCase
from reviews.models.learning import ModelVersion, StaleVersion
from reviews.models.orders import Buyer, Order, Product
from reviews.models.outbox import ClassificationRequest, ReadingRequest
from reviews.models.praise import MarketingConsent, ThanksJob
from reviews.models.pulses import Pulse
from reviews.models.releases import TextRelease
from reviews.models.replies import PublicReply, ReplyMove, ReplyTemplate, TemplatePicture
from reviews.models.reviews import Rating, Review, ReviewVersion
from reviews.models.search import SearchText
from reviews.models.sequence import SequenceMark
from reviews.models.shops import PhoneOnlyWeeks, Platform, Shop, ShopDay
from reviews.models.signals import BehaviourSignal, ReviewFingerprint
from reviews.models.staff import Absence, AbsenceReason, Role, ShopMembership, User

__all__ = (
    "Absence",
    "AbsenceReason",
    "AuditEntry",
    "BehaviourSignal",
    "Buyer",
    "Case",
    "CaseEvent",
    "ChatRecord",
    "Classification",
    "ClassificationRequest",
    "Complaint",
    "ComplaintPace",
    "DriftAlarm",
    "EvidencePack",
    "ImportJob",
    "ImportRefusal",
    "Incident",
    "IncidentCase",
    "InvalidTransition",
    "MarketingConsent",
    "ModelVersion",
    "Order",
    "Outcome",
    "PhoneOnlyWeeks",
    "Platform",
    "Product",
    "PublicReply",
    "Pulse",
    "Rating",
    "ReadingRequest",
    "ReplyMove",
    "ReplyTemplate",
    "Review",
    "ReviewFingerprint",
    "ReviewVersion",
    "Role",
    "SearchText",
    "SequenceMark",
    "Shop",
    "ShopApiKey",
    "ShopDay",
    "ShopMembership",
    "StaleCase",
    "StaleVersion",
    "Status",
    "TemplatePicture",
    "TextRelease",
    "ThanksJob",
    "User",
)
