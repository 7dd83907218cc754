"""Remedies agreed before there was a ledger are entered in it, so that its sums hold from the first day."""

from datetime import date
from zoneinfo import ZoneInfo

from django.db import migrations


def enter(apps, _editor):
    Remedy = apps.get_model("callbacks", "Remedy")
    LedgerEntry = apps.get_model("callbacks", "LedgerEntry")
    for remedy in Remedy.objects.filter(ledger=None).select_related("case__shop").iterator():
        Remedy.objects.filter(pk=remedy.pk).update(asked=remedy.amount)
        day = remedy.agreed_at.astimezone(ZoneInfo(remedy.case.shop.time_zone)).date()
        fen = int(remedy.amount * 100)
        kinds = {"to_approve": ["reserve"], "approved": ["reserve", "approve"], "refused": ["reserve", "cancel"]}
        for kind in kinds[remedy.status]:
            LedgerEntry(
                shop_id=remedy.case.shop_id,
                remedy=remedy,
                remedy_kind=remedy.kind,
                kind=kind,
                month=date(day.year, day.month, 1),
                open_fen={"reserve": fen, "approve": 0, "cancel": -fen}[kind],
                by_id=remedy.decided_by_id or remedy.agreed_by_id,
                at=remedy.decided_at or remedy.agreed_at,
            ).save()


class Migration(migrations.Migration):
    dependencies = [("callbacks", "0003_remedy_money_policy_photos")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
