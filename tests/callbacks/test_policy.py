"""Which remedy a defect and an order value earn, and that nothing else has a say."""

import ast
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import callbacks.defaults
from callbacks.models import RemedyPolicy
from callbacks.policy import (
    Ladder,
    PolicyError,
    Proof,
    Step,
    allows,
    parse,
    propose,
    rungs,
)
from callbacks.remedy_kinds import KINDS, RemedyKind
from callbacks.shop_policy import standing_of
from reviews.causes import COMPLAINTS, SUB_CAUSES, Cause, SubCause
from reviews.models import Rating, Review, ReviewVersion, Shop, User
from tests.factories import make_case, make_review

DEFAULTS = {
    row["sub_cause"]: parse(row["steps"])
    for row in json.loads((Path(callbacks.defaults.__file__).parent / "policy.json").read_text("utf-8"))
}
VALUES = st.one_of(st.none(), st.decimals(0, 5000, places=2))


def test_it_has_a_ladder_for_every_complaint_that_can_be_put_right() -> None:
    wanted = {sub for cause in COMPLAINTS if cause != Cause.MALICIOUS for sub in SUB_CAUSES[cause]}
    assert set(DEFAULTS) == wanted
    for sub, steps in DEFAULTS.items():
        for band in steps.bands:
            assert propose(steps, Decimal(band or 1), Proof.STATEMENT), (sub, band)


def test_it_pays_nothing_for_malice() -> None:
    assert not set(DEFAULTS) & set(SUB_CAUSES[Cause.MALICIOUS])


def test_it_begins_with_small_steps() -> None:
    for steps in DEFAULTS.values():
        first = [step for step in steps.steps if step.proof == Proof.STATEMENT]
        assert all(step.amount in (None, 5, 10) and step.share is None for step in first)


def test_it_knows_every_kind() -> None:
    assert set(KINDS) == set(RemedyKind)


@pytest.mark.parametrize(
    ("value", "band"),
    [(None, 0), ("0", 0), ("49.99", 0), ("50", 50), ("199.99", 50), ("200", 200), ("9999", 500)],
)
def test_it_finds_the_band(value: str | None, band: int) -> None:
    assert Ladder().band_of(Decimal(value) if value else None) == band


def test_it_proposes_by_defect_value_and_proof() -> None:
    steps, value = DEFAULTS["damaged_missing"], Decimal(129)
    word, photo, judged = (propose(steps, value, proof)[0] for proof in Proof)
    assert (word.kind, word.amount) == ("part_refund", Decimal(5))
    assert (photo.kind, photo.amount) == ("part_refund", Decimal("25.80"))  # a fifth of 129 – of 50–200
    assert (judged.kind, judged.amount) == ("refund", Decimal(129))


def test_it_rounds_a_share_half_up_to_the_fen() -> None:
    step = Step(0, Proof.PHOTO, "part_refund", share=15)
    assert step.cost(Decimal("0.10")) == Decimal("0.02")
    assert step.cost(Decimal("33.33")) == Decimal("5.00")


@given(VALUES, st.sampled_from(sorted(DEFAULTS)), st.sampled_from(list(Proof)))
def test_what_it_proposes_it_allows_and_never_more_than_the_order(
    value: Decimal | None, sub_cause: str, proof: Proof
) -> None:
    steps = DEFAULTS[sub_cause]
    for offer in propose(steps, value, proof):
        assert allows(steps, value, proof, offer.kind, offer.amount)
        if offer.step.share or offer.kind == "refund":
            assert offer.amount <= (value or 0)


@given(VALUES, st.sampled_from(sorted(DEFAULTS)))
def test_a_stronger_proof_allows_all_a_weaker_one_does(value: Decimal | None, sub_cause: str) -> None:
    steps = DEFAULTS[sub_cause]
    for proof, offers in rungs(steps, value).items():
        for offer in offers:
            stronger = list(Proof)[list(Proof).index(proof) :]
            assert all(allows(steps, value, one, offer.kind, offer.amount) for one in stronger)


