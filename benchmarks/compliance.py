"""Texts a second of the compliance check on one core, beside normalising alone in the same run.

`python benchmarks/compliance.py [--data corpus.jsonl …]`; processor time, so that other work on the machine
counts little.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# One core: numpy's own threads must not help.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CORPUS = ROOT / "reviews" / "compliance" / "corpus"


def rate(do: Callable[[str], object], texts: Sequence[str], rounds: int) -> float:
    """Texts a second of processor time, the best of the rounds."""
    best = 0.0
    for _round in range(rounds):
        began = time.process_time()
        for text in texts:
            do(text)
        best = max(best, len(texts) / (time.process_time() - began))
    return best


def main() -> None:
    """Print one line a measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", type=Path, default=sorted(CORPUS.glob("*.jsonl")))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    import django

    django.setup()

    from reviews.compliance import find_offences
    from reviews.compliance.normalise import normalise

    entries = [
        json.loads(line) for path in options.data for line in path.open(encoding="utf-8") if line.strip()
    ]
    lawful = [entry["text"] for entry in entries if not entry.get("rule")]
    find_offences("warm")
    for name, texts in (("all texts", [entry["text"] for entry in entries]), ("lawful texts", lawful)):
        check, plain = rate(find_offences, texts, options.rounds), rate(normalise, texts, options.rounds)
        length = sum(map(len, texts)) / len(texts)
        print(
            f"{name} ({len(texts)}, {length:.0f} characters): check {check:.0f}/s, normalise {plain:.0f}/s, "
            f"ratio {plain / check:.1f}"
        )


if __name__ == "__main__":
    main()
