"""Every page, light and dark, at a desk and on a phone: no word on the console, nothing wider than the
screen, no accessibility fault."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import resolve
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from callbacks import bulk, contacts, defaults
from callbacks.models import ActKind, BulkJob
from reviews import clock, incidents, replies, thanks
from reviews.consents import record_consent
from reviews.models import Case, ImportJob, Incident, PublicReply, ReplyTemplate, Review, Shop, User
from reviews.replies import draft_reply
from tests.factories import make_case, make_classification, make_review
from tests.test_permissions import TABLE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCREENS: dict[str, ViewportSize] = {
    "desk": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
    "zoomed": {"width": 720, "height": 450},  # the desk at 200 %
}
SCHEMES: dict[Literal["light", "dark"], dict[str, list[str]]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast"]},
}
COLOURS_SETTLE = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  document.getAnimations().forEach((one) => one.finish());
  done();
})))"""
# Every page, and who looks at it here. A page without a row fails: test_every_page_has_a_row.
BOTH, AGENT, MANAGER = ("agent", "manager"), ("agent",), ("manager",)
PAGES: dict[str, tuple[str, ...]] = {
    "/": BOTH,
    "/cases/": BOTH,
    "/cases/?view=open": MANAGER,
    "/cases/?view=all&q=nothing-like-it": AGENT,
    "/cases/{held}/": AGENT,
    "/cases/{calling}/": AGENT,
    "/cases/{foreign}/": BOTH,
    "/cases/{held}/evidence/": BOTH,
    "/callbacks/": BOTH,
    "/callbacks/kept/": BOTH,
    "/texts/": MANAGER,
    "/malicious/": BOTH,
    "/bulk/new/?all=1&view=open": BOTH,
    "/bulk/{preview}/": AGENT,
    "/bulk/{bulk}/": AGENT,
    "/acts/": BOTH,
    "/reviews/": BOTH,
    "/reviews/{review}/": BOTH,
    "/reviews/{review}/library/": AGENT,
    "/reviews/{praise}/": AGENT,
    "/replies/": BOTH,
    "/replies/?tab=post": AGENT,
    "/replies/?tab=approve": MANAGER,
    "/thanks/": BOTH,
    "/thanks/{thanks}/": MANAGER,
    "/showcase/": BOTH,
    "/me/": BOTH,
    "/releases/": BOTH,
    "/stats/": MANAGER,
    "/imports/": MANAGER,
    "/imports/{job}/": MANAGER,
    "/templates/": MANAGER,
    "/templates/new/": MANAGER,
    "/templates/{template}/": MANAGER,
    "/scripts/": MANAGER,
    "/scripts/identify/?shop=test-shop": MANAGER,
    "/model/": MANAGER,
    "/team/": MANAGER,
    "/team/{member}/shifts/": MANAGER,
    "/team/{member}/absences/": MANAGER,
    "/team/shops/{shop}/": MANAGER,
    "/me/absences/": AGENT,
    "/approvals/": MANAGER,
    "/approvals/?show=to_pay": MANAGER,
    "/policy/": MANAGER,
    "/policy/quality/?shop=test-shop": MANAGER,
    "/policy/limits/?shop=test-shop": MANAGER,
    "/parked/": MANAGER,
    "/telephone/": MANAGER,
    "/incidents/": MANAGER,
    "/incidents/{suspected}/": MANAGER,
    "/incidents/{confirmed}/": MANAGER,
}
# Answers to GET that are no page.
FILES = {
    "callbacks:palette",
    "callbacks:call_clock",
    "callbacks:queue_changes",
    "callbacks:desk_changes",
    "reviews:import_refusals",
    "reviews:thanks_texts",
    "reviews:showcase_file",
    "reviews:reply_template_picture",
    "callbacks:photo",
    "callbacks:original_photo",
    "callbacks:download_pack",
    "callbacks:bulk_rows",
    "callbacks:promises_due",
    "callbacks:case_texts",
}


def test_every_page_has_a_row() -> None:
    pages = {name for name, (method, _who) in TABLE.items() if method == "get"}
    pages = {name for name in pages - FILES if not name.startswith("api:")}
    shown = {resolve(re.sub(r"{\w+}", "1", path.split("?")[0])).view_name for path in PAGES}
    assert shown == pages, f"without a row: {pages - shown}; no such page: {shown - pages}"


