"""Texts a second of the compliance check on one core, beside normalising alone in the same run.

`python benchmarks/compliance.py [--data corpus.jsonl …] [--artifacts DIR]`; processor time, so that other
work on the machine counts little. Says as well what is found: with --artifacts of a training `--without` some
authors and --data of these authors, that is the first sight of an unknown author.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

# One core: numpy's own threads must not help.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CORPUS = ROOT / "reviews" / "compliance" / "corpus"


Entry = dict[str, str]


def rate(do: Callable[[Entry], object], texts: Sequence[Entry], rounds: int) -> float:
    """Texts a second of processor time, the best of the rounds."""
    best = 0.0
    for _round in range(rounds):
        began = time.process_time()
        for text in texts:
            do(text)
        best = max(best, len(texts) / (time.process_time() - began))
    return best


def memory() -> float:
    """Megabytes this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def is_blocked(entry: Entry) -> bool:
    """Whether a text of the data may not leave."""
    from reviews.compliance import find_offences, verdict

    return verdict(find_offences(entry["text"], entry["kind"], entry["platform"])) == "block"


def by_rule(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The texts by the rule they break first, R1–R4 together as well, and the lawful ones."""
    rules = sorted({entry["rule"] for entry in entries if entry.get("rule")})
    found = {rule: [entry for entry in entries if entry.get("rule") == rule] for rule in rules}
    strict = [entry for entry in entries if (entry.get("rule") or "R9") < "R5"]
    return {"R1-R4": strict, **found, "lawful": [entry for entry in entries if not entry.get("rule")]}


def main() -> None:
    """Print one line a measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", type=Path, default=sorted(CORPUS.glob("*.jsonl")))
    parser.add_argument("--artifacts", type=Path, help="weights to judge by instead of those shipped")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    import django

    django.setup()

    from reviews.compliance import find_offences, learnt, network
    from reviews.compliance.normalise import normalise

    if options.artifacts:
        learnt.ARTIFACTS = options.artifacts
    entries = [
        json.loads(line) for path in options.data for line in path.open(encoding="utf-8") if line.strip()
    ]
    lawful = [entry for entry in entries if not entry.get("rule")]
    learnt.scores("warm", [])
    before, began = memory(), time.perf_counter()
    for name in (network.SMALL, network.LARGE):
        network._load(name)
    find_offences("warm")
    print(f"loading both networks: {time.perf_counter() - began:.2f} s, {memory() - before:.0f} MB")
    for name, part in by_rule(entries).items():
        print(f"{name}: {sum(map(is_blocked, part))} of {len(part)} blocked")
    asked: Counter[str] = Counter()
    read = network._read

    def count(name: str, line: str) -> tuple[float, ...]:
        asked[name] += 1
        return read(name, line)

    for name, texts in (("all texts", entries), ("lawful texts", lawful)):
        network._read = count  # type: ignore[assignment]
        asked.clear()
        for entry in texts:
            is_blocked(entry)
        network._read = read
        check = rate(is_blocked, texts, options.rounds)
        plain = rate(lambda entry: normalise(entry["text"]), texts, options.rounds)
        length = sum(len(entry["text"]) for entry in texts) / len(texts)
        print(
            f"{name} ({len(texts)}, {length:.0f} characters): check {check:.0f}/s, normalise {plain:.0f}/s, "
            f"ratio {plain / check:.1f}, read by the small network {asked[network.SMALL] / len(texts):.1%}, "
            f"by the large one {asked[network.LARGE] / len(texts):.1%}"
        )


if __name__ == "__main__":
    main()
