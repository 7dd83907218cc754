"""What is sent to the browser: pinned copies, no foreign address, nothing a strict CSP would refuse."""

import hashlib
import json
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from django.core.management import call_command
from pytest_django import Settings

from reviews.templatetags import ui

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OWN = sorted([*(STATIC / "css").glob("*.css"), *(STATIC / "js").glob("*.js")])
SUMS: dict[str, str] = json.loads((VENDOR / "sha256.json").read_text())
SHELL = [
    *("vendor/tabler.min.css", "vendor/htmx.min.js", "vendor/idiomorph-ext.min.js", "vendor/tinykeys.min.js"),
    *("vendor/icons.svg", "img/mark.svg", "css/app.css"),
    *("js/theme.js", "js/app.js", "js/ticks.js", "js/keys.js"),
]

# A namespace is a name, not an address anything is fetched from.
NAMESPACE = "http://www.w3.org/2000/svg"
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<style\b|\sstyle\s*=|\son[a-z]+\s*=|hx-on|hx-vals=['\"]js:|javascript:", re.I
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", sorted(SUMS))
def test_it_keeps_vendored_files_as_they_were_fetched(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SUMS[name]


def test_it_lists_every_vendored_file_with_version_and_licence() -> None:
    readme = (VENDOR / "README.md").read_text()
    rows = {row[0]: row[1:] for row in re.findall(r"\| `(\S+)` \| (\S+) \| (\S+) \| (\S+) \|", readme)}
    present = {path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".css", ".svg"}}
    assert set(rows) == set(SUMS) == present


@pytest.mark.parametrize("path", [*TEMPLATES, *OWN], ids=name_of)
def test_it_names_no_foreign_address(path: Path) -> None:
    text = path.read_text().replace(NAMESPACE, "")
    assert not re.search(r"https?://|[\"'(]//\w", text)


@pytest.mark.parametrize("path", [*VENDOR.glob("*.css"), *(STATIC / "css").glob("*.css")], ids=name_of)
def test_it_loads_no_font_or_picture_from_css(path: Path) -> None:
    text = path.read_text()
    assert "@import" not in text
    assert all(address.startswith("data:") for address in re.findall(r"url\([\"']?([^\"')]+)", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_it_has_no_inline_script_style_or_handler(path: Path) -> None:
    assert not INLINE.search(path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_it_keeps_templates_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 150


@pytest.mark.parametrize("path", [*VENDOR.glob("*.*s"), *OWN], ids=name_of)
def test_it_points_to_no_source_map(path: Path) -> None:
    assert "sourceMappingURL" not in path.read_text()


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_it_uses_only_icons_of_the_sprite(path: Path) -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (VENDOR / "icons.svg").read_text()))
    text = path.read_text()
    named = re.findall(
        r'{% icon "([\w-]+)"|icon\("([\w-]+)"|icon_name="([\w-]+)"|{% nav_item "[^"]+" "([\w-]+)"', text
    )
    assert {name for names in named for name in names if name} <= sprite


def test_it_has_an_icon_for_every_choice() -> None:
    sprite = (VENDOR / "icons.svg").read_text()
    tables = (ui.CAUSE_LOOKS, ui.STATUS_LOOKS, ui.OUTCOME_LOOKS, ui.RATING_LOOKS)
    icons = {look.icon for table in tables for look in table.values()} | {ui.UNSURE.icon}
    assert all(f'id="{icon}"' in sprite for icon in icons)


def test_it_keeps_the_shell_of_a_page_within_100_kb_compressed() -> None:
    assert sum(len(brotli.compress((STATIC / name).read_bytes())) for name in SHELL) <= 100_000


def test_it_can_be_stored_under_hashed_names(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": manifest}}
    call_command("collectstatic", interactive=False, verbosity=0)
    stored = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert stored["vendor/tabler.min.css"] != "vendor/tabler.min.css"
