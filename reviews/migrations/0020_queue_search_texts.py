"""Every review that exists waits for its search text; the workers write them after the upgrade, newest first.

In batches, each committed for itself: begun again it goes on where it stopped.
"""

from typing import Any

from django.db import migrations

BATCH = 50_000
QUEUE = """
INSERT INTO reviews_searchtext (review_id, text, numbers, stale)
SELECT id, '', '', %s FROM reviews_review WHERE id > %s AND id <= %s ON CONFLICT (review_id) DO NOTHING
"""


def queue_reviews(apps: Any, schema_editor: Any) -> None:
    newest = apps.get_model("reviews", "Review").objects.order_by("-pk").values_list("pk", flat=True).first()
    with schema_editor.connection.cursor() as cursor:
        for begin in range(0, newest or 0, BATCH):
            cursor.execute(QUEUE, [True, begin, begin + BATCH])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("reviews", "0019_search_texts")]

    operations = [migrations.RunPython(queue_reviews, migrations.RunPython.noop)]
