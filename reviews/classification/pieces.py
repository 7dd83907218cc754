"""Cut the teacher's vocabulary and write it as a SentencePiece model. Needs sentencepiece's protobuf."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from reviews.classification.e5 import Teacher
from reviews.classification.network import spelled

# <s>, <pad>, </s>, <unk>, in the teacher's order.
SPECIAL = 4
UNKNOWN = 3
# Beside the pieces of the training texts and every single Chinese character, the likeliest Chinese words:
# goods that training never saw must not become one unknown sign.
MOST_KEPT = 18_000


def choose_pieces(teacher: Teacher, texts: Iterable[str]) -> list[int]:
    """Give the numbers of the pieces to keep, the special ones first; `texts` are normalised."""
    whole = as_processor(vocabulary(teacher, range(len(teacher.pieces))))
    used = Counter(number for text in texts for number in whole.encode(spelled(text)))
    pieces = teacher.pieces
    kept = {*used} | {n for n, piece in enumerate(pieces) if len(piece) == 1 and _plain(piece)}
    more = [n for n, piece in enumerate(pieces) if n not in kept and len(piece) > 1 and _chinese(piece)]
    more.sort(key=lambda number: -teacher.scores[number])
    kept |= set(more[: max(0, MOST_KEPT - SPECIAL - len(kept))])
    return [*range(SPECIAL), *sorted(kept - set(range(SPECIAL)))]


def vocabulary(teacher: Teacher, kept: Sequence[int]) -> bytes:
    """Write pieces as a SentencePiece model that numbers them in this order and changes no text."""
    from sentencepiece import sentencepiece_model_pb2

    protobuf: Any = sentencepiece_model_pb2
    model = protobuf.ModelProto()
    model.trainer_spec.model_type = protobuf.TrainerSpec.UNIGRAM
    model.trainer_spec.unk_id, model.trainer_spec.bos_id = UNKNOWN, 0
    model.trainer_spec.pad_id, model.trainer_spec.eos_id = 1, 2
    model.normalizer_spec.name = "identity"
    kinds = protobuf.ModelProto.SentencePiece
    for place, number in enumerate(kept):
        piece = model.pieces.add()
        piece.piece, piece.score = teacher.pieces[number], teacher.scores[number]
        special = kinds.UNKNOWN if place == UNKNOWN else kinds.CONTROL
        piece.type = special if place < SPECIAL else kinds.NORMAL
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def as_processor(model: bytes) -> Any:
    """Load a written vocabulary."""
    from sentencepiece import SentencePieceProcessor

    return SentencePieceProcessor(model_proto=model)


def _plain(sign: str) -> bool:
    """Say whether a sign is a Chinese character or ASCII."""
    return _chinese(sign) or sign.isascii()


def _chinese(piece: str) -> bool:
    """Say whether a piece is all Chinese characters."""
    return all("\u4e00" <= sign <= "\u9fff" for sign in piece)
