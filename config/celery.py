"""The Celery application: `celery -A config worker`."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks load every page; `make test` runs them, and a worker is ready in half the time without.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("huiping")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_demo_users(**_kwargs: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from reviews.models import User

    try:
        User.objects.refuse_demo_in_production()
    except ImproperlyConfigured as refusal:
        # Celery logs an Exception of a signal and goes on; this one ends the worker.
        raise SystemExit(str(refusal)) from refusal
