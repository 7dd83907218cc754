"""Whether the buyer has said yes: so of what is agreed or carried out, to be asked wherever it is not known.

And an entry of its own in the ledger for what freight or goods came to.
"""

from django.db import migrations, models
from django.db.models import F, Q


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
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("reserve", "Reserved"),
                    ("approve", "Agreed"),
                    ("came_to", "Cost entered"),
                    ("pay", "Paid"),
                    ("cancel", "Released"),
                    ("reversal", "Came back"),
                ],
                max_length=8,
            ),
        ),
        migrations.RemoveConstraint(model_name="ledgerentry", name="ledger_entry_moves_as_its_kind"),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                name="ledger_entry_moves_as_its_kind",
                condition=Q(kind="reserve", open_fen__gte=0, paid_fen=0)
                | Q(kind__in=["approve", "cancel"], open_fen__lte=0, paid_fen=0)
                | Q(kind="came_to", paid_fen=0)
                | Q(kind="pay", paid_fen__gte=0, open_fen=-F("paid_fen"), payout__isnull=False)
                | Q(kind="reversal", paid_fen__lte=0, open_fen=-F("paid_fen"), payout__isnull=False),
            ),
        ),
    ]
