from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class ReviewsConfig(AppConfig):
    name = "reviews"
    verbose_name = _("Reviews")

    def ready(self) -> None:
        from reviews.defaults import load
        from reviews.pulse_triggers import drop_triggers, set_triggers

        pre_migrate.connect(drop_triggers, sender=self)
        post_migrate.connect(set_triggers, sender=self)
        post_migrate.connect(load, sender=self)
