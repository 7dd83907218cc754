"""The Chinese content that ships with the program: scripts, replies, demo. Plain data, no database."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callbacks.calling_rules import may_call
from callbacks.models import RemedyKind, Stage
from reviews.canonical import CanonicalRow, OrderRow, ReviewRow, check_row
from reviews.causes import CAUSE_OF, COMPLAINTS, SUB_CAUSES, Cause, SubCause
from reviews.compliance import find_offences
from reviews.template_text import KNOWN_VARIABLES

ROOT = Path(__file__).resolve().parent.parent
STAGES = list(Stage.values)
REPLY_FACTS = {"buyer_nick_masked", "item", "shop", "reply_name", "done", "next"}
SCRIPT_FACTS = KNOWN_VARIABLES - {"title", "reply_name", "buyer_nick_masked"}
MAY_BE_EMPTY = {"surname", "order_date", "item", "sku", "courier", "tracking_no", "buyer_nick_masked"}
VARIABLE = re.compile(r"\{(\w+)(\|[^{}]*)?\}")
APOLOGY = re.compile(r"对不起|抱歉|不好意思|对不住|道.?歉|赔.?不是")
# Asks for a rating, ties a benefit to a review, leads off the platform, or speaks absolutely (law.md, R1-R5).
FORBIDDEN = re.compile(
    r"好评|差评|五星|改评|评价|评分|追评|晒图|返现|红包|"
    r"加微信|微信号|二维码|求求|拜托|否则|老板骂|扣工资|第一|最好|最低|绝对|百分之?百|100%"
)
BENEFIT = re.compile(r"优惠券|红包|返现|赠送|送您|补偿金")
PERSONAL = re.compile(r"\d{7,}|@")
PHONE = re.compile(r"(1380013|1990000)\d{4}")
ZONE = ZoneInfo("Asia/Shanghai")
LOAD_DAY = datetime(2026, 11, 21, tzinfo=ZONE)
DEMO_SHOPS = ("demo-taobao", "demo-jd", "demo-pdd")
RELATIVE = re.compile(r"-\d+m|(?:-[1-9]\d*|\+\d+)d ([01]\d|2[0-3]):[0-5]\d|today[-+]\d+m")
NO_TEXT = "此用户没有填写评价"
HONEST = [sub for cause in COMPLAINTS if cause != Cause.MALICIOUS for sub in SUB_CAUSES[cause]]
MALICIOUS = list(SUB_CAUSES[Cause.MALICIOUS])


def load(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


SCRIPT: list[dict[str, str]] = load("callbacks/defaults/script_stages.json")
MANNER: list[dict[str, str]] = load("callbacks/defaults/manner.json")
REPLIES: list[dict[str, str]] = load("reviews/defaults/reply_templates.json")
ORDERS: dict[str, list[dict[str, Any]]] = load("reviews/demo/orders.json")
REVIEWS: dict[str, list[dict[str, Any]]] = load("reviews/demo/reviews.json")
HISTORIES: list[dict[str, Any]] = load("reviews/demo/histories.json")
LABELS: dict[str, dict[str, str]] = load("reviews/demo/labels.json")
STAFF: list[dict[str, Any]] = load("reviews/demo/staff.json")
ALL_REVIEWS = [row for rows in REVIEWS.values() for row in rows]
STEPS = [(history, step) for history in HISTORIES for step in history["steps"]]
# What the shop says; a pasted chat has the buyer's words, a verdict the platform's.
SAID = [(history, step) for history, step in STEPS if step["do"] not in ("chat", "verdict")]


def stage_text(stage: str, sub_cause: str) -> str:
    """The most specific text: sub-cause before cause before generic."""
    cause = CAUSE_OF[SubCause(sub_cause)]
    fitting = {(row["cause"], row["sub_cause"]): row["text"] for row in SCRIPT if row["stage"] == stage}
    for place in ((cause.value, sub_cause), (cause.value, ""), ("", "")):
        if place in fitting:
            return fitting[place]
    raise AssertionError(f"no text for {stage} {sub_cause}")


def offences(text: str) -> list[str]:
    """Forbidden words in what is left when the names of the facts are taken out."""
    return FORBIDDEN.findall(VARIABLE.sub("", text))


def shop_texts() -> Iterator[str]:
    yield from (row["text"] for row in SCRIPT + MANNER + REPLIES)
    for _history, step in SAID:
        yield from (step[name] for name in ("notes", "note", "text") if name in step)


def minutes(when: str) -> int:
    """Minutes from midnight of the load day; `-95m` counts from a load at noon."""
    if match := re.fullmatch(r"(?:today)?([-+]\d+)m", when):
        return 720 + int(match[1])
    days, clock = when.split("d ")
    return int(days) * 1440 + int(clock[:2]) * 60 + int(clock[3:])


def moment(when: str | int) -> datetime:
    """The instant a relative time stands for, for a load on LOAD_DAY at noon."""
    return LOAD_DAY + timedelta(minutes=when if isinstance(when, int) else minutes(when))


def refusals(row_type: type[CanonicalRow], row: dict[str, Any]) -> dict[str, list[str]]:
    """What intake would refuse in the row once its times are real."""
    times = {name: moment(value).isoformat() for name, value in row.items() if name.endswith("_at")}
    return check_row(row_type, {**row, **times})[1]


# --- script and manner ---------------------------------------------------------------------------


def test_it_names_only_fixed_codes() -> None:
    for row in SCRIPT + MANNER + REPLIES:
        cause, sub = row["cause"], row.get("sub_cause", "")
        assert cause == "" or cause in Cause.values
        assert sub == "" or CAUSE_OF[SubCause(sub)] == cause


def test_it_has_one_text_for_each_place_in_the_script() -> None:
    places = Counter((row["stage"], row["cause"], row["sub_cause"]) for row in SCRIPT)
    assert max(places.values()) == 1
    assert {stage for stage, _cause, _sub in places} == set(STAGES)


@pytest.mark.parametrize("sub_cause", HONEST + MALICIOUS)
@pytest.mark.parametrize("stage", STAGES)
def test_it_covers_every_stage_for_every_sub_cause(stage: str, sub_cause: str) -> None:
    assert len(stage_text(stage, sub_cause)) > 15


@pytest.mark.parametrize("sub_cause", HONEST)
@pytest.mark.parametrize("stage", ["ask", "apologise", "explain", "apologise_again", "remedy"])
def test_it_speaks_to_each_honest_sub_cause_in_its_own_words(stage: str, sub_cause: str) -> None:
    assert [row for row in SCRIPT if (row["stage"], row["sub_cause"]) == (stage, sub_cause)]


@pytest.mark.parametrize("sub_cause", HONEST + MALICIOUS)
def test_it_apologises_twice(sub_cause: str) -> None:
    assert APOLOGY.search(stage_text("apologise", sub_cause))
    assert APOLOGY.search(stage_text("apologise_again", sub_cause))


def test_it_does_not_take_plain_words_for_an_apology() -> None:
    assert not APOLOGY.search("我们按订单、物流和聊天记录来核对")


def test_it_never_says_mr_or_ms_aloud() -> None:
    for row in SCRIPT:
        spoken = re.sub(r"（.*?）", "", row["text"], flags=re.DOTALL)
        assert not re.search(r"先生|女士|小姐|美女|帅哥|亲爱", spoken), row


@pytest.mark.parametrize("sub_cause", MALICIOUS)
def test_it_offers_no_benefit_to_a_malicious_reviewer(sub_cause: str) -> None:
    text = stage_text("remedy", sub_cause)
    assert not re.search(r"退您|补您|补发|赔|券|运费我们", text)
    assert not re.search(r"恶意|敲诈|勒索|同行派|水军|报警", text.replace("不说对方是同行", ""))


def test_it_uses_only_known_facts_and_a_fallback_where_one_may_be_missing() -> None:
    for rows, facts in ((SCRIPT, SCRIPT_FACTS), (REPLIES, REPLY_FACTS)):
        for row in rows:
            for name, fallback in VARIABLE.findall(row["text"]):
                assert name in facts, row
                assert fallback or name not in MAY_BE_EMPTY, row
            assert not re.search(r"[{}]", VARIABLE.sub("", row["text"])), row


def test_it_fits_the_columns_that_keep_it() -> None:
    assert max(len(row["text"]) for row in SCRIPT) <= 1000
    assert max(len(row["text"]) for row in MANNER) <= 120
    assert max(len(row["name"]) for row in REPLIES) <= 80
    assert {row["cause"] for row in MANNER} == {"", *(cause.value for cause in COMPLAINTS)}


# --- public replies ------------------------------------------------------------------------------


def test_it_has_variants_of_every_reply() -> None:
    counts = Counter(row["sub_cause"] for row in REPLIES if row["purpose"] == "reply")
    assert all(counts[sub] >= 2 for sub in HONEST)
    assert all(1 <= counts[sub] <= 2 for sub in MALICIOUS)
    assert counts[""] >= 2


# What only some of a sub-cause's reviews say: in a reply only under "if".
INVENTED = re.compile(
    r"(?<!有)碎片|拆开|才用就|没用多久|这么具体|没有多写|看图买|平铺|不够显眼|送人确实|左等右等|白等|空等|干等|"
    r"(?<!要是)(?<!有)坏的(?:或|请)|路上捂坏|采摘|没熟的放|刚买完|不值这个价|用不上|来回跑|没到账|等来不对|"
    r"那样说话|没安排好|差一点|好的地方|几句|写下来|说一声，这份|夸一句|肯说"
)


@pytest.mark.parametrize("row", REPLIES, ids=lambda row: row["name"])
def test_it_tells_no_fact_that_the_sub_cause_alone_does_not_tell(row: dict[str, str]) -> None:
    assert not INVENTED.search(row["text"])


def test_it_thanks_in_many_ways() -> None:
    thanks = [row["text"] for row in REPLIES if row["purpose"] == "thanks"]
    assert len(thanks) >= 12
    openings = {re.sub(r"\W", "", VARIABLE.sub("", text))[:8] for text in thanks}
    assert len(openings) == len(thanks)


def test_it_keeps_public_replies_short_and_free_of_benefits_and_personal_data() -> None:
    for row in REPLIES:
        assert len(row["text"]) <= 200, row
        assert not BENEFIT.search(row["text"]), row
        assert not PERSONAL.search(row["text"]), row
    assert len({row["name"] for row in REPLIES}) == len({row["text"] for row in REPLIES}) == len(REPLIES)


# --- the law, with its negative control ----------------------------------------------------------


def test_it_says_nothing_forbidden() -> None:
    assert [(text, found) for text in shop_texts() if (found := offences(text))] == []


def test_it_passes_the_compliance_check_even_where_a_compensation_stands() -> None:
    by_kind = [(row["text"], "script") for row in SCRIPT] + [(row["text"], "public_reply") for row in REPLIES]
    by_kind += [(step["text"], "public_reply") for _history, step in STEPS if "text" in step]
    by_kind += [
        (step[name], "note") for _history, step in STEPS for name in ("note", "notes") if step.get(name)
    ]
    found = [
        find_offences(text, kind, platform, benefit_in_case=True)
        for text, kind in by_kind
        for platform in ("taobao", "jd", "pdd")
    ]
    assert [offence for offence in found if offence] == []


@pytest.mark.parametrize(
    "text",
    [
        "给个好评，返现五元",
        "改评以后给您退款",
        "麻烦您删除评价",
        "加微信领红包",
        "五星晒图送您一份",
        "否则老板骂我",
    ],
)
def test_it_would_notice_a_forbidden_text(text: str) -> None:
    assert offences(text)


# --- the demo ------------------------------------------------------------------------------------


def test_it_gives_every_review_one_key_and_one_label() -> None:
    keys = [row["review_key"] for row in ALL_REVIEWS]
    assert len(keys) == len(set(keys)) == len(LABELS)
    assert set(keys) == set(LABELS)
    assert all(CAUSE_OF[SubCause(label["sub_cause"])] == label["cause"] for label in LABELS.values())


def test_it_passes_the_check_of_intake() -> None:
    assert set(REVIEWS) == set(ORDERS) == set(DEMO_SHOPS)
    refused = [refusals(ReviewRow, row) for row in ALL_REVIEWS]
    refused += [refusals(OrderRow, row) for rows in ORDERS.values() for row in rows]
    assert [errors for errors in refused if errors] == []


def test_it_marks_each_review_as_its_platform_does() -> None:
    assert all("rating" in row and "stars" not in row for row in REVIEWS["demo-taobao"])
    assert all("stars" in row and "rating" not in row for row in REVIEWS["demo-jd"])
    assert all("stars" in row and "rating" in row for row in REVIEWS["demo-pdd"])


def test_it_matches_every_review_that_names_an_order() -> None:
    for code, rows in REVIEWS.items():
        orders = {(row["order_no"], row["sub_order_no"]): row for row in ORDERS[code]}
        assert len(orders) == len(ORDERS[code])
        for row in rows:
            if not row["order_no"]:
                assert LABELS[row["review_key"]]["cause"] == Cause.MALICIOUS
                continue
            order = orders[row["order_no"], row["sub_order_no"]]
            assert order["item_id"] == row["item_id"]
            assert minutes(order["created_at"]) < minutes(row["created_at"])


def test_it_shows_every_sub_cause_and_rating() -> None:
    counts = Counter(label["sub_cause"] for label in LABELS.values())
    assert all(counts[sub] >= 5 for sub in HONEST + MALICIOUS)
    assert {row.get("rating") for row in ALL_REVIEWS} >= {"good", "neutral", "bad"}
    assert {row.get("stars") for row in ALL_REVIEWS} >= {1, 2, 3, 4, 5}


def test_it_repeats_no_review_text() -> None:
    texts = [row["content"] for row in ALL_REVIEWS if row["content"] != NO_TEXT]
    assert len(texts) == len(set(texts))
    assert any(row["content"] == NO_TEXT for row in ALL_REVIEWS)


def test_it_has_good_reviews_that_complain_and_bad_followups() -> None:
    good = [row for row in ALL_REVIEWS if row.get("rating") == "good" or row.get("stars", 0) >= 4]
    complaining = [row for row in good if LABELS[row["review_key"]]["cause"] != "none"]
    assert len([row for row in complaining if "followup" not in row]) >= 8
    assert len([row for row in complaining if "followup" in row]) >= 4


def test_it_invents_phones_and_shares_some_buyers_between_shops() -> None:
    shops_of: dict[str, set[str]] = {}
    for code, rows in ORDERS.items():
        for row in rows:
            if phone := row["buyer_phone"]:
                assert PHONE.fullmatch(phone)
                shops_of.setdefault(phone, set()).add(code)
    assert len([codes for codes in shops_of.values() if len(codes) > 1]) >= 5


def test_it_writes_every_time_relative_to_the_load() -> None:
    times = [row[name] for row in ALL_REVIEWS for name in ("created_at", "followup_at") if name in row]
    times += [history["opened"] for history in HISTORIES]
    times += [step["at"] for _history, step in STEPS if "at" in step]
    for rows in ORDERS.values():
        times += [value for row in rows for name, value in row.items() if name.endswith("_at")]
    assert [when for when in times if not RELATIVE.fullmatch(when)] == []


def test_it_tells_histories_in_order_and_before_the_load() -> None:
    keys = {row["review_key"] for row in ALL_REVIEWS}
    names = {person["username"] for person in STAFF}
    for history in HISTORIES:
        after = [step["after"] for step in history["steps"]]
        assert history["review_key"] in keys
        assert after == sorted(after)
        limit = 720 if history["opened"].endswith("m") else 0
        assert minutes(history["opened"]) + after[-1] < limit
        assert {step["by"] for step in history["steps"]} <= names
    assert len({history["review_key"] for history in HISTORIES}) == len(HISTORIES) >= 90


def test_it_lets_only_agents_of_the_shop_work_on_a_case() -> None:
    shops = {person["username"]: set(person["shops"]) for person in STAFF}
    shop_of = {row["review_key"]: code for code, rows in REVIEWS.items() for row in rows}
    assert [step for history, step in STEPS if shop_of[history["review_key"]] not in shops[step["by"]]] == []


def test_it_makes_only_calls_that_the_calling_rules_permit() -> None:
    for history in HISTORIES:
        attempts: list[datetime] = []
        for step in [step for step in history["steps"] if step["do"] == "call"]:
            now = moment(minutes(history["opened"]) + step["after"])
            permission = may_call(
                now=now, shop_zone=ZONE, calling_from=time(9), calling_until=time(20, 30), attempts=attempts
            )
            assert permission.allowed, (history["review_key"], permission.reason)
            attempts.append(now)
            assert set(step["stages"]) <= set(STAGES)


def test_it_calls_nobody_who_asked_not_to_be_called() -> None:
    phone_of = {row["order_no"]: row["buyer_phone"] for rows in ORDERS.values() for row in rows}
    order_of = {row["review_key"]: row["order_no"] for row in ALL_REVIEWS}
    forbidden: set[str] = set()
    calls = [
        (
            minutes(history["opened"]) + step["after"],
            phone_of[order_of[history["review_key"]]],
            step["outcome"],
        )
        for history, step in STEPS
        if step["do"] == "call"
    ]
    for _when, phone, outcome in sorted(calls):
        assert phone
        assert phone not in forbidden
        forbidden |= {phone} if outcome == "do_not_call" else set()
    assert forbidden


def test_it_has_a_manager_approve_what_is_above_the_agents_limit() -> None:
    remedies = [step for _history, step in STEPS if step["do"] == "remedy"]
    assert {step["kind"] for step in remedies} == set(RemedyKind.values)
    for history in HISTORIES:
        verbs = [step["do"] for step in history["steps"]]
        dear = [step for step in history["steps"] if step["do"] == "remedy" and float(step["amount"]) > 30]
        if "close" in verbs:
            assert verbs.count("approve") == len(dear), history["review_key"]


def test_it_leaves_cases_in_every_state() -> None:
    last = Counter(history["steps"][-1]["do"] for history in HISTORIES)
    outcomes = {step["outcome"] for _history, step in STEPS if step["do"] == "close"}
    assert outcomes == {"solved", "solved_follow_up", "refused", "unreachable", "malicious", "no_action"}
    assert last["promise"] >= 5
    assert {"start", "call", "remedy", "close"} <= set(last)
    untouched = {key for key, label in LABELS.items() if label["cause"] != "none"}
    assert untouched - {history["review_key"] for history in HISTORIES}


def test_it_pays_no_remedy_to_a_malicious_reviewer() -> None:
    paid = {history["review_key"] for history, step in STEPS if step["do"] == "remedy"}
    assert [key for key in paid if LABELS[key]["cause"] == Cause.MALICIOUS] == []
