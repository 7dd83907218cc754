"""The second template engine: Jinja draws the case page (`templates/jinja/`), Django's everything else.

Jinja compiles a template to Python, which draws the case page's two thousand nodes several times
faster. The filters and tags are those of Django's templates, taken from their libraries: a new one
is there for both engines.
"""

from functools import lru_cache
from typing import Any

from django.template import defaultfilters
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from jinja2 import ChainableUndefined, Environment
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
    made = Environment(  # noqa: S701  Django's engine turns escaping on
        **{**options, "undefined": ChainableUndefined, "extensions": [InternationalizationExtension]}
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(url=url, static=static)
    made.filters.update({one.__name__: one for one in OF_DJANGO})
    for library in LIBRARIES:
        made.filters.update(library.filters)
        made.globals.update({name: tag.__wrapped__ for name, tag in library.tags.items()})  # type: ignore[attr-defined]
    return made


@lru_cache(4096)
def url(name: str, *args: Any) -> str:
    """The address of a view; kept, for a page names each of its own twice, and is drawn again and again."""
    return reverse(name, args=args)
