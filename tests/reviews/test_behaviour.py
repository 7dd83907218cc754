"""What behaviour says, as a rule of values: what is a sign, and what never is."""

from datetime import UTC, datetime, timedelta

import pytest

from reviews.behaviour import (
    Like,
    Mark,
    Signal,
    SignalKind,
    burst,
    demand,
    find_demands,
    fingerprints,
    is_said_by_buyer,
    names_one_person,
    no_order,
    same_buyer,
    same_picture,
    same_text,
    suggests_malice,
)

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
TEXT = "垃圾店铺千万别买，用了一次就散架，客服还骂人，建议大家去隔壁买"
ME = frozenset({"nick taobao 小雨"})
OTHER = frozenset({"nick taobao 阿强"})


def like(pk: int = 2, text: str = TEXT, writer: frozenset[str] = OTHER, **fields: tuple[str, ...]) -> Like:
    return Like(pk, 1, text, writer, **fields)


def mark(pk: int, deal: str, *, bad: bool = True, shop: int = 1) -> Mark:
    return Mark(pk, shop, pk, deal, bad)


# --- one sign alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(SignalKind))
@pytest.mark.parametrize("weight", [1, 2, 3])
def test_it_never_suggests_malice_by_one_sign_alone(kind: SignalKind, weight: int) -> None:
    assert not suggests_malice([Signal(kind, weight)])
    assert not suggests_malice([Signal(kind, weight)] * 3)


def test_it_takes_several_signs_that_agree() -> None:
    assert not suggests_malice([Signal(SignalKind.NO_ORDER, 1), Signal(SignalKind.BURST, 1)])
    assert suggests_malice([Signal(SignalKind.NO_ORDER, 1), Signal(SignalKind.SAME_TEXT, 2)])


# --- no order ---------------------------------------------------------------------------------------


def test_a_missing_order_is_a_weak_sign_where_orders_usually_arrive() -> None:
    found = no_order(has_order=False, order_no="", matched=95, reviews=100)
    assert found is not None
    assert found.weight == 1


def test_it_says_nothing_in_a_shop_whose_orders_are_not_imported() -> None:
    assert no_order(has_order=False, order_no="", matched=10, reviews=100) is None
    assert no_order(has_order=False, order_no="", matched=0, reviews=0) is None
    assert no_order(has_order=True, order_no="1", matched=99, reviews=100) is None


# --- the same buyer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("nick", ["t**6", "王＊", "匿名用户", "匿名", "a", "tb…9", "昵称已存在"])
def test_a_masked_or_empty_nick_never_names_one_person(nick: str) -> None:
    assert not names_one_person(nick, "taobao")


def test_a_full_nick_names_one_person_only_where_nicks_are_unique() -> None:
    assert names_one_person("一棵会飞的树", "taobao")
    assert not names_one_person("一棵会飞的树", "pdd")


def test_it_sees_many_bad_marks_for_separate_orders() -> None:
    found = same_buyer("a", 1, [mark(2, "b"), mark(3, "c")])
    assert found == Signal(SignalKind.SAME_BUYER, 1, {"marks": 3, "good": 0, "shops": 1, "reviews": [2, 3]})


def test_it_weighs_marks_in_several_shops_more() -> None:
    found = same_buyer("a", 1, [mark(2, "b"), mark(3, "c", shop=2)])
    assert found is not None
    assert (found.weight, found.facts["shops"]) == (2, 2)


def test_one_broken_parcel_with_three_articles_is_one_mark() -> None:
    assert same_buyer("a", 1, [mark(2, "a"), mark(3, "a"), mark(4, "a")]) is None


def test_who_also_praises_is_a_buyer_who_judges() -> None:
    others = [mark(2, "b"), mark(3, "c"), mark(4, "d", bad=False), mark(5, "e", bad=False)]
    assert same_buyer("a", 1, others) is None


# --- the same text ----------------------------------------------------------------------------------


def test_it_finds_nearly_the_same_text_of_another_account() -> None:
    found = same_text(TEXT, ME, [like(text=TEXT.replace("一次", "两次") + "！！")])
    assert found is not None
    assert found.facts["accounts"] == 2
    assert set(fingerprints(TEXT)) & set(fingerprints(TEXT.replace("一次", "两次")))


@pytest.mark.parametrize("writer", [ME, frozenset[str](), ME | {"phone 1"}])
def test_the_same_or_an_unknown_account_is_no_stranger(writer: frozenset[str]) -> None:
    assert same_text(TEXT, ME, [like(writer=writer)]) is None


@pytest.mark.parametrize("text", ["质量太差了", "不好用，差评！", ""])
def test_short_texts_are_alike_by_chance(text: str) -> None:
    assert same_text(text, ME, [like(text=text)]) is None
    assert fingerprints(text) == []


