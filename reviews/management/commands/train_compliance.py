"""Learn the compliance check's weights from the labelled texts in reviews/compliance/corpus."""

from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from reviews.compliance import learnt, training

CORPUS = Path(training.__file__).parent / "corpus"


class Command(BaseCommand):
    """Needs scikit-learn, no database. The same corpus and date give the same weights."""

    help = "Train the learnt layer of the compliance check."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which texts, and where the weights go."""
        parser.add_argument("--data", nargs="+", type=Path, default=sorted(CORPUS.glob("*.jsonl")))
        parser.add_argument("--out", type=Path, default=learnt.ARTIFACTS)
        parser.add_argument("--date", required=True, help="written into the model card")
        parser.add_argument(
            "--false-blocks", type=float, default=0.02, help="share of lawful texts, held out"
        )
        parser.add_argument(
            "--folds", action="store_true", help="cross-validate, author by author, for thresholds"
        )
        parser.add_argument("--thresholds", nargs="+", type=float, help="one an output, instead of --folds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Cross-validate, choose thresholds, fit on everything, store."""
        examples = training.read(options["data"])
        rows = [training.terms_of(one.text) for one in examples]
        thresholds = options["thresholds"] or [0.0] * len(learnt.OUTPUTS)
        figures: dict[str, Any] = {}
        if options["folds"]:
            thresholds, figures = self._judged(examples, rows, options["false_blocks"])
        longer = training.joined(examples, len(examples) // 6)
        model = training.fit([*examples, *longer], [*rows, *(training.terms_of(one.text) for one in longer)])
        facts = {
            "version": f"compliance-{options['date']}",
            "texts": {path.name: sum(1 for _line in path.open()) for path in options["data"]},
            "held_out_by_author": figures,
        }
        training.store(model, thresholds, facts, options["out"])
        self.stdout.write(f"{len(examples)} texts, {len(model.places)} terms")

    def _judged(
        self, examples: list[training.Example], rows: list[training.Row], share: float
    ) -> tuple[list[float], dict[str, Any]]:
        scores = training.held_out(examples, rows)
        lawful = np.array([not one.rules for one in examples])
        thresholds, figures = [], {}
        for column, output in enumerate(learnt.OUTPUTS):
            is_one = training.wanted(output)
            unlawful = np.array([is_one(one) for one in examples])
            least = float(np.quantile(scores[lawful, column], 1 - share))
            thresholds.append(round(least, 4))
            figures[output] = {
                "texts": int(unlawful.sum()),
                "recall": round(float((scores[unlawful, column] > least).mean()), 4),
                "false_blocks": share,
            }
            self.stdout.write(f"{output}: {figures[output]} above {least:.3f}")
        return thresholds, figures
