from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from callbacks import demo


class Command(BaseCommand):
    help = "Make the three demo shops with staff, orders, reviews and cases. Does nothing if they are there."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Demo shops have no place in production.")
        if demo.is_loaded():
            return
        number = demo.load()
        if options["verbosity"]:
            self.stdout.write(f"{number} demo reviews loaded.")
