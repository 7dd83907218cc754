"""What a stranger's text tells of people is masked wherever it stands; what it says stays readable."""

import pytest

from reviews.masking import without_personal


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("打 138 0013 8000 或139-0013-9000", "打 138****8000 或139****9000"),
        ("座机0571-8888 6666", "座机057****6666"),
        ("一三八零零一三八零零零", "**"),
        ("我叫王小明，收件人：李雷", "我叫王**，**"),
        ("住西湖区文三路 123号 3单元502室，快来", "住西湖区***，快来"),
        ("住文三路12号\n也住古墩路8号", "住文三***\n也住古***"),
        ("写信到 a.b@qq.com", "写信到 **"),
    ],
)
def test_it_masks_people_numbers_and_places(text: str, masked: str) -> None:
    assert without_personal(text) == masked


def test_it_leaves_nothing_of_them_where_all_may_read_it() -> None:
    text = "我叫王小明，打 138 0013 8000，住西湖区文三路123号"
    assert without_personal(text, whole=True) == "我叫**，打 **，**"


@pytest.mark.parametrize(
    "text",
    [
        "给我转100元红包，不然差评",
        "订单号 2026112012345678 一直不发货",
        "2026-11-20 10:22:00 付了 ¥1,299.00",
        "客服：您好\r\n买家：三天没回我\r\n",
    ],
)
def test_it_leaves_what_names_nobody(text: str) -> None:
    assert without_personal(text) == text
