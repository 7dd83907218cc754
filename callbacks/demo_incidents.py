"""The demo's incident: rotten oranges, told within hours; found by the rule, planned by the manager."""

from datetime import datetime
from decimal import Decimal

from reviews import clock, incidents
from reviews.models import Case, Incident, Shop, User
from reviews.models.incidents import IncidentState

STATEMENT = (
    "{item}这一批在运输途中受潮，部分果子到货前就坏了。我们已停发这一批，正在和仓库、承运方查原因；"
    "坏果的情况请拍照给售后，按坏的数量处理。{done}{next}"
)


def play(shops: dict[str, Shop], manager: User, moment: datetime) -> None:
    """Look at each complaint of the last day at its own hour, as the sweep would have."""
    recent = Case.objects.filter(shop__in=shops.values(), opened_at__gt=moment - incidents.WRITTEN * 2)
    for at in sorted(set(recent.values_list("opened_at", flat=True))):
        with clock.at(at):
            incidents.watch_shops()
    for incident in Incident.objects.filter(shop__in=shops.values(), state=IncidentState.SUSPECTED):
        incidents.save_plan(
            incident,
            statement=STATEMENT,
            remedy_kind="part_refund",
            remedy_amount=Decimal(10),
            remedy_reason="整批坏果，先按口述补一部分",
            by=manager,
        )
