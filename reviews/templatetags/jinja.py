"""The door from Django's templates to Jinja's; a built-in tag (config/settings.py), like `include`."""

from typing import Any

from django import template
from django.template import Context, engines
from django.utils.safestring import SafeString, mark_safe

from reviews.context_processors import csrf

register = template.Library()


@register.simple_tag(takes_context=True)
def jinja(context: Context, name: str, **own: Any) -> SafeString:
    """Draw a template of `templates/jinja/` within a Django one: it sees all that stands around it."""
    around: Any = context.flatten()
    seen = {**around, **own}
    if "request" in seen:
        seen.update(csrf(seen["request"]))
    engine: Any = engines["jinja2"]
    drawn: str = engine.env.get_template(name).render(seen)
    return mark_safe(drawn)  # noqa: S308  Jinja has escaped it
