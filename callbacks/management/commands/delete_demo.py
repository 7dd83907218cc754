from typing import Any

from django.core.management.base import BaseCommand

from callbacks import demo


class Command(BaseCommand):
    help = "Remove the demo shops with everything in them, and the demo logins."

    def handle(self, *args: Any, **options: Any) -> None:
        demo.delete()
        self.stdout.write("Demo shops and logins removed.")
