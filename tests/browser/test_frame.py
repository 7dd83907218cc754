"""The frame around every page, in a real browser: colours, keyboard, notices. The sign-in page carries it."""

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADD_BUTTON = """() => {
  const button = document.createElement("button");
  button.dataset.key = "n";
  button.textContent = "Next";
  button.onclick = () => { window.pressed = (window.pressed || 0) + 1 };
  document.querySelector("main").append(button);
  document.dispatchEvent(new Event("htmx:afterSettle"));
  document.activeElement.blur();
}"""
COMPOSE = 'new KeyboardEvent("keydown", {key: "n", isComposing: true})'
SAY = 'document.dispatchEvent(new CustomEvent("toast", {detail: {text: "已保存", level: "success"}}))'


@pytest.fixture(autouse=True)
def _allow_async() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture
def sign_in(page: Page, live_server: LiveServer) -> Iterator[Page]:
    """The sign-in page; a word on the console (a refused script or style) fails the test."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        said.append(message.text)

    page.on("console", listen)
    page.goto(f"{live_server.url}/login/")
    yield page
    assert said == []


def pressed(page: Page) -> int:
    return int(page.evaluate("window.pressed || 0"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_has_no_accessibility_fault(
    browser: Browser, live_server: LiveServer, theme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_it_follows_the_system_until_told_otherwise(sign_in: Page) -> None:
    root = sign_in.locator("html")
    sign_in.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    sign_in.get_by_role("button", name="浅色").click()
    expect(root).to_have_attribute("data-bs-theme", "light")
    sign_in.reload()
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_it_speaks_english_when_asked(sign_in: Page) -> None:
    sign_in.get_by_role("button", name="English").click()
    expect(sign_in.get_by_role("button", name="Sign in")).to_be_visible()


def test_it_presses_the_button_of_a_key(sign_in: Page) -> None:
    sign_in.evaluate(ADD_BUTTON)
    sign_in.keyboard.press("n")
    sign_in.wait_for_function("window.pressed === 1")


def test_it_never_fires_a_shortcut_while_somebody_types(sign_in: Page) -> None:
    sign_in.evaluate(ADD_BUTTON)
    sign_in.locator("#id_username").click()
    sign_in.keyboard.type("nn?")
    assert sign_in.locator("#id_username").input_value() == "nn?"
    assert pressed(sign_in) == 0


def test_it_never_fires_a_shortcut_while_somebody_composes(sign_in: Page) -> None:
    sign_in.evaluate(ADD_BUTTON)
    sign_in.evaluate(f"window.dispatchEvent({COMPOSE})")
    assert pressed(sign_in) == 0


def test_it_lists_the_keys_of_the_page(sign_in: Page) -> None:
    sign_in.evaluate(ADD_BUTTON)
    sign_in.keyboard.press("Shift+?")
    expect(sign_in.locator("#keys dd")).to_have_text(["Next"])


def test_it_lets_shortcuts_be_switched_off(sign_in: Page) -> None:
    sign_in.evaluate(ADD_BUTTON)
    sign_in.keyboard.press("Shift+?")
    sign_in.locator("[data-keys-on]").uncheck()
    sign_in.keyboard.press("Escape")
    sign_in.keyboard.press("n")
    assert pressed(sign_in) == 0


def test_it_merges_notices_into_one(sign_in: Page) -> None:
    sign_in.evaluate(SAY)
    sign_in.evaluate(SAY)
    expect(sign_in.locator("#toast li")).to_have_text(["已保存"])


def test_it_says_so_when_the_network_is_down(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/login/")
    page.locator("#id_username").fill("lina")
    page.context.set_offline(True)
    page.evaluate("htmx.ajax('GET', '/login/', {target: 'main'}).catch(() => {})")
    page.get_by_text("网络中断，内容仍保留，请重试").wait_for()
    assert page.locator("#id_username").input_value() == "lina"
