"""Every address × every role. An address without a row here fails.

One row: method, then the answer for agent, manager, outsider (agent of another shop) and rival (manager of
another shop); nobody is sent to the sign-in page. Another shop's object is 404, one's own without the right
403. Whatever answers that somebody may try (a page, a redirect, a refusal of empty data) is OK.
"""

import base64
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from callbacks.models import Act, BulkJob, BuyerFact, CallLog, LineEvent, LineKey, OutgoingMessage, Remedy
from callbacks.photos import add_photos
from reviews.models import (
    Absence,
    ChatRecord,
    ClassificationRequest,
    Complaint,
    DriftAlarm,
    EvidencePack,
    ImportJob,
    Incident,
    ModelVersion,
    PhoneOnlyWeeks,
    PublicReply,
    ReplyTemplate,
    Role,
    Shop,
    ShopDay,
    ShopMembership,
    Status,
    TemplatePicture,
    TextRelease,
    ThanksJob,
    User,
)
from reviews.personal_data import seal
from tests.factories import make_case, make_review, make_user

pytestmark = pytest.mark.django_db

OK = "ok"
ANYBODY = (OK, OK, OK, OK)
MANAGERS = (403, OK, 403, OK)  # a page of all shops one manages
OWN_SHOP = (OK, OK, 404, 404)
OWN_MANAGERS = (403, OK, 404, 404)
MANAGERS_OWN = (403, OK, 403, 404)  # agents have no business there, whatever the shop
NOT_THERE = (403, 404, 403, 404)  # the row names no version or shop
OWN_ALONE = (OK, 404, 404, 404)
NEVER = (403, 403, 403, 403)

