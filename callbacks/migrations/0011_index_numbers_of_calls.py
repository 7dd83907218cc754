from django.db import migrations
from django.db.models import OuterRef, Subquery


def index_numbers(apps, schema_editor):
    """Give earlier calls the number of their order: one statement, whatever the rows."""
    CallLog, Case = apps.get_model("callbacks", "CallLog"), apps.get_model("reviews", "Case")
    number = Case.objects.filter(pk=OuterRef("case_id"), review__order__isnull=False)
    calls = CallLog.objects.filter(case__review__order__phone_index__gt="")
    calls.update(phone_index=Subquery(number.values("review__order__phone_index")[:1]))


class Migration(migrations.Migration):

    dependencies = [("callbacks", "0010_calls_by_number_and_line")]

    operations = [migrations.RunPython(index_numbers, migrations.RunPython.noop)]
