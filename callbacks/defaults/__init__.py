"""The script, manner hints and compensation policy every installation starts with; managers edit them."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def load(**_signal: Any) -> None:
    """Create the common script where there is none yet (after each migrate; edits are kept)."""
    from callbacks.models import MannerHint, RemedyPolicy, ScriptStage

    common = ScriptStage.objects.filter(shop=None)
    for name, there in (
        ("script_stages.json", common.filter(answer="")),
        ("script_answers.json", common.exclude(answer="")),
    ):
        if not there.exists():
            ScriptStage.objects.bulk_create(ScriptStage(**row) for row in _rows(name))
    if not MannerHint.objects.exists():
        MannerHint.objects.bulk_create(MannerHint(**row) for row in _rows("manner.json"))
    if not RemedyPolicy.objects.filter(shop=None).exists():
        RemedyPolicy.objects.bulk_create(RemedyPolicy(**row) for row in _rows("policy.json"))


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_HERE / name).read_text("utf-8"))
    return rows