# name → (method, answers of agent, manager, outsider, rival)
TABLE: dict[str, tuple[str, tuple[Any, Any, Any, Any]]] = {
    "callbacks:desk": ("get", ANYBODY),
    "callbacks:duty": ("post", ANYBODY),
    "callbacks:my_absences": ("get", ANYBODY),
    "callbacks:member_absences": ("get", MANAGERS_OWN),
    "callbacks:absence_end": ("post", OWN_SHOP),
    "callbacks:palette": ("get", ANYBODY),
    "callbacks:promises": ("get", ANYBODY),
    "callbacks:promises_due": ("get", ANYBODY),
    "callbacks:promises_kept": ("get", ANYBODY),
    "callbacks:texts": ("get", MANAGERS),
    "callbacks:text_decide": ("post", MANAGERS_OWN),
    "callbacks:move_promise": ("post", OWN_SHOP),
    "callbacks:take_over_promise": ("post", OWN_SHOP),
    "callbacks:case_texts": ("get", OWN_SHOP),
    "callbacks:send_text": ("post", OWN_SHOP),
    "callbacks:take_back_text": ("post", OWN_SHOP),
    "callbacks:queue": ("get", ANYBODY),
    "callbacks:next_case": ("post", ANYBODY),
    "callbacks:queue_changes": ("get", ANYBODY),
    "callbacks:desk_changes": ("get", ANYBODY),
    "callbacks:lapses_read": ("post", ANYBODY),
    "callbacks:case": ("get", OWN_SHOP),
    "callbacks:look": ("post", OWN_SHOP),
    "callbacks:take": ("post", OWN_SHOP),
    "callbacks:release": ("post", OWN_SHOP),
    "callbacks:reassign": ("post", OWN_MANAGERS),
    "callbacks:correct_cause": ("post", OWN_SHOP),
    "callbacks:look_again": ("post", OWN_SHOP),
    "callbacks:reveal": ("post", OWN_SHOP),
    "callbacks:start_call": ("post", OWN_SHOP),
    "callbacks:call_clock": ("get", OWN_SHOP),
    "callbacks:tick": ("post", OWN_SHOP),
    "callbacks:tick_rest": ("post", OWN_SHOP),
    "callbacks:answer_stage": ("post", OWN_SHOP),
    "callbacks:keep_notes": ("post", OWN_SHOP),
    "callbacks:end_call_for": ("post", OWN_MANAGERS),
    "callbacks:end_call": ("post", OWN_SHOP),
    "callbacks:set_recording": ("post", OWN_SHOP),
    "callbacks:hear_recording": ("post", OWN_SHOP),
    "callbacks:keep_fact": ("post", OWN_SHOP),
    "callbacks:change_fact": ("post", OWN_SHOP),
    "callbacks:promise": ("post", OWN_SHOP),
    "callbacks:cancel_promise": ("post", OWN_SHOP),
    "callbacks:remedy": ("post", OWN_SHOP),
    "callbacks:decide_remedy": ("post", OWN_MANAGERS),
    "callbacks:accept_remedy": ("post", OWN_SHOP),
    "callbacks:cancel_remedy": ("post", OWN_SHOP),
    "callbacks:carry_out_remedy": ("post", OWN_SHOP),
    "callbacks:reverse_payout": ("post", (403, 404, 404, 404)),  # nothing is paid yet
    "callbacks:add_photos": ("post", OWN_SHOP),
    "callbacks:photo": ("get", OWN_SHOP),
    "callbacks:original_photo": ("get", OWN_MANAGERS),
    "callbacks:reply_save": ("post", OWN_SHOP),
    "callbacks:reply_hand_in": ("post", OWN_SHOP),
    "callbacks:reply_posted": ("post", OWN_SHOP),
    "callbacks:message": ("post", OWN_SHOP),
    "callbacks:tell_of_review": ("post", OWN_SHOP),
    "callbacks:close": ("post", OWN_SHOP),
    "callbacks:reopen": ("post", OWN_SHOP),
    "callbacks:malicious": ("get", ANYBODY),  # whoever handles complaints; others 403, see test_malicious
    "callbacks:evidence": ("get", OWN_SHOP),
    "callbacks:keep_chat": ("post", OWN_SHOP),
    "callbacks:mark_demand": ("post", OWN_SHOP),
    "callbacks:take_back_chat": ("post", OWN_SHOP),
    "callbacks:build_pack": ("post", OWN_SHOP),
    "callbacks:download_pack": ("get", OWN_SHOP),
    "callbacks:complaint_new": ("post", OWN_SHOP),
    "callbacks:complaint_file": ("post", OWN_SHOP),
    "callbacks:complaint_decide": ("post", OWN_SHOP),
    "callbacks:take_back_verdict": ("post", OWN_SHOP),
    "callbacks:complaint_appeal": ("post", OWN_SHOP),
    "callbacks:complaint_withdraw": ("post", OWN_SHOP),
    "callbacks:bulk_new": ("get", ANYBODY),
    # A job is its maker's alone.
    "callbacks:bulk": ("get", OWN_ALONE),
    "callbacks:bulk_start": ("post", OWN_ALONE),
    "callbacks:bulk_stop": ("post", OWN_ALONE),
    "callbacks:bulk_undo": ("post", OWN_ALONE),
    "callbacks:bulk_rows": ("get", OWN_ALONE),
    "callbacks:acts": ("get", ANYBODY),
    "callbacks:undo": ("post", OWN_SHOP),
    "callbacks:telephone": ("get", MANAGERS),
    "callbacks:telephone_key": ("post", (403, 404, 403, 404)),  # the row names no shop
    "callbacks:telephone_revoke": ("post", MANAGERS_OWN),
    "callbacks:telephone_extension": ("post", MANAGERS_OWN),
    "callbacks:telephone_seen": ("post", MANAGERS_OWN),
    "callbacks:incidents": ("get", MANAGERS),
    "callbacks:incident": ("get", MANAGERS_OWN),
    "callbacks:incident_seen": ("post", MANAGERS_OWN),
    "callbacks:incident_decide": ("post", MANAGERS_OWN),
    "callbacks:incident_cases": ("post", MANAGERS_OWN),
    "callbacks:incident_plan": ("post", MANAGERS_OWN),
    "callbacks:incident_apply": ("post", MANAGERS_OWN),
    "callbacks:approvals": ("get", MANAGERS),
    "callbacks:approval": ("post", MANAGERS_OWN),
    "callbacks:policy": ("get", MANAGERS),
    "callbacks:policy_limits": ("get", MANAGERS_OWN),
    "callbacks:policy_bands": ("post", MANAGERS_OWN),
    "callbacks:policy_ladder": ("get", MANAGERS_OWN),
    "callbacks:policy_reset": ("post", MANAGERS_OWN),
    "callbacks:policy_restore": ("post", NOT_THERE),
    "callbacks:scripts": ("get", MANAGERS),
    "callbacks:script_preview": ("post", MANAGERS),
    "callbacks:script_stage": ("get", MANAGERS_OWN),
    "callbacks:script_reset": ("post", MANAGERS_OWN),
    "callbacks:script_restore": ("post", NOT_THERE),
    "reviews:imports": ("get", MANAGERS),
    "reviews:import": ("get", MANAGERS_OWN),
    "reviews:import_refusals": ("get", MANAGERS_OWN),
    "reviews:statistics": ("get", MANAGERS),
    "reviews:reply_templates": ("get", MANAGERS),
    "reviews:reply_template_new": ("get", MANAGERS),
    "reviews:reply_template_preview": ("post", MANAGERS),
    "reviews:reply_template": ("get", MANAGERS_OWN),
    "reviews:reply_template_copy": ("post", NOT_THERE),
    "reviews:reply_template_use": ("post", MANAGERS_OWN),
    "reviews:reply_template_restore": ("post", NOT_THERE),
    "reviews:reply_template_picture": ("get", OWN_SHOP),
    "reviews:reply_template_picture_add": ("post", MANAGERS_OWN),
    "reviews:reply_template_picture_remove": ("post", MANAGERS_OWN),
    "reviews:replies": ("get", ANYBODY),
    "reviews:replies_rule": ("post", (404, 404, 404, 404)),  # the row names no shop
    "reviews:reply_report": ("post", OWN_SHOP),
    "reviews:reply_decide": ("post", OWN_MANAGERS),
    "reviews:thanks": ("get", ANYBODY),
    "reviews:thanks_prepare": ("post", ANYBODY),
    "reviews:thanks_job": ("get", OWN_SHOP),
    "reviews:thanks_start": ("post", OWN_SHOP),
    "reviews:thanks_posted": ("post", OWN_SHOP),
    "reviews:thanks_texts": ("get", OWN_SHOP),
    "reviews:showcase": ("get", ANYBODY),
    "reviews:showcase_file": ("get", MANAGERS),
    "reviews:model": ("get", MANAGERS),
    "reviews:model_promote": ("post", MANAGERS_OWN),
    "reviews:model_roll_back": ("post", MANAGERS_OWN),
    "reviews:model_alarm": ("post", MANAGERS_OWN),
    "reviews:me": ("get", ANYBODY),
    "reviews:me_keys": ("post", ANYBODY),
    "reviews:team": ("get", MANAGERS),
    "reviews:team_member": ("post", MANAGERS_OWN),
    "reviews:team_duty": ("post", MANAGERS_OWN),
    "reviews:team_shifts": ("get", MANAGERS_OWN),
    "reviews:team_shop": ("get", MANAGERS_OWN),
    "reviews:team_days": ("post", MANAGERS_OWN),
    "reviews:team_day_forget": ("post", MANAGERS_OWN),
    "reviews:team_phone_only": ("post", MANAGERS_OWN),
    "reviews:team_phone_only_forget": ("post", MANAGERS_OWN),
    "reviews:reviews": ("get", ANYBODY),
    "reviews:review": ("get", OWN_SHOP),
    "reviews:review_reply": ("post", OWN_SHOP),
    "reviews:review_library": ("get", OWN_SHOP),
    "reviews:review_library_use": ("post", (404, 404, 404, 404)),  # the row names no template
    "reviews:review_consent": ("post", OWN_SHOP),
    "reviews:review_consent_withdraw": ("post", OWN_SHOP),
    "reviews:compliance_check": ("post", ANYBODY),
    "reviews:compliance_ask": ("post", (404, 404, 404, 404)),
    "reviews:releases": ("get", ANYBODY),
    "reviews:release_decide": ("post", OWN_MANAGERS),
    "reviews:parked": ("get", MANAGERS),
    "reviews:parked_retry": ("post", MANAGERS_OWN),
    # The API for people who are signed in: to read what they may see, never to write.
    "api:orders": ("get", ANYBODY),
    "api:orders_batch": ("post", NEVER),
    "api:order": ("get", OWN_SHOP),
    "api:reviews": ("get", ANYBODY),
    "api:reviews_batch": ("post", NEVER),
    "api:review": ("get", OWN_SHOP),
    "api:cases": ("get", ANYBODY),
    "api:case": ("get", OWN_SHOP),
    "api:statistics": ("get", MANAGERS),
    "api:line_events": ("post", (401, 401, 401, 401)),  # telephone systems only, by signature
}
PICTURE = base64.b64decode(  # one red pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
OPEN_TO_ALL = {
    "callbacks:receipts",
    "login",
    "logout",
    "set_language",
    "healthz",
    "api:schema",
    "api:docs",
    "api:nowhere",
}


def names(resolver: URLResolver | Any = None, space: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{space}{entry.name}"
        elif entry.app_name != "admin":
            yield from names(entry, f"{entry.namespace}:" if entry.namespace else space)


@pytest.fixture
def rival(other_shop: Shop) -> User:
    return make_user("rival", shop=other_shop, role=Role.MANAGER)


@pytest.fixture
def addresses(shop: Shop, agent: User, manager: User) -> dict[str, str]:
    """The address of every row, with objects of `shop`."""
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    reply = PublicReply.objects.create(review=case.review, text="您好")
    template = ReplyTemplate.objects.create(shop=shop, name="t", text="您好")
    picture = TemplatePicture.objects.create(
        template=template, name="a.jpg", content=b"", width=1, height=1, sha256="0"
    )
    remedy = Remedy.objects.create(
        case=case, kind="refund", amount=90, status="to_approve", agreed_by=agent, agreed_at=case.opened_at
    )
    photo = add_photos(case, [("a.png", PICTURE)], by=agent)[0]
    text = OutgoingMessage.objects.create(
        case=case, kind="other", channel="sms", text="您好", next_attempt_at=case.opened_at, queued_by=agent
    )
    waiting = ClassificationRequest.objects.create(
        review=make_review(shop), version=1, parked_at=case.opened_at
    )
    more = {
        "remedy": remedy.pk,
        "text": text.pk,
        "chat": ChatRecord.objects.create(
            case=case, source="other", said_at=case.opened_at, text="您好", pasted_by=agent
        ).pk,
        "pack": EvidencePack.objects.create(case=case, status="ready", content=seal(b"")).pk,
    }
    Complaint.objects.create(case=case, reason="spam")
    more["fact"] = BuyerFact.objects.create(shop=shop, buyer=case.review.buyer, text="晚上方便").pk
    more["key"] = LineKey.objects.create(shop=shop, key_id="line_1", secret="s").pk
    more["event"] = LineEvent.objects.create(shop=shop, line_id="1", kind="answer", at=case.opened_at).pk
    more["call"] = CallLog.objects.create(
        case=case, agent=agent, started_at=case.opened_at, ended_at=case.opened_at, outcome="reached"
    ).pk
    version = ModelVersion.objects.create(
        shop=shop, number=1, base="", lessons=1, last_decision=1, artifact=b"", status="current"
    )
    alarm = DriftAlarm.objects.create(shop=shop, measure="causes", since=case.opened_at)
    away = Absence.objects.create(
        user=agent, begins=case.opened_at, ends=case.opened_at + timedelta(days=1), entered_by=agent
    )
    membership = ShopMembership.objects.get(user=agent).pk
    objects = {
        "callbacks:incident": Incident.objects.create(
            shop=shop, rang_at=case.opened_at, minutes=10, observed=6, expected=0.4
        ).pk,
        "callbacks:absence_end": away.pk,
        "callbacks:member_absences": membership,
        "reviews:team_shop": shop.pk,
        "reviews:team_days": shop.pk,
        "reviews:team_phone_only_forget": PhoneOnlyWeeks.objects.create(
            shop=shop, name="618", first=date(2026, 6, 1), last=date(2026, 6, 20)
        ).pk,
        "reviews:team_phone_only": shop.pk,
        "reviews:team_day_forget": ShopDay.objects.create(
            shop=shop, day=date(2026, 12, 1), is_worked=False
        ).pk,
        "reviews:model_alarm": alarm.pk,
        "reviews:model": version.pk,
        "callbacks:bulk": BulkJob.objects.create(act="note", language="zh-hans", created_by=agent).pk,
        "callbacks:undo": Act.objects.create(case=case, kind="note", by=agent, last_event=0).pk,
        "callbacks:telephone_extension": ShopMembership.objects.get(user=agent).pk,
        "callbacks": case.pk,
        "reviews:import": ImportJob.objects.create(shop=shop, filename="a.csv", content=b"").pk,
        "reviews:reply_template": template.pk,
        "reviews:reply_": reply.pk,
        "reviews:thanks_": ThanksJob.objects.create(shop=shop).pk,
        "reviews:team": membership,
        "reviews:review": case.review_id,
        "reviews:parked": waiting.pk,
        "reviews:release": TextRelease.objects.create(
            shop=shop, case=case, scope=f"case:{case.pk}", kind="chat", text="见13800138000", asked_by=agent
        ).pk,
        "api:order": case.review.order_id,
        "api:review": case.review_id,
        "api:case": case.pk,
    }
    found = {}
    for name in TABLE:
        pk = next((pk for prefix, pk in objects.items() if name.startswith(prefix)), None)
        found[name] = _address(name, pk, {**more, "picture": picture.pk, "photo": photo.pk})
    return found


def _address(name: str, pk: int | None, more: dict[str, int]) -> str:
    shapes: list[dict[str, Any]] = [
        {},
        {"pk": pk},
        *({"pk": pk, kind: number} for kind, number in more.items()),
        *({kind: number} for kind, number in more.items()),
        {"pk": pk, "version": 999},
        {"code": "ask"},
        {"code": "ask", "version": 999},
    ]
    for arguments in shapes:
        try:
            shop = "code" in arguments or name in ("callbacks:policy_limits", "callbacks:policy_bands")
            if name == "callbacks:text_decide":
                return reverse(name, args=[more["text"]])
            if name == "callbacks:approval":
                return reverse(name, args=[more["remedy"]])
            if name.startswith("callbacks:policy_") and "code" in arguments:
                return reverse(name, kwargs={**arguments, "code": "quality"}) + "?shop=test-shop"
            return reverse(name, kwargs=arguments) + ("?shop=test-shop" if shop else "")
        except Exception:  # noqa: S112  the next shape fits
            continue
    raise AssertionError(name)


def test_every_address_has_a_row() -> None:
    assert set(names()) - OPEN_TO_ALL == set(TABLE)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_role_gets_what_the_table_says(
    name: str,
    client: Client,
    addresses: dict[str, str],
    agent: User,
    manager: User,
    outsider: User,
    rival: User,
) -> None:
    method, answers = TABLE[name]
    wanted = dict(zip((agent, manager, outsider, rival), answers, strict=True))
    for user in (rival, outsider, agent, manager):  # those who may act come last
        expected = wanted[user]
        client.force_login(user)
        status = getattr(client, method)(addresses[name]).status_code
        shown = OK if status in (200, 201, 204, 302, 400, 409, 411, 422) else status
        assert shown == expected, f"{name} as {user}: {status}"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_nobody_gets_in_without_signing_in(name: str, client: Client, addresses: dict[str, str]) -> None:
    method, _answers = TABLE[name]
    answer = getattr(client, method)(addresses[name])
    if name.startswith("api:"):
        assert answer.status_code == 401
    else:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize("name", sorted(name for name in TABLE if not name.startswith("api:")))
def test_a_wrong_method_is_refused(
    name: str, client: Client, addresses: dict[str, str], manager: User
) -> None:
    method, _answers = TABLE[name]
    client.force_login(manager)
    answer = client.get(addresses[name]) if method == "post" else client.delete(addresses[name])
    # Some addresses serve both GET and POST; none serves DELETE.
    assert answer.status_code == 405 or (method == "post" and answer.status_code in (200, 302))
