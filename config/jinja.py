"""The second template engine: Jinja draws the case page (`templates/jinja/`), Django's everything else.

Jinja compiles a template to Python, which draws the case page's two thousand nodes several times
faster. The filters and tags are those of Django's templates, taken from their libraries: a new one
is there for both engines.
"""

import re
from typing import Any

from django.forms.renderers import BaseRenderer, DjangoTemplates, Jinja2
from django.template import TemplateDoesNotExist, defaultfilters
from django.templatetags.static import static
from django.utils.translation import get_language, gettext, ngettext
from jinja2 import ChainableUndefined, Environment
from jinja2.ext import Extension, InternationalizationExtension

from callbacks.templatetags import desk
from reviews.templatetags import replies, ui

LIBRARIES = (ui.register, replies.register, desk.register)
OF_DJANGO = (
    defaultfilters.linebreaksbr,
    defaultfilters.truncatechars,
)


def environment(**options: Any) -> Environment:
    """What the templates may use. As in Django's, a name that is not there is empty."""
    extensions = [InternationalizationExtension, *([] if options.get("auto_reload") else [Inlined])]
    made = Environment(  # noqa: S701  Django's engine turns escaping on
        **{**options, "undefined": ChainableUndefined, "extensions": extensions}
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(url=ui.address, static=static, language=get_language)
    made.filters.update({one.__name__: one for one in OF_DJANGO})
    for library in LIBRARIES:
        made.filters.update(library.filters)
        made.globals.update({name: tag.__wrapped__ for name, tag in library.tags.items()})  # type: ignore[attr-defined]
    return made


class FormRenderer(BaseRenderer):
    """Draws the controls of forms: by Jinja, and where a control has only a template of Django's, by that."""

    def __init__(self) -> None:
        self._jinja, self._django = Jinja2(), DjangoTemplates()

    def get_template(self, template_name: str) -> Any:
        try:
            return self._jinja.get_template(template_name)
        except TemplateDoesNotExist:
            return self._django.get_template(template_name)


class Inlined(Extension):
    """Write what a template includes into it before it is compiled: the case page includes some two hundred
    times, and each would copy all names that stand around it. Not while templates are being changed."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return _INCLUDE.sub(self._written_out, source)

    def _written_out(self, include: re.Match[str]) -> str:
        loader = self.environment.loader
        assert loader
        source = loader.get_source(self.environment, include["name"])[0].removesuffix("\n")
        return f"{{% with %}}{_INCLUDE.sub(self._written_out, source)}{{% endwith %}}"


_INCLUDE = re.compile(r'{% include "(?P<name>[^"]+)" %}')
