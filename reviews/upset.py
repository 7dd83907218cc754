"""How upset the buyers of new cases are; weighs in the order of the queue."""

from reviews.classification.sentiment import measure_upset
from reviews.models import Case


def measure_cases(limit: int) -> int:
    """Measure up to `limit` cases that have no figure yet, newest first; how many were measured."""
    cases = list(Case.objects.filter(upset=None).select_related("review").order_by("-id")[:limit])
    figures = measure_upset([case.review.full_text for case in cases])
    for case, upset in zip(cases, figures, strict=True):
        Case.objects.filter(pk=case.pk, upset=None).update(upset=upset)
    return len(cases)