def test_it_allows_less_and_not_more() -> None:
    steps, value = DEFAULTS["damaged_missing"], Decimal(129)
    assert allows(steps, value, Proof.PHOTO, "part_refund", Decimal("25.80"))
    assert allows(steps, value, Proof.PHOTO, "part_refund", Decimal(3))
    assert not allows(steps, value, Proof.PHOTO, "part_refund", Decimal("25.81"))
    assert not allows(steps, value, Proof.STATEMENT, "part_refund", Decimal("25.80"))
    assert not allows(steps, value, Proof.PHOTO, "cash", Decimal(1))
    assert allows(steps, value, Proof.PHOTO, "exchange", Decimal(18))  # freight is what it turns out to be


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"proof": "photo", "kind": "bribe"},
        {"proof": "tears", "kind": "coupon", "amount": "5"},
        {"from": 70, "proof": "photo", "kind": "coupon", "amount": "5"},
        {"proof": "photo", "kind": "part_refund"},
        {"proof": "photo", "kind": "part_refund", "amount": "5", "share": 10},
        {"proof": "photo", "kind": "part_refund", "share": 101},
        {"proof": "photo", "kind": "refund", "amount": "5"},
        {"proof": "photo", "kind": "coupon", "amount": "-5"},
        {"proof": "photo", "kind": "coupon", "amount": "5.001"},
        {"proof": "photo", "kind": "coupon", "amount": "NaN?"},
        {"proof": "photo", "kind": "exchange", "share": 10},
        "row",
    ],
)
def test_it_refuses_a_step_that_makes_no_sense(row: object) -> None:
    with pytest.raises(PolicyError):
        parse([row])


@given(st.sampled_from(sorted(DEFAULTS)))
def test_a_ladder_survives_being_stored(sub_cause: str) -> None:
    steps = DEFAULTS[sub_cause]
    assert parse(json.loads(json.dumps(steps.as_rows()))) == steps


# --- blind to the review -------------------------------------------------------------------------

REMEDY_CODE = (
    "policy.py",
    "shop_policy.py",
    "remedies.py",
    "limits.py",
    "ledger.py",
    "remedy_card.py",
    "remedy_kinds.py",
    "approvals.py",
    "models/remedies.py",
    "models/ledger.py",
    "models/policies.py",
)
MARKS = {
    "rating",
    "stars",
    "followup",
    "followup_at",
    "versions",
    "Rating",
    "ReviewVersion",
    "upset",
    "full_text",
}


@pytest.mark.parametrize("name", REMEDY_CODE)
def test_no_remedy_code_reads_the_mark_or_whether_it_changed(name: str) -> None:
    """Law: a compensation answers the problem and knows nothing of the review."""
    tree = ast.parse((Path("callbacks") / name).read_text("utf-8"))
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    read |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    paths = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for part in node.value.split("__")
    }
    assert not MARKS & (read | paths)


@pytest.mark.django_db
@pytest.mark.parametrize("rating", Rating.values)
def test_it_gives_the_same_whatever_the_mark_is_or_becomes(shop: Shop, agent: User, rating: str) -> None:
    case = make_case(shop, review=make_review(shop, rating=rating), assignee=agent)
    before = [(offer.kind, offer.amount) for offer in standing_of(case).offers]
    assert before == [("part_refund", Decimal(5)), ("coupon", Decimal(5))]
    Review.objects.filter(pk=case.review_id).update(rating="good", stars=5, version=2, followup="好了")
    ReviewVersion.objects.create(review=case.review, number=2, rating="good", source="api")
    case = type(case).objects.get(pk=case.pk)
    assert [(offer.kind, offer.amount) for offer in standing_of(case).offers] == before


@pytest.mark.django_db
def test_a_shops_own_ladder_goes_before_the_common_one(shop: Shop, other_shop: Shop, agent: User) -> None:
    steps = [{"from": 50, "proof": "statement", "kind": "gift", "amount": "3"}]
    RemedyPolicy.objects.create(shop=shop, sub_cause=SubCause.DAMAGED_MISSING, steps=steps)
    assert [offer.kind for offer in standing_of(make_case(shop)).offers] == ["gift"]
    assert [offer.kind for offer in standing_of(make_case(other_shop)).offers] == ["part_refund", "coupon"]


@pytest.mark.django_db
def test_an_unconfirmed_suspicion_changes_nothing(shop: Shop) -> None:
    case = make_case(shop, sub_cause="extortion", needs_decision=True)
    assert standing_of(case).sub_cause == SubCause.UNSPECIFIED
