"""Learn the weights of learnt.py from labelled texts. Needs scikit-learn (tests/requirements.txt)."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import learnt
from .normalise import normalise
from .rules import RULES_VERSION, finders
from .senses import meetings

SEED = 20261122
STRICT = frozenset({"R1", "R2", "R3", "R4"})
STRENGTH = 30.0  # inverse of the L2 penalty
FINDER_WEIGHT = 0.4
LEAST = 3  # texts a term must stand in


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text; no rule means lawful. `author` groups texts for cross-validation."""

    text: str
    rules: frozenset[str]
    author: str


def read(paths: Sequence[Path]) -> list[Example]:
    """Read JSON lines {"text", "rule", "also"?, "author"?}; without an author, the file's name is taken."""
    found = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                entry = json.loads(line)
                rules = frozenset([entry.get("rule") or "", *entry.get("also", ())]) - {""}
                found.append(Example(entry["text"], rules, entry.get("author") or path.stem))
    return found


def joined(examples: Sequence[Example], count: int, seed: int = SEED) -> list[Example]:
    """Longer texts of two examples, which break the rules of both; every second one has one lawful half."""
    draw = random.Random(seed)  # noqa: S311
    lawful = [one for one in examples if not one.rules]
    unlawful = [one for one in examples if one.rules]
    longer = []
    for at in range(count):
        first = draw.choice(unlawful if at % 4 == 3 else lawful)
        second = draw.choice((lawful, examples, lawful, unlawful)[at % 4])
        texts = [first.text, second.text] if draw.random() < 0.5 else [second.text, first.text]
        between = "，" if at % 4 == 3 else "。"
        longer.append(Example(between.join(texts), first.rules | second.rules, second.author))
    return longer


Row = dict[str, float]


def terms_of(text: str) -> Row:
    """Terms with their values, as learnt.scores counts them."""
    plain = normalise(text)
    line = plain.line
    terms, met = learnt.terms(line), meetings(line)
    row = dict.fromkeys(terms, learnt.term_share(len(terms)))
    senses = dict.fromkeys(met, learnt.sense_share(len(met)))
    matched = [name for name in learnt.FINDERS if finders()[name].first(plain.text)]
    hits = {"!" + name: FINDER_WEIGHT for name in [*matched, *learnt.marks(text)]}
    return {**row, **senses, **hits}


def _matrix(rows: Sequence[Row], places: dict[str, int]) -> Any:
    from scipy.sparse import csr_matrix

    cells = [
        (at, places[term], value)
        for at, row in enumerate(rows)
        for term, value in row.items()
        if term in places
    ]
    at, place, value = zip(*cells, strict=True)
    return csr_matrix((value, (at, place)), shape=(len(rows), len(places)))


def wanted(output: str) -> Callable[[Example], bool]:
    """Whether an example is one of the output's."""
    return lambda one: bool(one.rules & STRICT) if output == "any" else output in one.rules


@dataclass(frozen=True, slots=True)
class Fit:
    """Vocabulary and, a column an output, weights and bias."""

    places: dict[str, int]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def score(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Rows × outputs, without thresholds."""
        product: NDArray[np.float64] = _matrix(rows, self.places) @ self.weights + self.bias
        return product


def fit(examples: Sequence[Example], rows: Sequence[Row]) -> Fit:
    """One yes-or-no question an output, all over the same terms."""
    from sklearn.linear_model import LogisticRegression

    counts = Counter(term for row in rows for term in row)
    places = {
        term: at for at, term in enumerate(sorted(term for term, count in counts.items() if count >= LEAST))
    }
    matrix = _matrix(rows, places)
    weights, bias = [], []
    for output in learnt.OUTPUTS:
        is_one = wanted(output)
        model = LogisticRegression(C=STRENGTH, class_weight="balanced", solver="liblinear", random_state=SEED)
        model.fit(matrix, np.array([is_one(one) for one in examples]))
        weights.append(model.coef_[0])
        bias.append(float(model.intercept_[0]))
    return Fit(places, np.array(weights).T, np.array(bias))


def held_out(examples: Sequence[Example], rows: Sequence[Row]) -> NDArray[np.float64]:
    """Scores of every example by a model that saw nothing of its author."""
    found = np.zeros((len(examples), len(learnt.OUTPUTS)))
    for author in sorted({one.author for one in examples}):
        inside = [at for at, one in enumerate(examples) if one.author == author]
        rest = [at for at, one in enumerate(examples) if one.author != author]
        known = [examples[at] for at in rest]
        model = fit(known, [rows[at] for at in rest])
        found[inside] = model.score([rows[at] for at in inside])
    return found


def store(model: Fit, thresholds: Sequence[float], facts: dict[str, Any], out: Path) -> None:
    """Write compliance.npz and the model card compliance.json."""
    out.mkdir(parents=True, exist_ok=True)
    terms = sorted(model.places, key=model.places.__getitem__)
    np.savez_compressed(
        out / "compliance.npz",
        terms=np.frombuffer("\x00".join(terms).encode(), dtype=np.uint8),
        weights=model.weights.astype(np.float16),
        bias=(model.bias - np.array(thresholds)).astype(np.float32),
    )
    card = {
        "rules": RULES_VERSION,
        "finder_weight": FINDER_WEIGHT,
        "terms": len(terms),
        "thresholds": dict(zip(learnt.OUTPUTS, thresholds, strict=True)),
        **facts,
    }
    text = json.dumps(card, ensure_ascii=False, indent=2) + "\n"
    (out / "compliance.json").write_text(text, encoding="utf-8")
