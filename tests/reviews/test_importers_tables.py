"""Bytes of every kind of file a merchant's back end gives → rows."""

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from reviews.importers import tables
from reviews.importers.tables import TableError, decode, read_table

HEADERS = ["评价ID", "订单编号", "评价等级", "评价内容", "评价时间"]
FILES = Path(__file__).parent / "files"


def csv_text(*rows: str) -> str:
    return "\r\n".join([",".join(HEADERS), *rows]) + "\r\n"


def workbook(*rows: list[object], before: list[list[object]] | None = None, merge: str = "") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [*(before or []), HEADERS, *rows]:
        sheet.append(row)
    if merge:
        sheet.merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_it_reads_every_encoding_of_the_ladder(encoding: str) -> None:
    table = read_table(csv_text("R1,T1,差评,质量差😡,2026-01-05").encode(encoding), "评价.csv")
    assert table.headers == HEADERS
    assert table.rows[0].cells["评价内容"] == "质量差😡"


def test_it_keeps_rare_han_and_emoji_in_gb18030() -> None:
    assert decode("𠮷野家👨‍👩‍👧 很差".encode("gb18030")) == "𠮷野家👨‍👩‍👧 很差"


def test_it_refuses_bytes_that_are_no_text() -> None:
    with pytest.raises(TableError, match=r"CSV UTF-8|UTF-8"):
        read_table(b"\xff\xff\xff\x81 \x80\x80", "x.csv")


def test_it_reads_utf16_tab_text_that_is_called_xls() -> None:
    text = (
        "\t".join(HEADERS)
        + '\r\nR1\tT1\t差评\t"两行\r\n内容"\t2026-01-05\r\nR2\tT2\t好评\t好\t2026-01-06\r\n'
    )
    table = read_table(b"\xff\xfe" + text.encode("utf-16-le"), "导出.xls")
    assert [row.line for row in table.rows] == [2, 4]
    assert table.rows[0].cells["评价内容"] == "两行\r\n内容"


def test_it_reads_an_html_table_that_is_called_xls() -> None:
    html = """<html><head><style>td{color:red}</style></head><body><table>
      <tr><td colspan=5>评价&amp;导出</td></tr>
      <tr><th>评价ID<th>订单编号<th>评价等级<th>评价内容<th>评价时间</tr>
      <tr><td>R1</td><td rowspan=2>T1</td><td>差评</td><td>坏&lt;了&gt;<br>两行</td><td>2026-01-05</td></tr>
      <tr><td>R2</td><td>好评</td><td>好</td><td>2026-01-06</td></tr></table></body></html>"""
    table = read_table(html.encode("gb18030"), "评价.xls")
    assert table.rows[0].cells["评价内容"] == "坏<了>\n两行"
    assert table.rows[1].cells["订单编号"] == "T1"
    assert table.rows[1].cells["评价等级"] == "好评"


def test_it_does_not_open_entities_or_scripts_of_html() -> None:
    html = (
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><table>'
        "<tr><td>评价ID</td><td>评价内容</td></tr><tr><td>R1</td><td>&b;<script>alert(1)</script></td></tr></table>"
    )
    assert read_table(html.encode(), "x.xls").rows[0].cells["评价内容"] == "&b;"


def test_it_reads_a_real_xls_workbook() -> None:
    table = read_table((FILES / "reviews_biff.xls").read_bytes(), "评价.xls")
    assert table.headers == HEADERS
    assert table.rows[0].line == 3
    assert table.rows[0].cells["订单编号"] == "2026010512345678901"
    assert table.rows[0].cells["评价时间"] == datetime(2026, 1, 5, 9, 3)


def test_it_finds_the_header_under_title_rows_and_skips_totals() -> None:
    data = workbook(
        ["R1", "T1", "差评", "坏", datetime(2026, 1, 5, 9, 3)],
        [None] * 5,
        ["R2", "T2", "好评", "合计很好", "2026-01-06"],
        ["合计", None, None, None, 2],
        ["导出时间：2026-01-07"],
        before=[["某某旗舰店评价导出"], ["时间：", "2026-01-01 至 2026-01-07"], []],
    )
    table = read_table(data, "a.xlsx")
    assert table.header_line == 4
    assert [row.line for row in table.rows] == [5, 7]
    assert table.skipped == 2


