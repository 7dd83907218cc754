"""The reply templates every installation starts with. Common to all shops; administrators edit them."""

import json
from pathlib import Path
from typing import Any


def load(**_signal: Any) -> None:
    """Create the common templates where there is none yet (after each migrate; edits are kept)."""
    from reviews.models import ReplyTemplate

    if ReplyTemplate.objects.filter(shop=None).exists():
        return
    rows = json.loads((Path(__file__).parent / "reply_templates.json").read_text("utf-8"))
    ReplyTemplate.objects.bulk_create(ReplyTemplate(**row) for row in rows)