@pytest.fixture
def places(shop: Shop, agent: User, manager: User, calling_hour: datetime) -> dict[str, int]:
    """The numbers that stand in the addresses; cases held, on the telephone, and of a colleague."""
    defaults.load()
    cases: list[Case] = []
    for person in (agent, agent, manager):
        review = make_review(shop)
        make_classification(review)
        case = make_case(shop, review=review, assignee=person)
        draft_reply(review, case)
        cases.append(case)
    for case in cases[:2]:
        case.take(agent)
    contacts.start_call(cases[1], by=agent)
    job = ImportJob.objects.create(shop=shop, created_by=manager, filename="差评.csv", content=b"")
    template = ReplyTemplate.objects.create(shop=shop, name="测试", text="您好，抱歉让您久等。")
    replies.hand_in(
        PublicReply.objects.get(review=cases[2].review), "您好，抱歉。", by=manager, case=cases[2]
    )
    praise = [make_review(shop, rating="good", content=text) for text in ("做工扎实", "颜色好看", "能洗吗？")]
    record_consent(praise[0], version=1, agreed_at=clock.now(), how="chat", words="可以", by=agent)
    thanks_job = thanks.prepare(shop, Review.objects.all(), by=manager)
    fitting = Case.objects.filter(assignee=agent)
    preview = bulk.prepare(fitting, ActKind.NOTE, {"note": "已核实"}, by=agent)
    done = bulk.prepare(fitting, ActKind.CAUSE, {"sub_cause": "quality"}, by=agent)
    BulkJob.objects.filter(pk=done.pk).update(status="running")
    bulk.run_job(done.pk)
    suspected, confirmed = (_incident(shop, cases[n : n + 1], manager) for n in range(2))
    incidents.confirm(confirmed, by=manager)
    incidents.save_plan(confirmed, statement="{item}这一批有缺陷，我们已停止发货。", by=manager)
    return {
        "suspected": suspected.pk,
        "confirmed": confirmed.pk,
        "preview": preview.pk,
        "bulk": done.pk,
        "praise": praise[0].pk,
        "thanks": thanks_job.pk,
        "held": cases[0].pk,
        "calling": cases[1].pk,
        "foreign": cases[2].pk,
        "review": cases[0].review_id,
        "job": job.pk,
        "template": template.pk,
        "member": agent.memberships.get().pk,
        "shop": shop.pk,
    }


def _incident(shop: Shop, cases: list[Case], by: User) -> Incident:
    found = Incident.objects.create(shop=shop, rang_at=clock.now(), minutes=10, observed=6, expected=0.4)
    incidents.add_cases(found, cases, by=by)
    return found


def open_as(user: User, browser: Browser, server: LiveServer, screen: str) -> BrowserContext:
    """A browser in which this person has signed in."""
    context = browser.new_context(viewport=SCREENS[screen], locale="zh-CN")
    sign_in(user, context, server)
    return context


def sign_in(user: User, context: BrowserContext, server: LiveServer) -> None:
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])


def faults_of(page: Page, address: str, said: list[str], *, looks_closely: bool) -> Iterator[str]:
    """What is wrong with the page at this address. Between the schemes only colours change; zoomed, only room
    can be short."""
    said.clear()
    answer = page.goto(address, wait_until="load")
    if not answer or answer.status != 200:
        yield f"status {answer and answer.status}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"{wide} px wider than the screen"
    for scheme, rules in SCHEMES.items() if looks_closely else ():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
        page.evaluate(COLOURS_SETTLE)
        found = Axe().run(page, options={"resultTypes": ["violations"], **rules})
        if found.violations_count:
            yield f"{scheme}: {found.generate_report()}"
    yield from said


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("role", ["agent", "manager"])
def test_it_shows_every_page_without_a_fault(
    request: pytest.FixtureRequest,
    browser: Browser,
    live_server: LiveServer,
    places: dict[str, int],
    role: str,
    screen: str,
) -> None:
    context = open_as(request.getfixturevalue(role), browser, live_server, screen)
    page = context.new_page()
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        said.append(f"console: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    faults = [
        f"{path}: {fault}"
        for path, who in PAGES.items()
        if role in who
        for fault in faults_of(
            page, live_server.url + path.format(**places), said, looks_closely=screen != "zoomed"
        )
    ]
    context.close()
    assert not faults, "\n".join(faults)


def test_it_keeps_what_was_typed_when_the_session_has_ended(
    browser: Browser, live_server: LiveServer, places: dict[str, int], agent: User
) -> None:
    context = open_as(agent, browser, live_server, "desk")
    page = context.new_page()
    page.goto(f"{live_server.url}/cases/{places['held']}/")
    page.locator("#close_note").fill("已补发")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="联系不上").click()
    page.get_by_text("登录已失效").wait_for()
    assert page.locator("#close_note").input_value() == "已补发"

    # Signed in again elsewhere: the token is a new one.
    sign_in(agent, context, live_server)
    context.clear_cookies(name="csrftoken")
    other = context.new_page()
    other.goto(f"{live_server.url}/cases/")
    page.get_by_role("button", name="联系不上").click()
    page.get_by_text("已关闭").first.wait_for()
    context.close()
    assert Case.objects.get(pk=places["held"]).outcome == "unreachable"
