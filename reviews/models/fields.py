"""Fields that keep what follows from others."""

from typing import Any

from django.db import models

from reviews.search_keys import search_key


class SearchKeyField(models.TextField[str, str]):
    """Keeps the search key of other fields, made anew with every save (also in bulk)."""

    def __init__(self, *args: Any, of: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.of = of
        super().__init__(*args, **{"editable": False, "default": "", **kwargs})

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = search_key(*(str(getattr(model_instance, name)) for name in self.of))
        setattr(model_instance, self.attname, key)
        return key
