"""The web application for gunicorn: `gunicorn config.wsgi --preload`."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()


def _refuse_demo_users() -> None:
    from django.db import connections

    from reviews.models import User

    User.objects.refuse_demo_in_production()
    connections.close_all()  # each of the server's processes opens its own


def _load_pages() -> None:
    """Load every page before the server's processes part, once for all of them."""
    from django.conf import settings

    import_module(settings.ROOT_URLCONF)
    gc.freeze()  # what is loaded by now stays: no collection has to look through it


_refuse_demo_users()
_load_pages()
