"""Measure the classifier against labelled reviews."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviews.classification import ReviewText
from reviews.classification.decide import decide
from reviews.classification.evaluation import measure
from reviews.classification.model import ARTIFACT, load
from reviews.classification.samples import UnreadableSamplesError, read_samples


class Command(BaseCommand):
    help = (
        "Judge labelled reviews and print, as JSON, how right the verdicts are: accuracy, macro-F1, "
        "sub-causes, decided share and accuracy, malicious precision and recall, polarity, calibration, "
        "confusion matrix (labelled cause outside, verdict inside). File forms: see train_classifier."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="FILE")
        parser.add_argument("--model", type=Path, default=ARTIFACT, metavar="FILE", help="another .npz")
        parser.add_argument(
            "--rating",
            choices=["good", "neutral", "bad", "own", ""],
            help="tell it this rating, or each review's own",
            default="",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            samples, model = read_samples(options["data"]), load(options["model"])
        except (OSError, ValueError, UnreadableSamplesError) as wrong:
            raise CommandError(str(wrong)) from wrong
        told = options["rating"]
        texts = [ReviewText(s.text, s.category, s.rating if told == "own" else told) for s in samples]
        figures = {"model": model.version, **measure(samples, decide(texts, model))}
        self.stdout.write(json.dumps(figures, ensure_ascii=False, indent=2))
