"""Templates that exist already get the key they are searched by."""

from typing import Any

from django.db import migrations

from reviews.search_keys import search_key


def make_keys(apps: Any, _schema: Any) -> None:
    ReplyTemplate = apps.get_model("reviews", "ReplyTemplate")
    rows = list(ReplyTemplate.objects.all())
    for row in rows:
        row.search_key = search_key(row.name, row.text)
    ReplyTemplate.objects.bulk_update(rows, ["search_key"], batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("reviews", "0007_reply_states_and_library")]

    operations = [migrations.RunPython(make_keys, migrations.RunPython.noop)]
