"""The second template engine: it compiles, escapes, translates and knows what Django's knows."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.template import Context, Template, engines
from django.test import RequestFactory
from django.utils import translation
from jinja2 import DictLoader, Environment, FileSystemBytecodeCache

from config.jinja import Whole

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "templates" / "jinja"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
JINJA: Any = engines["jinja2"]


def draw(text: str, **seen: Any) -> str:
    return str(JINJA.from_string(text).render(seen))


def draw_django(text: str, **seen: Any) -> str:
    return Template("{% load ui desk %}" + text).render(Context(seen))


@pytest.mark.parametrize("name", NAMES)
def test_every_template_compiles(name: str) -> None:
    assert JINJA.get_template(name).template.root_render_func


@pytest.mark.parametrize("name", NAMES)
def test_no_name_belongs_to_both_engines(name: str) -> None:
    assert not (ROOT / "templates" / name).exists()


def test_it_escapes_what_people_typed() -> None:
    assert draw("{{ words }}", words="<b>'\"") == "&lt;b&gt;&#39;&#34;"


def test_it_escapes_what_stands_in_a_translated_sentence() -> None:
    text = "{% trans name=words %}{{ name }} works on this case. The page is for reading.{% endtrans %}"
    with translation.override("zh-hans"):
        shown = draw(text, words="<b>")
    assert shown.startswith("&lt;b&gt;")
    assert "只" in shown


def test_it_counts_in_sentences() -> None:
    text = "{% trans n=number %}{{ n }} stage{% pluralize %}{{ n }} stages{% endtrans %}"
    with translation.override("en"):
        assert [draw(text, number=number) for number in (1, 2)] == ["1 stage", "2 stages"]


def test_a_name_that_is_not_there_is_empty() -> None:
    assert draw("{{ page.order.buyer_phone }}{% if page.order.buyer_phone %}!{% endif %}", page=None) == ""


def test_it_has_the_filters_and_tags_of_the_other_engine() -> None:
    django = draw_django('{% icon "check" %}{{ 12900|yuan_of_fen }}')
    assert draw('{{ icon("check") }}{{ 12900|yuan_of_fen }}') == django


def test_a_django_page_draws_a_part_with_all_that_stands_around_it() -> None:
    around = {"request": RequestFactory().get("/"), "refusal": None, "problems": ["<b>"]}
    shown = draw_django('{% jinja "callbacks/_problems.html" %}', **around)
    assert "<p>&lt;b&gt;</p>" in shown
    assert "<p>" not in draw_django('{% jinja "callbacks/_problems.html" problems=none %}', **around)


def test_every_form_of_a_page_has_the_same_token() -> None:
    request = RequestFactory().get("/")
    first, second = JINJA.from_string("{{ csrf_input }}|{{ csrf_input }}").render({}, request).split("|")
    assert first == second
    assert 'name="csrfmiddlewaretoken"' in first


def test_makemessages_collects_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "templates" / "jinja"
    folder.mkdir(parents=True)
    (tmp_path / "locale").mkdir()
    said = '{{ x or _("Alone") }}\n{% trans n=2 %}{{ n }} one{% pluralize %}{{ n }} many{% endtrans %}'
    (folder / "words.html").write_text(said)
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=["zh_Hans"], verbosity=0)
    found = (tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po").read_text("utf-8")
    assert 'templates/jinja/words.html:1\nmsgid "Alone"' in found
    assert 'msgid "%(n)s one"\nmsgid_plural "%(n)s many"' in found


def test_what_is_included_is_written_in_and_a_change_of_it_is_seen(tmp_path: Path) -> None:
    parts = {
        "page": 'a{% set x = 1 %}{% include "part" %}{{ x }}z',
        "part": "[{% set x = 2 %}{{ y }}{{ x }}]\n",
    }

    def page() -> str:
        """As a process that starts anew draws it."""
        kept = FileSystemBytecodeCache(str(tmp_path))
        environment = Environment(loader=Whole(DictLoader(parts)), bytecode_cache=kept)  # noqa: S701
        assert "{% include" not in Whole(DictLoader(parts)).get_source(environment, "page")[0]
        return environment.get_template("page").render(y=5)

    assert page() == Environment(loader=DictLoader(parts)).get_template("page").render(y=5)  # noqa: S701
    assert page() == "a[52]1z"
    parts["part"] = "{{ y + 1 }}"
    assert page() == "a61z"
