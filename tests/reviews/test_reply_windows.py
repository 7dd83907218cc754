"""Until when a review may be answered: platform rules as data, and the verdict that follows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.compliance import find_offences
from reviews.platforms import ReplyPolicy, policies, reply_lengths, reply_policy, reply_window
from reviews.platforms.windows import ReplyWindow

WRITTEN = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
flags = st.none() | st.booleans()
some_policy = st.builds(
    ReplyPolicy,
    days=st.none() | st.just("unlimited") | st.integers(1, 400),
    once=flags,
    after_followup=flags,
)
spans = st.timedeltas(timedelta(0), timedelta(days=500))


def window(
    policy: ReplyPolicy, *, followup: bool = False, reply: bool = False, days: float = 1
) -> ReplyWindow:
    now = WRITTEN + timedelta(days=days)
    return reply_window(policy, written_at=WRITTEN, has_followup=followup, has_reply=reply, now=now)


def test_taobao_closes_after_thirty_days_to_the_second() -> None:
    taobao = reply_policy("taobao", TODAY)
    assert window(taobao, days=29.9999).closes_at == WRITTEN + timedelta(days=30)
    assert not window(taobao, days=29.9999).is_closed
    assert window(taobao, days=30).reason == "late"


def test_taobao_takes_no_reply_after_a_followup_and_tmall_is_taobao() -> None:
    assert window(reply_policy("tmall", TODAY), followup=True).reason == "followup"


def test_kuaishou_takes_one_reply_only() -> None:
    assert window(reply_policy("kuaishou", TODAY), reply=True).reason == "replied"


@pytest.mark.parametrize("platform", ["jd", "pdd", "douyin", "nowhere"])
def test_an_unknown_rule_is_never_called_open(platform: str) -> None:
    assert window(reply_policy(platform, TODAY), days=3000).state == "unknown"


def test_an_own_shop_has_no_end() -> None:
    assert window(reply_policy("own", TODAY), days=5000, followup=True, reply=True) == ReplyWindow("open")


@given(some_policy, st.booleans(), st.booleans(), spans, spans)
def test_what_is_closed_never_opens_again(
    policy: ReplyPolicy, followup: bool, reply: bool, first: timedelta, later: timedelta
) -> None:
    facts: Any = {"written_at": WRITTEN, "has_followup": followup, "has_reply": reply}
    before = reply_window(policy, **facts, now=WRITTEN + first)
    after = reply_window(policy, **facts, now=WRITTEN + first + later)
    assert not before.is_closed or after.is_closed


@given(some_policy, st.booleans(), st.booleans(), spans)
def test_open_means_that_every_rule_that_matters_is_known_and_kept(
    policy: ReplyPolicy, followup: bool, reply: bool, span: timedelta
) -> None:
    now = WRITTEN + span
    verdict = reply_window(policy, written_at=WRITTEN, has_followup=followup, has_reply=reply, now=now)
    if verdict.state == "open":
        assert policy.days is not None
        assert not followup or policy.after_followup
        assert not reply or policy.once is False
        assert verdict.closes_at is None or now < verdict.closes_at
    if verdict.state == "closed":
        assert verdict.reason


def test_a_value_looked_up_half_a_year_ago_is_named() -> None:
    assert reply_policy("taobao", TODAY).stale == ()
    assert "days" in reply_policy("taobao", TODAY + timedelta(days=200)).stale


def test_every_value_has_a_source_and_a_day() -> None:
    assert all(row.source and row.verified_on for row in policies().values())


def test_the_compliance_check_takes_its_lengths_from_here() -> None:
    long = "少发的配件今天补寄，单号在订单页可以看到。" * 100
    for platform, limit in reply_lengths().items():
        assert find_offences(long[:limit], "public_reply", platform) == []
        assert [one.rule for one in find_offences(long[: limit + 1], "public_reply", platform)] == ["R8"]
    assert find_offences(long[:900], "public_reply", "jd") == []
