"""The second template engine: Jinja draws the case page (`templates/jinja/`), Django's everything else.

Jinja compiles a template to Python, which draws the case page's two thousand nodes several times
faster. The filters and tags are those of Django's templates, taken from their libraries: a new one
is there for both engines.
"""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.forms.renderers import BaseRenderer, DjangoTemplates, Jinja2
from django.template import TemplateDoesNotExist, defaultfilters
from django.templatetags.static import static
from django.utils.translation import get_language, gettext, ngettext
from jinja2 import BaseLoader, ChainableUndefined, Environment, FileSystemBytecodeCache
from jinja2.ext import InternationalizationExtension

from callbacks.templatetags import desk
from reviews.templatetags import replies, ui

LIBRARIES = (ui.register, replies.register, desk.register)
OF_DJANGO = (
    defaultfilters.linebreaksbr,
    defaultfilters.truncatechars,
)


def environment(**options: Any) -> Environment:
    """What the templates may use. As in Django's, a name that is not there is empty."""
    if not options.get("auto_reload"):  # while templates are changed they are read one by one
        options["loader"] = Whole(options["loader"])
        options["bytecode_cache"] = FileSystemBytecodeCache(str(_folder()))
    made = Environment(  # noqa: S701  Django's engine turns escaping on
        **{**options, "undefined": ChainableUndefined, "extensions": [InternationalizationExtension]}
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(url=ui.address, static=static, language=get_language)
    made.filters.update({one.__name__: one for one in OF_DJANGO})
    for library in LIBRARIES:
        made.filters.update(library.filters)
        made.globals.update({name: tag.__wrapped__ for name, tag in library.tags.items()})  # type: ignore[attr-defined]
    return made


def _folder() -> Path:
    """Where compiled templates are kept: a process that starts anew need not compile them for a second."""
    folder: Path = settings.VAR_DIR / "jinja"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class FormRenderer(BaseRenderer):
    """Draws the controls of forms: by Jinja, and where a control has only a template of Django's, by that."""

    def __init__(self) -> None:
        self._jinja, self._django = Jinja2(), DjangoTemplates()

    def get_template(self, template_name: str) -> Any:
        try:
            return self._jinja.get_template(template_name)
        except TemplateDoesNotExist:
            return self._django.get_template(template_name)


class Whole(BaseLoader):
    """Writes what a template includes into it: the case page includes some two hundred times, and each would
    copy all names that stand around it."""

    def __init__(self, files: BaseLoader) -> None:
        self._files = files

    def get_source(self, environment: Environment, template: str) -> Any:
        source, *place = self._files.get_source(environment, template)
        return _INCLUDE.sub(lambda include: self._part(environment, include["name"]), source), *place

    def _part(self, environment: Environment, name: str) -> str:
        source: str = self.get_source(environment, name)[0]
        return "{% with %}" + source.removesuffix("\n") + "{% endwith %}"


_INCLUDE = re.compile(r'{% include "(?P<name>[^"]+)" %}')
