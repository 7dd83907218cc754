"""The network: reads the order of a sentence. ONNX in 8 bits and a SentencePiece vocabulary, on one core."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reviews.classification.features import FloatArray
from reviews.classification.text import normalise

ARTIFACTS = Path(__file__).parent / "artifacts"
WEIGHTS, PIECES, CARD = "network.onnx", "network.pieces", "network.json"

START, PADDING, END = 0, 1, 2
# The network knows so many places. Three reviews in a hundred are longer than what is read of them, so that a
# text of any length is answered within 50 ms: the beginning, and the last third.
PLACES, MOST_PIECES = 112, 96
# A category longer than this is no category.
MOST_CATEGORY = 12


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network: its session (onnxruntime), its vocabulary (sentencepiece) and its card."""

    session: Any
    vocabulary: Any
    card: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Name the network: `network-<date>-<fingerprint of the file and of how it decides>`."""
        return str(self.card["version"])

    def scores(self, texts: Sequence[str], categories: Sequence[str]) -> FloatArray:
        """Give the raw scores of normalised texts, shape (texts, columns)."""
        scores = np.zeros((len(texts), self.session.get_outputs()[0].shape[-1]), np.float32)
        for row, (text, category) in enumerate(zip(texts, categories, strict=True)):
            # One by one: the 8-bit steps are scaled by all that is read at once, so a neighbour would change
            # the answer; and there is no padding to read.
            pieces = np.array([self.pieces(text, category)], np.int64)
            scores[row] = self.session.run(None, {"pieces": pieces})[0][0]
        return scores

    def pieces(self, text: str, category: str) -> list[int]:
        """Number the pieces of a normalised text and its category, at most MOST_PIECES."""
        named = normalise(category).strip()[:MOST_CATEGORY]
        head = self.vocabulary.encode(spelled(named) + ":") if named else []
        room = MOST_PIECES - 2 - len(head)
        body = self.vocabulary.encode(spelled(text))
        if len(body) > room:
            body = body[: room - room // 3] + body[-(room // 3) :]
        return [START, *head, *body, END]


def spelled(text: str) -> str:
    """Spell a normalised text as the vocabulary does: compatibility forms taken apart, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("�", " ")).split())


def load_network(folder: Path, name: str = WEIGHTS) -> Network:
    """Read the three files of a network; takes some 0.3 s, so only workers and commands do.

    Raises:
        OSError: a file is missing.
    """
    import onnxruntime
    import sentencepiece

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    weights = (folder / name).read_bytes()
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    vocabulary = sentencepiece.SentencePieceProcessor(model_proto=(folder / PIECES).read_bytes())
    return Network(session, vocabulary, read_card(folder))


def read_card(folder: Path) -> dict[str, Any]:
    """Read what a network was made from, how it measures and how it decides."""
    card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return card


# How the card names the random sample of a shop's reviews, behind its file's name.
PLAIN_SAMPLE = "(thresholds come from it)"


@cache
def shipped_card() -> dict[str, Any]:
    """Read the card of the network that comes with the code; the network itself is not loaded."""
    return read_card(ARTIFACTS)


@cache
def shipped_network() -> Network:
    """Load the network that comes with the code, once a process."""
    return load_network(ARTIFACTS)
