"""Every page, light and dark, at a desk and on a phone: no word on the console, nothing wider than the
screen, no accessibility fault."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from callbacks import contacts
from callbacks.models import ScriptStage
from reviews import clock, replies, thanks
from reviews.consents import record_consent
from reviews.models import Case, ImportJob, PublicReply, ReplyTemplate, Review, Shop, User
from reviews.replies import draft_reply
from tests.factories import make_case, make_classification, make_review

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCREENS: dict[str, ViewportSize] = {
    "desk": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
}
SCHEMES: dict[Literal["light", "dark"], dict[str, list[str]]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast"]},
}
COLOURS_SETTLE = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  document.getAnimations().forEach((one) => one.finish());
  done();
})))"""
AGENT_PAGES = (
    "/",
    "/cases/",
    "/cases/?view=all&q=nothing-like-it",
    "/cases/{held}/",
    "/cases/{calling}/",
    "/cases/{foreign}/",
    "/callbacks/",
    "/malicious/",
    "/cases/{held}/evidence/",
    "/reviews/",
    "/reviews/{review}/",
    "/reviews/{review}/library/",
    "/reviews/{praise}/",
    "/replies/",
    "/replies/?tab=post",
    "/thanks/",
    "/showcase/",
)
MANAGER_PAGES = (
    "/cases/{foreign}/",
    "/stats/",
    "/imports/",
    "/imports/{job}/",
    "/templates/",
    "/templates/new/",
    "/templates/{template}/",
    "/scripts/",
    "/scripts/identify/?shop=test-shop",
    "/model/",
    "/team/",
    "/approvals/",
    "/approvals/?show=to_pay",
    "/policy/",
    "/policy/quality/?shop=test-shop",
    "/policy/limits/?shop=test-shop",
    "/parked/",
    "/releases/",
    "/replies/?tab=approve",
    "/thanks/{thanks}/",
)


@pytest.fixture
def places(shop: Shop, agent: User, manager: User, calling_hour: datetime) -> dict[str, int]:
    """The numbers that stand in the addresses; cases held, on the telephone, and of a colleague."""
    for stage in ("identify", "introduce"):
        ScriptStage.objects.get_or_create(stage=stage, cause="", sub_cause="", defaults={"text": "您好"})
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
    record_consent(praise[0], agreed_at=clock.now(), how="chat", words="可以", by=agent)
    thanks_job = thanks.prepare(shop, Review.objects.all(), by=manager)
    return {
        "praise": praise[0].pk,
        "thanks": thanks_job.pk,
        "held": cases[0].pk,
        "calling": cases[1].pk,
        "foreign": cases[2].pk,
        "review": cases[0].review_id,
        "job": job.pk,
        "template": template.pk,
    }


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


def faults_of(page: Page, address: str, said: list[str]) -> Iterator[str]:
    """What is wrong with the page at this address. Between the schemes only colours change."""
    said.clear()
    answer = page.goto(address, wait_until="load")
    if not answer or answer.status != 200:
        yield f"status {answer and answer.status}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"{wide} px wider than the screen"
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
        page.evaluate(COLOURS_SETTLE)
        found = Axe().run(page, options={"resultTypes": ["violations"], **rules})
        if found.violations_count:
            yield f"{scheme}: {found.generate_report()}"
    yield from said


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(("role", "pages"), [("agent", AGENT_PAGES), ("manager", MANAGER_PAGES)])
def test_it_shows_every_page_without_a_fault(
    request: pytest.FixtureRequest,
    browser: Browser,
    live_server: LiveServer,
    places: dict[str, int],
    role: str,
    pages: tuple[str, ...],
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
        for path in pages
        for fault in faults_of(page, live_server.url + path.format(**places), said)
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
