"""Whether the buyer has said yes: so of what is agreed or carried out, to be asked wherever it is not known."""

from django.db import migrations, models


def known(apps, schema_editor):
    agreed = apps.get_model("callbacks", "Remedy").objects.filter(status__in=["approved", "paid"])
    agreed.update(accepted=True)


class Migration(migrations.Migration):
    dependencies = [("callbacks", "0013_answer_incident")]

    operations = [
        migrations.AddField(
            model_name="remedy",
            name="accepted",
            field=models.BooleanField(default=False, verbose_name="the buyer has said yes"),
        ),
        migrations.RunPython(known, migrations.RunPython.noop),
    ]
