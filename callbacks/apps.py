from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CallbacksConfig(AppConfig):
    name = "callbacks"
    verbose_name = _("Call-backs")

    def ready(self) -> None:
        from callbacks.defaults import load

        post_migrate.connect(load, sender=self)
