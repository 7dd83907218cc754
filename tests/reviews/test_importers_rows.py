"""A whole sheet → the API's fields, row by row, and the file of what was refused."""

import csv
import io
import json
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from reviews.importers import ColumnError, ParsedFile, parse_file, refusal_csv
from reviews.importers.columns import guess_kind, map_columns

SHANGHAI = ZoneInfo("Asia/Shanghai")


def parsed(*lines: str, kind: str | None = None) -> ParsedFile:
    return parse_file("\n".join(lines).encode(), "a.csv", kind, shop_code="s1", zone=SHANGHAI)  # type: ignore[arg-type]


def test_it_reads_a_taobao_like_review_sheet() -> None:
    file = parsed(
        "子订单编号,订单编号,评价结果,评价内容(初评),评价时间,追评内容,追评时间,宝贝标题,颜色分类,买家昵称,是否匿名",
        '="2026",="2025",差评,太薄,2026/1/5 9:03,洗了掉色,2026/1/9 9:03,保温杯,白色,小**,是',
    )
    row = file.rows[0]
    assert file.kind == "reviews"
    assert file.unknown_headers == ["是否匿名"]
    assert row.errors == {}
    assert {**row.data, "review_key": "…"} == {
        "review_key": "…", "order_no": "2025", "sub_order_no": "2026", "rating": "bad", "content": "太薄",
        "created_at": "2026-01-05T09:03:00+08:00", "followup": "洗了掉色",
        "followup_at": "2026-01-09T09:03:00+08:00", "item_title": "保温杯", "sku": "白色",
        "buyer_nick": "小**",
    }  # fmt: skip
    json.dumps(row.data)


def test_it_reads_an_order_sheet() -> None:
    file = parsed(
        "订单编号,买家会员名,买家实际支付金额(元),订单状态,收货人姓名,省,市,区,收货地址,联系手机,订单创建时间,"
        "宝贝标题,宝贝总数量,宝贝规格,运单号,物流公司",
        "'20260101,小明,\"¥1,299.00\",交易成功,王小明,浙江省,杭州市,西湖区,文一路1号,'13812345678,"
        "2026-01-01 10:00:00,杯子,2,白色,SF100,顺丰",
    )
    assert file.kind == "orders"
    assert file.rows[0].data == {
        "order_no": "20260101", "buyer_nick": "小明", "amount": "1299.00", "status": "交易成功",
        "buyer_name": "王小明", "address": "浙江省杭州市西湖区文一路1号", "buyer_phone": "13812345678",
        "created_at": "2026-01-01T10:00:00+08:00", "item_title": "杯子", "quantity": 2, "sku": "白色",
        "tracking_no": "SF100", "courier": "顺丰",
    }  # fmt: skip


def test_it_does_not_repeat_a_province_the_address_has() -> None:
    file = parsed("订单编号,省,市,收货地址", "1,浙江省,杭州市,浙江省杭州市文一路1号")
    assert file.rows[0].data["address"] == "浙江省杭州市文一路1号"


def test_it_reads_the_canonical_names_themselves() -> None:
    file = parsed("review_key,stars,created_at,content", "K1,2,2026-01-05T09:03:00+08:00,bad cup")
    assert file.rows[0].data == {
        "review_key": "K1", "stars": 2, "rating": "bad", "content": "bad cup",
        "created_at": "2026-01-05T09:03:00+08:00",
    }  # fmt: skip


def test_it_lets_the_rating_word_win_over_another_scale() -> None:
    file = parsed("评价ID,评价等级,描述相符,评价时间", "K1,好评,2,2026-01-05")
    assert file.rows[0].data["rating"] == "good"
    assert file.rows[0].data["stars"] == 2


def test_it_forgives_spaces_width_case_and_order_of_headers() -> None:
    fields = map_columns(["\ufeff 评价 时间 ", "＊评价ＩＤ", "【评分】", "ORDERID"], "reviews").fields
    assert fields.keys() == {"created_at", "review_key", "stars", "order_no"}


def test_it_tells_orders_from_reviews() -> None:
    assert guess_kind(["订单编号", "买家会员名", "收货人姓名", "运单号"]) == "orders"
    assert guess_kind(["订单编号", "评论内容", "评分"]) == "reviews"


