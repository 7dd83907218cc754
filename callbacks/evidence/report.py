"""The report of an evidence pack as PDF, in Chinese, with the glyphs it uses inside it."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from itertools import zip_longest

import emoji
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from callbacks.evidence.sections import Picture, Section

# It tells every glyph it keeps.
logging.getLogger("fontTools").setLevel(logging.WARNING)

FONT = "noto"
INK, QUIET, LINE, TINT, ACCENT = (28, 34, 45), (95, 104, 118), (214, 219, 227), (244, 246, 249), (84, 58, 160)
_UNPRINTABLE = re.compile(r"[\U00010000-\U0010ffff\ufe0f\u200b-\u200f]")  # rare signs: □


class _Report(FPDF):
    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self.foot = foot
        self.add_font(FONT, fname=str(files("pylopdf_fonts_zh_cn") / "NotoSansSC-Regular.otf"))
        self.set_margins(18, 16, 18)
        self.set_auto_page_break(True, 20)
        self.alias_nb_pages()

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(FONT, size=7)
        self.set_text_color(*QUIET)
        self.cell(0, 5, self.foot)
        self.set_x(self.l_margin)
        self.cell(0, 5, f"第 {self.page_no()} / {{nb}} 页", align="R")


def make_report(
    title: str, subtitle: str, sections: Sequence[Section], *, fingerprint: str, as_of: datetime
) -> bytes:
    """The PDF; `as_of` is the time of the latest fact: the same facts give the same bytes."""
    pdf = _Report(f"清单指纹 SHA-256 {fingerprint}")
    pdf.set_creation_date(as_of)
    pdf.set_title(title)
    pdf.set_lang("zh-CN")
    pdf.add_page()
    _head(pdf, title, subtitle, fingerprint)
    for number, section in enumerate(sections, 1):
        _section(pdf, f"{number}  {section.title}", section)
    return bytes(pdf.output())


def _head(pdf: FPDF, title: str, subtitle: str, fingerprint: str) -> None:
    pdf.set_fill_color(*ACCENT)
    pdf.rect(0, 0, 210, 3, style="F")
    pdf.set_y(16)
    _write(pdf, title, 20, INK, 9)
    _write(pdf, subtitle, 10, QUIET, 6)
    pdf.ln(2)
    pdf.set_fill_color(*TINT)
    pdf.set_font(FONT, size=8)
    pdf.set_text_color(*INK)
    hint = "证据包内 manifest.json 的指纹须与此一致；用 verify.py 可离线核对每个文件。"
    words = f"清单指纹 SHA-256\n{fingerprint}\n{hint}"
    pdf.multi_cell(0, 5, words, fill=True, padding=(2, 3, 2, 3), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)


def _write(pdf: FPDF, text: str, size: float, colour: tuple[int, int, int], height: float) -> None:
    pdf.set_font(FONT, size=size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, height, printable(text), new_x="LMARGIN", new_y="NEXT")


def printable(text: str) -> str:
    """What the font can draw, emoji by name (［星星］); the exact text stands in the files of the pack."""
    return _UNPRINTABLE.sub("□", emoji.demojize(text, language="zh", delimiters=("［", "］")))


def _section(pdf: FPDF, title: str, section: Section) -> None:
    if pdf.get_y() > 250:
        pdf.add_page()
    pdf.ln(2)
    _write(pdf, title, 13, ACCENT, 8)
    pdf.set_draw_color(*LINE)
    pdf.line(pdf.l_margin, pdf.get_y(), 210 - pdf.r_margin, pdf.get_y())
    pdf.ln(2)
    if section.facts:
        _facts(pdf, section.facts)
    for passage in section.passages:
        _write(pdf, passage.head, 8.5, QUIET, 5)
        pdf.set_fill_color(*TINT)
        pdf.set_font(FONT, size=10)
        pdf.set_text_color(*INK)
        text = printable(passage.text) or "（没有文字）"
        pdf.multi_cell(0, 6, text, fill=True, padding=(2, 3, 2, 3), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
    for head, text in section.points:
        _write(pdf, head, 10, INK, 6)
        if text:
            _write(pdf, text, 8.5, QUIET, 5)
        pdf.ln(1)
    _pictures(pdf, section.pictures)
    if not (section.facts or section.passages or section.points or section.pictures):
        _write(pdf, section.empty, 9.5, QUIET, 6)


def _facts(pdf: FPDF, facts: Sequence[tuple[str, str]]) -> None:
    pdf.set_font(FONT, size=9.5)
    pdf.set_text_color(*INK)
    plain = FontFace(color=QUIET)
    with pdf.table(
        col_widths=(28, 146),
        first_row_as_headings=False,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=6,
        text_align="LEFT",
    ) as table:
        for name, value in facts:
            row = table.row()
            row.cell(name, style=plain)
            row.cell(printable(value))
    pdf.ln(2)


def _pictures(pdf: FPDF, pictures: Sequence[Picture]) -> None:
    """Two in a row, each under its name."""
    for left, right in zip_longest(pictures[::2], pictures[1::2]):
        if pdf.get_y() > 200:
            pdf.add_page()
        top = pdf.get_y()
        for column, one in enumerate(filter(None, (left, right))):
            pdf.set_xy(pdf.l_margin + 89 * column, top)
            pdf.set_font(FONT, size=8.5)
            pdf.set_text_color(*QUIET)
            pdf.cell(85, 5, printable(one.name))
            pdf.image(one.data, pdf.l_margin + 89 * column, top + 6, 85, 64, keep_aspect_ratio=True)
        pdf.set_xy(pdf.l_margin, top + 74)