def test_it_fills_cells_merged_over_rows() -> None:
    data = workbook(["R1", "T1", "差评", "坏"], ["R2", None, "好评", "好"], merge="B2:B3")
    assert [row.cells["订单编号"] for row in read_table(data, "a.xlsx").rows] == ["T1", "T1"]


def test_it_takes_the_sheet_that_has_the_table() -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["说明", "本表由系统导出"])
    sheet = book.create_sheet("数据")
    sheet.append(HEADERS)
    sheet.append(["R1", "T1", "差评", "坏", "2026-01-05"])
    out = io.BytesIO()
    book.save(out)
    assert len(read_table(out.getvalue(), "a.xlsx").rows) == 1


def test_it_skips_empty_lines_and_keeps_line_numbers() -> None:
    table = read_table(
        csv_text("R1,T1,差评,坏,2026-01-05", "", ",,,,", "R2,T2,好评,好,2026-01-05").encode(), "a.csv"
    )
    assert [row.line for row in table.rows] == [2, 5]


def test_it_drops_nul_and_numbers_a_header_that_comes_twice() -> None:
    table = read_table("评价ID,评价内容,评价内容\nR1,坏\x00了,x\n".encode(), "a.csv")
    assert table.headers == ["评价ID", "评价内容", "评价内容 #2"]
    assert table.rows[0].cells["评价内容"] == "坏了"


def test_it_says_where_a_quote_is_not_closed() -> None:
    text = csv_text("R1,T1,差评,坏,2026-01-05", 'R2,T2,差评,"没有结束' + "字" * 140_000)
    with pytest.raises(TableError, match="3"):
        read_table(text.encode(), "a.csv")


@pytest.mark.parametrize("data", [b"", b"\r\n \n", b"\x00\x00"])
def test_it_refuses_an_empty_file(data: bytes) -> None:
    with pytest.raises(TableError):
        read_table(data, "a.csv")


def test_it_refuses_a_file_over_the_size_limit() -> None:
    with pytest.raises(TableError, match="20"):
        read_table(b"a" * (tables.MAX_BYTES + 1), "a.csv")


def test_it_takes_the_most_rows_allowed_and_not_one_more() -> None:
    row = "R,T,差评,坏,2026-01-05\n"
    text = ",".join(HEADERS) + "\n" + row * tables.MAX_ROWS
    assert len(read_table(text.encode(), "a.csv").rows) == tables.MAX_ROWS
    with pytest.raises(TableError, match="100,000"):
        read_table((text + row).encode(), "a.csv")


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def test_it_refuses_a_zip_bomb_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_UNPACKED_BYTES", 5_000_000)
    with pytest.raises(TableError):
        read_table(zipped("xl/worksheets/sheet1.xml", b" " * 6_000_000), "a.xlsx")


def test_it_refuses_a_cell_at_the_far_corner_of_the_grid() -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(HEADERS)
    book.active["XFD1048576"] = "bomb"
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(TableError, match="100,000"):
        read_table(out.getvalue(), "a.xlsx")


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken"])
def test_it_says_when_a_workbook_is_damaged(data: bytes) -> None:
    with pytest.raises(TableError):
        read_table(data, "a.xlsx")


def test_it_says_when_a_workbook_is_something_else() -> None:
    with pytest.raises(TableError):
        read_table(zipped("word/document.xml", b"<a/>"), "a.xlsx")
    with pytest.raises(TableError, match="XLSX"):
        read_table(b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com"/>', "a.xls")


def test_it_survives_a_workbook_that_asks_for_more_memory_than_there_is() -> None:
    with pytest.raises(TableError):
        read_table((FILES / "broken_biff.xls").read_bytes(), "a.xls")