def test_it_names_what_was_seen_and_what_would_do_when_a_column_is_missing() -> None:
    with pytest.raises(ColumnError) as error:
        parsed("评价ID,奇怪的列", "1,2", kind="reviews")
    assert "奇怪的列" in str(error.value)
    assert "评价时间" in str(error.value)
    assert "评价等级" in str(error.value)


def test_it_refuses_a_row_with_its_column_and_goes_on() -> None:
    file = parsed(
        "评价ID,评分,评价时间", "1.23E+17,1,2026-01-05", "K2,7,昨天", "K3,,2026-01-05", "K4,1,2026-01-05"
    )
    assert [sorted(row.errors) for row in file.rows] == [
        ["review_key"],
        ["created_at", "stars"],
        ["rating"],
        [],
    ]
    assert "评价ID" in file.rows[0].errors["review_key"][0]
    assert [row.line for row in file.rows] == [2, 3, 4, 5]


def test_it_refuses_order_numbers_a_workbook_keeps_as_numbers() -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["订单编号", "评分", "评价时间"])
    book.active.append([202601051234567890, 1, "2026-01-05"])
    book.active.append(["202601051234567890", 1, "2026-01-05"])
    out = io.BytesIO()
    book.save(out)
    file = parse_file(out.getvalue(), "a.xlsx", shop_code="s1", zone=SHANGHAI)
    assert [bool(row.errors) for row in file.rows] == [True, False]
    assert file.rows[1].data["order_no"] == "202601051234567890"


def test_it_refuses_a_column_a_spreadsheet_has_rounded_to_zeros() -> None:
    lines = [f"12345678901234{digit}000,1,2026-01-05" for digit in range(4)]
    file = parsed("订单编号,评分,评价时间", *lines)
    assert all("order_no" in row.errors for row in file.rows)


def test_it_gives_a_review_without_an_id_the_same_key_in_every_export() -> None:
    first = parsed("订单号,规格,评分,评价时间,内容", "T1,白,1,2026-01-05 09:03:41,差")
    later = parsed("评价时间,评分,订单号,SKU,追评,内容", "2026/1/5 9:03,2,T1,白,更差,差啊")
    other = parsed("订单号,规格,评分,评价时间,内容", "T1,黑,1,2026-01-05 09:03:41,差")
    keys = [file.rows[0].data["review_key"] for file in (first, later, other)]
    assert keys[0] == keys[1] != keys[2]


def test_it_needs_a_review_number_or_an_order_number() -> None:
    file = parsed("订单号,评价ID,评分,评价时间", ",,1,2026-01-05")
    assert "review_key" in file.rows[0].errors


def test_it_refuses_two_different_rows_of_one_review_but_not_a_repeat() -> None:
    file = parsed("评价ID,评分,评价时间", "K1,1,2026-01-05", "K1,1,2026-01-05", "K1,2,2026-01-05")
    assert [list(row.errors) for row in file.rows] == [[], [], ["review_key"]]
    assert "2" in file.rows[2].errors["review_key"][0]


def test_it_hands_out_refused_rows_that_can_be_mended_and_read_again() -> None:
    file = parsed(
        "评价ID,评分,评价时间,评价内容", "K1,9,2026-01-05,=cmd|x", "K2,1,2026-01-05,好", "K3,1,x,-很差"
    )
    data = refusal_csv(file.rows)
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["2", "4"]
    assert rows[0][2:] == ["评价ID", "评分", "评价时间", "评价内容"]
    assert rows[1][-1] == "'=cmd|x"
    assert "评分" in rows[1][1]
    mended = data.decode("utf-8-sig").replace(",9,", ",1,").replace(",x,", ",2026-01-06,")
    again = parse_file(mended.encode(), "b.csv", shop_code="s1", zone=SHANGHAI)
    assert [row.data["content"] for row in again.rows] == ["=cmd|x", "-很差"]
    assert not any(row.errors for row in again.rows)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_it_guards_every_formula_sign(start: str) -> None:
    from reviews.importers.refusals import guarded

    assert guarded(start + "1") == "'" + start + "1"
