"""The web application for gunicorn: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()


def _refuse_demo_users() -> None:
    from reviews.models import User

    User.objects.refuse_demo_in_production()


_refuse_demo_users()