def test_a_different_complaint_is_not_alike() -> None:
    assert same_text(TEXT, ME, [like(text="杯盖漏水，装了热水放包里，书全湿了，补发的盖子也漏")]) is None


def test_it_sees_the_same_picture_of_another_account() -> None:
    found = same_picture(["https://img/1.jpg"], ME, [like(pictures=("https://img/1.jpg",))])
    assert found is not None
    assert same_picture(["https://img/2.jpg"], ME, [like(pictures=("https://img/1.jpg",))]) is None
    assert same_picture(["https://img/1.jpg"], ME, [like(writer=ME, pictures=("https://img/1.jpg",))]) is None


# --- bursts -----------------------------------------------------------------------------------------


def minutes(*ago: int) -> list[datetime]:
    return [NOON - timedelta(minutes=one) for one in ago]


def test_it_sees_more_marks_in_an_hour_than_usual() -> None:
    found = burst(NOON, minutes(0, 5, 9, 20, 40))
    assert found is not None
    assert found.facts["marks"] == 5


def test_a_product_with_many_marks_every_day_has_no_burst() -> None:
    history = [NOON - timedelta(minutes=10 * n) for n in range(1, 4000)]
    assert burst(NOON, [NOON, *history]) is None


def test_three_marks_or_a_file_with_days_only_are_no_burst() -> None:
    assert burst(NOON, minutes(0, 5, 9)) is None
    assert burst(NOON, [NOON] * 40) is None


# --- money asked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "给我退50块，再给50红包，否则差评",
        "不给钱就差评，你自己看着办",
        "转账100元我马上给你删评价",
        "想让我改好评可以，先转我88元",
        "给我打钱，不然天天追评曝光你们",
        "发个200红包，不然就挂出去让大家看看评论",
        "不返现就差评",
        "不免单就差评",
        "不给我50我就给你差评",
        "你们给我点补偿我就把评价删了",
        "再送一件，否则一星",
        "给100元我就改",
        "给二十元，我就把差评删了",
        "不给好处费就去小红书曝光",
        "你们店就这样：不返现就差评",
        "客服：您好，怎么了\n买家：不返现就差评",
        "客服：您好 买家：不免单就差评",
        "甲旗舰店:小美 (2026-11-20 10:00:00)：亲，怎么了\nt**6 (2026-11-20 10:01:00)：给100元我就改",
        "甲旗舰店 2026-11-20 10:00:00\n给您退款\nt**6 2026-11-20 10:01:00\n给我100红包，不然差评",
    ],
)
def test_it_finds_money_asked_against_the_review(text: str) -> None:
    assert [one.weight for one in find_demands(text)] == [3]


@pytest.mark.parametrize("text", ["给我退款，不然我就给差评", "不退就差评"])
def test_a_refund_asked_in_anger_is_a_weak_sign_only(text: str) -> None:
    found = demand([("chat", text)])
    assert found is not None
    assert found.weight == 1
    assert not suggests_malice([found, Signal(SignalKind.NO_ORDER, 1)])


@pytest.mark.parametrize(
    "text",
    [
        "碎了三个，客服说补发，到现在没收到，差评",
        "退款退了半个月还没到账，这种店就该一星",
        "说好好评返现5元，结果不给，骗子",
        "花了两百块买的，用了一天就坏了，必须差评",
        "客服让我删差评给我返20，我才不要",
        "客服说给我红包就改好评，我没答应",
        "我不要钱，不要红包，我就是要给差评",
        "我不要钱，不要红包，就等着给差评",
        "不是为了红包，不然我早给好评了",
        "说好返现又不返现就只能差评",
        "给100块买了个垃圾，就给一星",
        "等了20天，不给发货就差评",
    ],
)
def test_honest_anger_is_no_demand(text: str) -> None:
    assert demand([("review", text)]) is None


@pytest.mark.parametrize(
    "text",
    [
        "客服：给您转账20元红包，可以帮忙改成好评吗",
        "客服：您删差评我们给您转30元",
        "买家：杯子碎了\n卖家：你删评价我转账50元",
        "甲旗舰店:小美 (2026-11-20 10:00:00)：转账20元马上给您改好评",
        "甲旗舰店 2026-11-20 10:00:00\n转账20元马上改好评",
        "客服：您好\n补偿方案：给100元就改评价",
        "给您转账20元红包，可以帮忙改成好评吗",
    ],
)
def test_what_the_shop_offers_is_no_demand_of_the_buyer(text: str) -> None:
    assert find_demands(text) == []


def test_a_passage_is_the_buyers_only_outside_the_lines_of_the_shop() -> None:
    chat = "客服：您好\n我们给您补发\n买家：老板 懂的都懂吧\n客服：您想要什么"
    assert is_said_by_buyer("懂的都懂吧", chat)
    assert not is_said_by_buyer("我们给您补发", chat)
    assert not is_said_by_buyer("不存在的话", chat)
    assert not is_said_by_buyer("  ", chat)
