"""What the report of an evidence pack is made of. Apart from report.py, which loads a whole PDF library."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of somebody, with who and when above it."""

    head: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered part: facts as a table, passages, points, pictures. An empty one says so."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    passages: tuple[Passage, ...] = ()
    points: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = field(default=())
    empty: str = ""
