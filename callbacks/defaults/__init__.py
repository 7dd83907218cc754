"""The call script and manner hints every installation starts with; administrators edit them."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def load(**_signal: Any) -> None:
    """Create the common script where there is none yet (after each migrate; edits are kept)."""
    from callbacks.models import MannerHint, ScriptStage

    if not ScriptStage.objects.filter(shop=None).exists():
        ScriptStage.objects.bulk_create(ScriptStage(**row) for row in _rows("script_stages.json"))
    if not MannerHint.objects.exists():
        MannerHint.objects.bulk_create(MannerHint(**row) for row in _rows("manner.json"))


def _rows(name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads((_HERE / name).read_text("utf-8"))
    return rows
