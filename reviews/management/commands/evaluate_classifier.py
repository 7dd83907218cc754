"""Measure the classifier against labelled reviews."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviews.classification import ReviewText, classify
from reviews.classification.decide import decide
from reviews.classification.evaluation import measure
from reviews.classification.model import load
from reviews.classification.samples import UnreadableSamplesError, read_samples


class Command(BaseCommand):
    help = (
        "Judge labelled reviews and print, as JSON, how right the verdicts are: accuracy, macro-F1, "
        "sub-causes, decided share and accuracy, malicious precision and recall, polarity, calibration, "
        "confusion matrix (labelled cause outside, verdict inside), reliability. File forms: see "
        "train_classifier. Reviews the models were fitted on give figures that are too kind: those by "
        "cross-validation stand in the model cards."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="FILE")
        parser.add_argument("--engine", choices=["fast", "strong", "both"], default="both")
        parser.add_argument("--model", type=Path, metavar="FILE", help="another linear model's .npz, alone")
        parser.add_argument(
            "--rating",
            choices=["good", "neutral", "bad", "own", ""],
            help="tell it this rating, or each review's own",
            default="",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        told = options["rating"]
        try:
            samples = read_samples(options["data"])
            texts = [ReviewText(s.text, s.category, s.rating if told == "own" else told) for s in samples]
            if options["model"]:
                verdicts = decide(texts, load(options["model"]))
            else:
                verdicts = classify(texts, options["engine"])
        except (OSError, ValueError, UnreadableSamplesError) as wrong:
            raise CommandError(str(wrong)) from wrong
        figures = {"models": sorted({verdict.model for verdict in verdicts}), **measure(samples, verdicts)}
        self.stdout.write(json.dumps(figures, ensure_ascii=False, indent=2))
