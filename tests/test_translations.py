"""Chinese is complete, compiled, and keeps every placeholder."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

from reviews.management.commands.makemessages import calls_in

pytestmark = pytest.mark.once

BASE = Path(__file__).resolve().parent.parent
CATALOGUE = BASE / "locale" / "zh_Hans" / "LC_MESSAGES"
GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|(?<!\{)\{\w+\}(?!\})")


def source_strings() -> Iterator[tuple[str, str]]:
    """(file, string) of everything the code marks for translation."""
    for folder in ("reviews", "callbacks", "config"):
        for path in (BASE / folder).rglob("*.py"):
            yield from ((str(path), text) for text in strings_of(path.read_text("utf-8")))
    for path in (BASE / "templates").rglob("*.html"):
        if "jinja" in path.parts[len(BASE.parts) :]:
            yield from ((str(path), text) for text in strings_of(calls_in(path.read_text("utf-8"))))
            continue
        marked = templatize(path.read_text("utf-8"), origin=str(path))
        calls = "\n".join(re.findall(r"(?:gettext|ngettext|_)\(.*?\)(?=\s|$)", marked, re.DOTALL))
        for line in re.split(r"\n(?=(?:gettext|ngettext|_)\()", calls):
            yield from ((str(path), text) for text in strings_of(line.strip()))


def strings_of(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in GETTEXT and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE / "django.po"))


def test_every_string_has_a_chinese_one(catalogue: polib.POFile) -> None:
    known = {entry.msgid for entry in catalogue if entry.translated() and not entry.obsolete}
    missing = {
        f"{Path(path).relative_to(BASE)}: {text}" for path, text in source_strings() if text not in known
    }
    assert not missing, "\n".join(sorted(missing))


def test_it_sees_strings_of_python_and_of_templates() -> None:
    found = {text for _path, text in source_strings()}
    assert {"Product problem", "Sign in"} <= found
    assert {"Unknown buyer", "%(n)s stage", "End: %(outcome)s"} <= found  # Jinja: `or`, plural, placeholder


def test_no_translation_loses_a_placeholder(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        texts = [entry.msgstr, *entry.msgstr_plural.values()]
        wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        for text in filter(None, texts):
            assert set(PLACEHOLDER.findall(text)) <= wanted, entry.msgid
            if not entry.msgid_plural:
                assert set(PLACEHOLDER.findall(text)) == wanted, entry.msgid


def test_the_compiled_catalogue_is_that_of_the_text(catalogue: polib.POFile) -> None:
    compiled = {entry.msgid: entry.msgstr for entry in polib.mofile(str(CATALOGUE / "django.mo"))}
    text = {entry.msgid: entry.msgstr for entry in catalogue.translated_entries()}
    assert compiled == text
