"""Every door by which a text can leave the shop, or be kept to leave it: the same unlawful text is refused.

The tables name every text field of the two apps. A new one without a row fails; one in OUTGOING needs a door.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import buyer_facts, contacts, remedies, script_editing
from callbacks.models import ScriptStage, ShopGateway, Stage
from callbacks.script import script_for
from callbacks.script_editing import Place, restore_stage, save_stage
from callbacks.texts import send_text
from reviews import outgoing, posting, replies, reply_templates
from reviews.incidents import save_plan
from reviews.models import (
    AuditEntry,
    Case,
    Incident,
    PublicReply,
    ReplyTemplate,
    Shop,
    Status,
    TextRelease,
    User,
)
from reviews.outgoing import OffendingText
from reviews.personal_data import text_index
from tests.factories import make_case, make_product, make_review

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

R1 = "给您返现5元，麻烦改成好评"
UNLAWFUL = {"R1": R1, "R2": "麻烦给个五星好评", "R3": "请您删除差评", "R4": "不删差评就起诉你"}

# field → the doors by which it is written. A field a buyer or another shop may come to read.
OUTGOING = {
    "reviews.ReplyTemplate.text": ("template", "template_copied", "template_restored"),
    "reviews.PublicReply.text": ("reply_kept", "reply_posted", "reply_of_a_good_review"),
    "reviews.CaseEvent.data": ("closed_with", "reopened_with", "put_off_with", "noted"),
    "callbacks.ScriptStage.text": ("script_stage", "script_restored"),
    "callbacks.BuyerMessage.text": ("message",),
    "callbacks.BuyerFact.text": ("fact_kept", "fact_corrected"),
    "callbacks.OutgoingMessage.text": ("text_by_gateway", "promise_text", "call_later_text"),
    "callbacks.CallLog.notes": ("call_notes",),
    "callbacks.CallbackPromise.note": ("promise_note", "call_later_note"),
    "callbacks.Remedy.note": ("remedy_note",),
    "reviews.Incident.statement": ("incident_statement",),
    "reviews.Incident.remedy_reason": ("incident_reason",),
}
# Not outgoing, and why.
INWARD = {
    "codes, keys, names of things": """reviews.Shop.code reviews.Shop.time_zone reviews.User.username
        reviews.User.password reviews.User.first_name reviews.User.last_name reviews.User.email
        reviews.ShopApiKey.id reviews.ShopApiKey.prefix reviews.ShopApiKey.hashed_key reviews.ShopApiKey.name
        reviews.ReplyTemplate.name reviews.ReplyTemplate.search_key
        reviews.TemplatePicture.name reviews.TemplatePicture.sha256 reviews.Classification.model
        reviews.SequenceMark.key
        reviews.ModelVersion.base reviews.Incident.remedy_kind reviews.PhoneOnlyWeeks.name
        reviews.AuditEntry.object_type reviews.AuditEntry.object_id callbacks.DoNotCall.phone_index
        callbacks.CallLog.notes_draft callbacks.CallLog.phone_index callbacks.CallLog.recording_url
        callbacks.BuyerFact.phone_index callbacks.LineKey.key_id callbacks.LineKey.secret
        callbacks.Extension.number callbacks.LineEvent.line_id callbacks.LineEvent.number
        callbacks.LineEvent.phone_index callbacks.LineEvent.extension callbacks.LineEvent.reference
        callbacks.LineEvent.recording_url""",
    "what came in: the buyer's or the platform's words": """reviews.Buyer.nick reviews.Product.key
        reviews.Product.item_id reviews.Order.order_no reviews.Order.sub_order_no reviews.Order.status
        reviews.Order.buyer_name reviews.Order.buyer_phone reviews.Order.phone_index reviews.Order.address
        reviews.Review.review_key reviews.Review.order_no reviews.Review.sub_order_no reviews.Review.content
        reviews.Review.followup reviews.Review.reply reviews.ReviewVersion.content
        reviews.ReviewVersion.followup reviews.ImportJob.filename reviews.ImportRefusal.key
        reviews.ChatRecord.text reviews.ChatRecord.demand reviews.MarketingConsent.words
        reviews.PublicReply.reason
        reviews.ReplyMove.reason reviews.SearchText.text
        reviews.SearchText.numbers""",
    "copies of a text that is checked where it is written": """reviews.PublicReply.drafted_text
        reviews.ReplyMove.text""",
    "put into texts as a variable: the filled text is checked": """reviews.Shop.name reviews.User.display_name
        reviews.Product.title reviews.Order.sku reviews.Review.sku reviews.Order.courier
        reviews.Order.tracking_no""",
    "told to the platform, where to speak of a review is the very purpose": """reviews.Complaint.platform_no
        reviews.Complaint.quote reviews.Complaint.statement reviews.Complaint.verdict""",
    "hashes and errors of files": """reviews.EvidencePack.error reviews.EvidencePack.manifest_sha256
        reviews.EvidencePack.zip_sha256 reviews.EvidencePack.facts_sha256
        callbacks.ProofPhoto.content_type callbacks.ProofPhoto.look callbacks.ProofPhoto.sha256""",
    "notes of a remedy, checked with it (callbacks.remedies)": """callbacks.Remedy.reason
        callbacks.Remedy.decision callbacks.Payout.reference callbacks.Payout.reversal_reason""",
    "what became of the rows of a job": """callbacks.BulkJob.asked callbacks.BulkJob.language
        callbacks.BulkRow.reason callbacks.BulkRow.seen""",
    "put before texts by an administrator: checked when it is set": """
        callbacks.ShopGateway.signature""",
    "of gateways: addresses, secrets, numbers, errors": """callbacks.ShopGateway.endpoint
        callbacks.ShopGateway.secret callbacks.OutgoingMessage.recipient callbacks.OutgoingMessage.provider_id
        callbacks.OutgoingMessage.reason""",
    "shown to staff only": """
        callbacks.MannerHint.text reviews.Incident.words reviews.ClassificationRequest.error
        reviews.ReadingRequest.error reviews.ImportJob.error""",
    "a refused text on its way to the manager": """reviews.TextRelease.text reviews.TextRelease.scope
        reviews.TextRelease.kind reviews.TextRelease.text_index reviews.TextRelease.rules_version
        reviews.TextRelease.reason""",
}
KNOWN_INWARD = {name for names in INWARD.values() for name in names.split()}


def text_fields() -> set[str]:
    """Every free text of our models; what has choices is no free text, histories are copies."""
    return {
        f"{model._meta.app_label}.{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in ("reviews", "callbacks") and not model.__name__.startswith("Historical")
        for field in model._meta.get_fields()
        if isinstance(field, models.CharField | models.TextField) and not field.choices
    }


def test_every_text_field_is_named() -> None:
    unnamed = text_fields() - set(OUTGOING) - KNOWN_INWARD
    assert not unnamed, f"Say in tests/test_doors.py whether these leave the shop: {sorted(unnamed)}"


def test_no_row_is_left_over() -> None:
    gone = set(OUTGOING) - text_fields() - {"reviews.CaseEvent.data"}
    assert not gone, f"No such field any more: {sorted(gone)}"


# --- the doors ---------------------------------------------------------------------------------------


class World:
    """A shop with a case in hand, and a template and a stage that are lawful."""

    def __init__(self, shop: Shop, person: User) -> None:
        self.shop, self.person = shop, person
        self.case = make_case(shop, assignee=person, status=Status.IN_PROGRESS)
        self.reply = PublicReply.objects.create(review=self.case.review, text="草稿")
        self.template = ReplyTemplate.objects.create(shop=shop, name="t", text="您好")

    def call(self) -> Any:
        return contacts.start_call(self.case, by=self.person)

    def hours(self, number: int) -> Any:
        return timezone.now() + timedelta(hours=number)

    def closed(self) -> Case:
        contacts.settle(self.case, "refused", by=self.person)
        return self.case


def _template_copied(w: World, text: str) -> None:
    common = ReplyTemplate.objects.create(name="c", text=text)
    reply_templates.copy_template(common, w.shop, by=w.person)


def _template_restored(w: World, text: str) -> None:
    ReplyTemplate.objects.filter(pk=w.template.pk).update(text="您好")
    version = w.template.history.create(
        **{name: getattr(w.template, name) for name in ("id", "name", "purpose", "updated_at", "is_active")},
        shop=w.shop, text=text, history_date=timezone.now(), history_type="~",
    )  # fmt: skip
    reply_templates.restore_version(w.template, version.history_id, by=w.person)


def _script_restored(w: World, text: str) -> None:
    row = ScriptStage.objects.create(shop=w.shop, stage="ask", text="您好")
    version = row.history.create(
        id=row.pk, shop=w.shop, stage="ask", text=text, updated_at=row.updated_at,
        history_date=timezone.now(), history_type="~",
    )  # fmt: skip
    restore_stage(Place(w.shop), Stage.ASK, version.history_id, by=w.person)


def _good_review(w: World, text: str) -> None:
    review = make_review(w.shop, rating="good")
    reply = PublicReply.objects.create(review=review, text="谢谢")
    posting.mark_reply_posted(reply, text, by=w.person, case=None)


def _call_notes(w: World, text: str) -> None:
    contacts.end_call(w.call(), "reached", by=w.person, notes=text)


def _call_later(w: World, text: str) -> None:
    contacts.end_call(w.call(), "later", by=w.person, callback_at=w.hours(2), callback_note=text)


def _gateway(w: World) -> None:
    ShopGateway.objects.get_or_create(shop=w.shop, channel="sms", provider="console")


def _text(w: World, text: str) -> None:
    _gateway(w)
    send_text(w.case, text, by=w.person)


def _promise_text(w: World, text: str) -> None:
    _gateway(w)
    contacts.promise_callback(w.case, w.hours(2), by=w.person, text=text)


def _later_text(w: World, text: str) -> None:
    _gateway(w)
    contacts.end_call(w.call(), "later", by=w.person, callback_at=w.hours(2), callback_text=text)


def _fact_corrected(w: World, text: str) -> None:
    fact = buyer_facts.keep_fact(w.case, "晚上八点以后方便", by=w.person)
    buyer_facts.correct_fact(w.case, fact, text, by=w.person)


def _remedy(w: World, text: str) -> None:
    remedies.offer_remedy(w.case, "coupon", amount=Decimal(5), note=text, by=w.person)


def _incident(w: World, **plan: str) -> None:
    found = Incident.objects.create(shop=w.shop, rang_at=timezone.now(), minutes=10, observed=6, expected=0.4)
    save_plan(found, **{"statement": "这一批的密封圈有缺陷，我们已停售。", **plan}, by=w.person)  # type: ignore[arg-type]


DOORS: dict[str, Callable[[World, str], object]] = {
    "text_by_gateway": _text,
    "promise_text": _promise_text,
    "call_later_text": _later_text,
    "template": lambda w, text: reply_templates.save_template(
        ReplyTemplate(shop=w.shop, name="n", text=text), by=w.person
    ),
    "template_copied": _template_copied,
    "template_restored": _template_restored,
    "reply_kept": lambda w, text: contacts.keep_reply(w.case, text, by=w.person),
    "reply_posted": lambda w, text: contacts.keep_reply(w.case, text, by=w.person, posted=True),
    "reply_of_a_good_review": _good_review,
    "script_stage": lambda w, text: save_stage(Place(w.shop), Stage.ASK, text, by=w.person),
    "script_restored": _script_restored,
    "message": lambda w, text: contacts.record_message(w.case, text, by=w.person),
    "call_notes": _call_notes,
    "call_later_note": _call_later,
    "promise_note": lambda w, text: contacts.promise_callback(w.case, w.hours(2), by=w.person, note=text),
    "fact_kept": lambda w, text: buyer_facts.keep_fact(w.case, text, by=w.person),
    "fact_corrected": _fact_corrected,
    "remedy_note": _remedy,
    "closed_with": lambda w, text: contacts.settle(w.case, "refused", by=w.person, note=text),
    "put_off_with": lambda w, text: contacts.wait(w.case, w.hours(2), by=w.person, note=text),
    "noted": lambda w, text: contacts.add_note(w.case, text, by=w.person),
    "incident_statement": lambda w, text: _incident(w, statement=text),
    "incident_reason": lambda w, text: _incident(w, remedy_reason=text),
    "reopened_with": lambda w, text: contacts.reopen(w.closed(), by=w.person, reason=text),
}


def test_every_outgoing_field_has_its_doors() -> None:
    assert {door for doors in OUTGOING.values() for door in doors} == set(DOORS)


@pytest.fixture
def world(shop: Shop, administrator: User) -> World:
    """In the hands of an administrator: no rank opens a door."""
    return World(shop, administrator)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("rule", UNLAWFUL)
def test_it_lets_nothing_unlawful_through_any_door_not_even_for_an_administrator(
    world: World, door: str, rule: str
) -> None:
    with outgoing.asking(text_index(UNLAWFUL[rule])), pytest.raises(OffendingText) as refused:
        DOORS[door](world, UNLAWFUL[rule])
    assert rule in {one.rule for one in refused.value.offences}
    assert not refused.value.may_be_released
    entry = AuditEntry.objects.filter(action="compliance").latest("pk")
    assert (entry.user, entry.data["outcome"], len(entry.data["text"])) == (world.person, "refused", 64)


@pytest.mark.parametrize("door", DOORS)
def test_with_the_check_off_the_very_text_passes(world: World, door: str) -> None:
    """The negative control: it is the check that refuses, nothing else in the way.

    Scripts are looked through a second time, as a whole call.
    """
    second = mock.patch.multiple(script_editing, new_faults=lambda *_: [], mixed_faults=lambda _row: [])
    with mock.patch.object(outgoing, "judge", return_value=[]), second:
        DOORS[door](world, R1)


@pytest.mark.parametrize("door", DOORS)
def test_a_release_in_the_database_opens_no_door_for_r1_to_r4(world: World, door: str) -> None:
    for scope in (f"case:{world.case.pk}", f"shop:{world.shop.pk}", ""):
        for kind in ("chat", "note", "public_reply", "script", "template"):
            TextRelease.objects.create(
                shop=world.shop, case=world.case, scope=scope, kind=kind, text=R1, text_index=text_index(R1),
                rules=["R1", "R2", "R3", "R4"], status="released", asked_by=world.person,
            )  # fmt: skip
    with pytest.raises(OffendingText):
        DOORS[door](world, R1)


# --- the same through the pages -----------------------------------------------------------------------

PAGES = {
    "message": {"text": R1},
    "reply_save": {"text": R1},
    "reply_posted": {"text": R1},
    "remedy": {"kind": "coupon", "amount": "5", "note": R1},
    "close": {"outcome": "refused", "note": R1},
    "promise": {"note": R1, "callback_note": R1, "later_at": "2026-11-18T14:00"},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_answers_with_words_rule_and_a_lawful_way(client: Client, world: World, name: str) -> None:
    client.force_login(world.person)
    answer = client.post(
        reverse(f"callbacks:{name}", args=[world.case.pk]), {**PAGES[name], "knowingly": text_index(R1)}
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "R1" in page
    assert reverse("reviews:compliance_ask") not in page


# --- what is filled in -----------------------------------------------------------------------------------

BAIT = "保温杯 好评返现5元"


def test_a_products_title_makes_no_draft_unlawful(shop: Shop) -> None:
    ReplyTemplate.objects.all().delete()
    ReplyTemplate.objects.create(name="t", text="您说的{item|商品}我们已经在查，抱歉。")
    review = make_review(shop, product=make_product(shop, BAIT))
    reply = replies.draft_reply(review, make_case(shop, review=review))
    assert reply is not None
    assert reply.text == "您说的商品我们已经在查，抱歉。"


def test_a_shops_name_makes_no_script_unlawful(shop: Shop, agent: User) -> None:
    shop.name = "好评返现旗舰店"
    shop.save()
    ScriptStage.objects.all().delete()
    ScriptStage.objects.create(stage="introduce", text="您好，我是{shop|本店}的售后。")
    case = make_case(shop, assignee=agent)
    assert [line.text for line in script_for(case, agent, None)] == ["您好，我是本店的售后。"]


def test_a_text_already_filled_is_checked_again_when_it_is_sent(world: World) -> None:
    PublicReply.objects.filter(pk=world.reply.pk).update(text=R1)
    with pytest.raises(OffendingText):
        contacts.keep_reply(world.case, R1, by=world.person, posted=True)


def test_the_offered_wordings_are_lawful_themselves() -> None:
    from reviews.compliance import Kind, find_offences, mentions_benefit, mentions_review_change

    for text in filter(None, outgoing.WORDING.values()):
        assert not [one for kind in Kind for one in find_offences(text, kind, "taobao", benefit_in_case=True)]
        assert not mentions_review_change(text)
        assert not mentions_benefit(text)
