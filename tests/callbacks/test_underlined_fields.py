"""Where a text is typed that is kept or sent, its unlawful words are underlined (static/js/underline.js)."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string

pytestmark = pytest.mark.once

TEMPLATES = Path(settings.BASE_DIR) / "templates"
NOTES = [
    ("jinja/callbacks/_call.html", 'id="call_notes"'),
    ("jinja/callbacks/_call.html", "page.form.endfor.reason"),
    ("jinja/callbacks/_facts.html", 'id="fact-{{ fact.pk }}"'),
    ("jinja/callbacks/_remedy_line.html", 'id="words-{{ remedy.pk }}"'),
    ("jinja/callbacks/_remedy_line.html", 'id="cancel-{{ remedy.pk }}"'),
    ("jinja/callbacks/_remedy_line.html", 'id="back-{{ remedy.pk }}"'),
    ("callbacks/_approval.html", 'id="why-{{ remedy.pk }}"'),
]
COPIED = [
    ("reviews/reviews/_reply.html", "reply"),
    ("reviews/reviews/_review.html", "reply"),
    ("reviews/replies/_row.html", "reply"),
    ("reviews/releases.html", "release"),
]


@pytest.mark.parametrize(("template", "field"), NOTES)
def test_a_note_is_judged_while_it_is_typed(template: str, field: str) -> None:
    source = (TEMPLATES / template).read_text()
    before, after = source.split(field, 1)
    place = before.rpartition("data-check=")[2]
    assert place.startswith('"note" data-check-case="{{ case.pk }}"')
    assert "</div>" not in place
    tag = before.rpartition("<")[2] + after.partition(">")[0]
    assert not tag.startswith("input") or 'type="text"' in tag  # the only inputs that are looked for


@pytest.mark.parametrize(("template", "thing"), COPIED)
def test_a_text_to_copy_says_by_what_it_is_judged(template: str, thing: str) -> None:
    source = (TEMPLATES / template).read_text()
    judged = r'data-check="[^>]+ data-check-(review|case)="'
    assert re.search(rf'id="{thing}-{{{{ {thing}\.pk }}}}" {judged}', source)


def test_the_browser_has_words_for_what_is_not_copied() -> None:
    words = render_to_string("partials/_check_words.html")
    assert "未复制" in words.partition("data-uncopied=")[2]
    assert "未复制" in words.partition("data-unheard=")[2]
