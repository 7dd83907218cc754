"""Call scripts: the ten stages as read, changed for one shop, refused when the call would go wrong."""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from callbacks import contacts, remedies
from callbacks.holding import NotAllowed
from callbacks.models import Answer, ScriptStage, Stage
from callbacks.script import script_for
from callbacks.script_editing import Place, UnfitScript, save_stage
from reviews.causes import SUB_CAUSES, Cause
from reviews.models import AuditEntry, Role, Shop, ShopMembership, Status, User
from reviews.models.audit import Action
from reviews.sequence import SequenceRefusal
from tests.factories import make_case, make_review

LIST = reverse("callbacks:scripts")
QUERIES = 8  # one of them: whether a drift alarm rings
WORDS = "这事真对不起您，杯子碎了谁都窝火。"
UNLAWFUL = "您把差评改成五星好评，我给您返十块钱红包，对不起。"


def url(place: dict[str, str], stage: str = "apologise", verb: str = "stage", *version: int) -> str:
    return f"{reverse(f'callbacks:script_{verb}', args=[stage, *version])}?{urlencode(place)}"


@pytest.fixture
def place(shop: Shop) -> dict[str, str]:
    return {"shop": shop.code, "cause": "product", "sub_cause": "damaged_missing"}


@pytest.fixture
def client_of_manager(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def text_of(shop: Shop, stage: str, cause: str = "product", sub_cause: str = "damaged_missing") -> str:
    return ScriptStage.objects.fitting(shop, cause, sub_cause)[stage].text


# --- rights ----------------------------------------------------------------------------------------


def test_it_is_for_managers(client: Client, agent: User, place: dict[str, str]) -> None:
    client.force_login(agent)
    assert client.get(LIST).status_code == 403
    assert client.get(url(place)).status_code == 403
    assert client.post(url(place), {"text": WORDS}).status_code == 403
    assert client.post(url(place, verb="reset")).status_code == 403


def test_another_shops_script_is_not_there(client_of_manager: Client, other_shop: Shop) -> None:
    assert client_of_manager.get(url({"shop": other_shop.code})).status_code == 404
    assert client_of_manager.post(url({"shop": other_shop.code}, verb="reset")).status_code == 404


def test_a_shop_one_only_works_for_is_closed(
    client_of_manager: Client, manager: User, other_shop: Shop
) -> None:
    ShopMembership.objects.create(user=manager, shop=other_shop, role=Role.AGENT)
    assert client_of_manager.get(url({"shop": other_shop.code})).status_code == 403


def test_the_common_script_is_for_administrators(
    client: Client, manager: User, administrator: User, shop: Shop
) -> None:
    client.force_login(manager)
    assert client.post(url({"shop": "common"}), {"text": WORDS}).status_code == 403
    client.force_login(administrator)
    assert client.post(url({"shop": "common"}), {"text": WORDS}).status_code == 302
    assert text_of(shop, "apologise", "", "") == WORDS


def test_what_does_not_exist_is_not_found(client_of_manager: Client, shop: Shop) -> None:
    assert client_of_manager.get(url({"shop": shop.code}, "shout")).status_code == 404
    assert (
        client_of_manager.get(
            url({"shop": shop.code, "cause": "product", "sub_cause": "delivery"})
        ).status_code
        == 404
    )
    assert client_of_manager.get(url({})).status_code == 404


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [Cause.PRODUCT, Cause.SUBJECTIVE, Cause.SERVICE, Cause.MALICIOUS])
def test_it_shows_the_ten_stages_filled(client_of_manager: Client, cause: Cause) -> None:
    for sub_cause in SUB_CAUSES[cause]:
        response = client_of_manager.get(LIST, {"cause": cause, "sub_cause": sub_cause})
        rows = response.context["rows"]
        assert [row.stage for row in rows] == list(Stage)
        assert all(row.text and "{" not in row.text for row in rows)


def test_it_asks_the_same_for_every_cause(
    client_of_manager: Client, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for stage in ("ask", "listen", "remedy"):
        ScriptStage.objects.create(shop=shop, stage=stage, cause="product", sub_cause="odor", text="嗯。")
    for query in ({}, {"cause": "service"}, {"cause": "product", "sub_cause": "odor"}):
        with django_assert_num_queries(QUERIES):
            client_of_manager.get(LIST, query)


def test_a_sub_cause_of_another_cause_is_dropped(client_of_manager: Client) -> None:
    place = client_of_manager.get(LIST, {"cause": "service", "sub_cause": "odor"}).context["place"]
    assert (place.cause, place.sub_cause) == ("service", "")


def test_it_tells_where_a_stage_comes_from(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    ScriptStage.objects.create(
        shop=shop, stage="ask", cause="product", sub_cause="damaged_missing", text="哪里破了？"
    )
    response = client_of_manager.get(LIST, place)
    assert [row.stage for row in response.context["rows"] if row.is_own] == [Stage.ASK]
    assert "哪里破了？" in response.content.decode()


# --- changing --------------------------------------------------------------------------------------


def test_it_keeps_the_shops_own_words(
    client_of_manager: Client, shop: Shop, other_shop: Shop, place: dict[str, str]
) -> None:
    common = text_of(other_shop, "apologise")
    client_of_manager.post(url(place), {"text": WORDS})
    assert text_of(shop, "apologise") == WORDS
    assert text_of(other_shop, "apologise") == common


def test_agents_read_the_new_words(
    client_of_manager: Client, shop: Shop, agent: User, place: dict[str, str]
) -> None:
    client_of_manager.post(url(place), {"text": WORDS})
    lines = script_for(make_case(shop), agent, None)
    assert next(line.text for line in lines if line.stage == Stage.APOLOGISE) == WORDS


def test_it_refuses_unlawful_words(client_of_manager: Client, shop: Shop, place: dict[str, str]) -> None:
    before = text_of(shop, "apologise")
    response = client_of_manager.post(url(place), {"text": UNLAWFUL})
    assert response.status_code == 422
    assert UNLAWFUL in response.content.decode()
    assert 'id="id_text_error"' in response.content.decode()
    assert text_of(shop, "apologise") == before
    assert AuditEntry.objects.filter(action=Action.COMPLIANCE).exists()


def test_it_refuses_a_call_without_two_apologies(client_of_manager: Client, place: dict[str, str]) -> None:
    response = client_of_manager.post(url(place), {"text": "您说得对，我记下了。"})
    assert response.status_code == 422
    assert "“第一次道歉”：缺少道歉" in response.content.decode()


def test_it_refuses_a_cause_before_the_first_apology(
    client_of_manager: Client, place: dict[str, str]
) -> None:
    response = client_of_manager.post(url(place, "listen"), {"text": "嗯，这是因为快递摔的。"})
    assert response.status_code == 422


def test_it_refuses_an_unknown_variable(client_of_manager: Client, place: dict[str, str]) -> None:
    response = client_of_manager.post(url(place), {"text": "对不起，{phone}"})
    assert response.status_code == 422
    assert "{phone}" in response.content.decode()


def test_a_fault_elsewhere_hinders_nobody(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    ScriptStage.objects.create(
        shop=shop, stage="apologise_again", cause="product", sub_cause="damaged_missing", text="嗯。"
    )
    assert client_of_manager.post(url(place, "ask"), {"text": "哪里碎了？"}).status_code == 302


def test_it_goes_back_to_the_common_words(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    before = text_of(shop, "apologise")
    client_of_manager.post(url(place), {"text": WORDS})
    client_of_manager.post(url(place, verb="reset"))
    assert text_of(shop, "apologise") == before


def test_older_words_come_back_also_after_a_reset(
    client_of_manager: Client, shop: Shop, place: dict[str, str], manager: User
) -> None:
    client_of_manager.post(url(place), {"text": WORDS})
    client_of_manager.post(url(place, verb="reset"))
    version = ScriptStage.history.filter(shop=shop, text=WORDS).first()
    assert version.history_user == manager
    client_of_manager.post(url(place, "apologise", "restore", version.history_id))
    assert text_of(shop, "apologise") == WORDS


def test_a_version_of_another_place_is_not_found(client_of_manager: Client, place: dict[str, str]) -> None:
    client_of_manager.post(url(place), {"text": WORDS})
    version = ScriptStage.history.filter(text=WORDS).first().history_id
    assert client_of_manager.post(url(place, "ask", "restore", version)).status_code == 404


def test_todays_rules_decide_about_old_words_and_the_refusal_is_kept(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    """They were kept before the rule existed."""
    where: dict[str, Any] = {
        "shop": shop,
        "stage": "apologise",
        "cause": "product",
        "sub_cause": "damaged_missing",
    }
    ScriptStage.objects.update_or_create(**where, defaults={"text": UNLAWFUL})
    version = ScriptStage.history.filter(shop=shop).first()
    client_of_manager.post(url(place), {"text": WORDS})
    client_of_manager.post(url(place, "apologise", "restore", version.history_id))
    assert text_of(shop, "apologise") == WORDS
    assert AuditEntry.objects.get().action == Action.COMPLIANCE


def test_a_preview_writes_nothing(client_of_manager: Client, shop: Shop, place: dict[str, str]) -> None:
    before = text_of(shop, "apologise")
    response = client_of_manager.post(url(place), {"text": "您好{surname}，对不起", "preview": "1"})
    assert "您好王，对不起" in response.content.decode()
    live = client_of_manager.post(reverse("callbacks:script_preview"), {"text": "{item}"})
    assert "雾蓝保温杯" in live.content.decode()
    assert text_of(shop, "apologise") == before


def test_nothing_is_written_on_get(client_of_manager: Client, place: dict[str, str]) -> None:
    assert client_of_manager.get(url(place, verb="reset")).status_code == 405


# --- a benefit and the review, in two stages of one call ---------------------------------------------

UPDATE = "评价是您自己的，想修改评价由您决定。"
GIFT = "我们给您退20元，您看可以吗？"


def lean_script(shop: Shop, **texts: str) -> None:
    """Of the shop alone, with nothing given and nothing said of the review."""
    ScriptStage.objects.all().delete()
    base = dict.fromkeys(Stage.values, "对不起，让您费心了。")
    for stage, text in {**base, **texts}.items():
        ScriptStage.objects.create(stage=stage, text=text)
    shop.may_mention_reviews = True
    shop.save()


@pytest.mark.parametrize(("general", "specific"), [(UPDATE, GIFT), (GIFT, UPDATE)])
def test_a_general_stage_is_checked_with_every_specific_one(
    shop: Shop, administrator: User, general: str, specific: str
) -> None:
    lean_script(shop)
    ScriptStage.objects.create(stage="remedy", cause="product", sub_cause="quality", text=specific)
    with pytest.raises(UnfitScript, match="R1"):
        save_stage(Place(None), Stage.CLOSE, f"{general}对不起。", by=administrator)
    ScriptStage.objects.filter(sub_cause="quality").delete()
    save_stage(Place(None), Stage.CLOSE, f"{general}对不起。", by=administrator)


def test_a_specific_stage_is_checked_with_the_general_ones_of_its_call(shop: Shop, manager: User) -> None:
    lean_script(shop, close=UPDATE)
    with pytest.raises(UnfitScript, match="R1"):
        save_stage(Place(shop, "product", "quality"), Stage.REMEDY, GIFT, by=manager)
    ScriptStage.objects.create(stage="close", cause="product", text="再见，对不起。")
    save_stage(Place(shop, "product", "quality"), Stage.REMEDY, GIFT, by=manager)


def test_words_of_the_review_are_held_back_until_they_are_told(shop: Shop, agent: User) -> None:
    lean_script(shop, close=f"还有别的吗？{UPDATE}")
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)

    def closing() -> str:
        return {line.stage.value: line.text for line in script_for(case, agent, None)}["close"]

    assert closing() == "还有别的吗？"
    contacts.tell_of_review(case, by=agent)
    assert UPDATE in closing()
    with pytest.raises(SequenceRefusal):
        remedies.offer_remedy(case, "coupon", amount=Decimal(5), note="", by=agent)


def test_a_case_with_a_compensation_never_shows_words_of_the_review(shop: Shop, agent: User) -> None:
    lean_script(shop, close=f"还有别的吗？{UPDATE}")
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    remedies.offer_remedy(case, "coupon", amount=Decimal(5), note="", by=agent)
    assert "评价" not in "".join(line.text for line in script_for(case, agent, None))
    with pytest.raises(NotAllowed):
        contacts.tell_of_review(case, by=agent)


def test_what_a_buyer_wrote_makes_no_script_unlawful(shop: Shop, agent: User) -> None:
    lean_script(shop, recall="您说的是：{content_excerpt|那件事}。")
    review = make_review(shop, content="返现十块就改好评")
    case = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    lines = {line.stage.value: line.text for line in script_for(case, agent, None)}
    assert lines["recall"] == "您说的是：那件事。"


# --- what the buyer answers ------------------------------------------------------------------------


BUSY = {"answer": "busy"}


def test_it_keeps_the_words_after_an_answer(
    client_of_manager: Client, shop: Shop, place: dict[str, str], agent: User
) -> None:
    client_of_manager.post(url(place | BUSY, "introduce"), {"text": "好，那几点方便？"})
    row = ScriptStage.objects.get(shop=shop)
    assert (row.stage, row.answer, row.sub_cause) == ("introduce", "busy", "damaged_missing")
    lines = {line.stage: line for line in script_for(make_case(shop), agent, None)}
    words = {one.answer: one.text for one in lines[Stage.INTRODUCE].answers}
    assert words[Answer.BUSY] == "好，那几点方便？"
    assert words[Answer.DOUBTFUL]
    assert lines[Stage.INTRODUCE].text != "好，那几点方便？"
    assert "好，那几点方便？" in client_of_manager.get(LIST, place).content.decode()


def test_the_lint_reads_the_words_after_an_answer_and_says_where(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    answer = client_of_manager.post(url(place | BUSY, "introduce"), {"text": "我是总经理，您今天必须答应。"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert re.search("“说明来意 · 现在不方便”：“[^”]*总经理", page)
    assert not ScriptStage.objects.filter(shop=shop).exists()


def test_an_unlawful_answer_is_refused_with_its_stage(
    client_of_manager: Client, place: dict[str, str]
) -> None:
    page = client_of_manager.post(url(place | BUSY, "introduce"), {"text": UNLAWFUL}).content.decode()
    assert "“说明来意 · 现在不方便”：" in page
    assert "R1" in page


def test_a_benefit_and_the_review_do_not_meet_across_answers(shop: Shop, manager: User) -> None:
    lean_script(shop, remedy=GIFT)
    with pytest.raises(UnfitScript, match="R1"):
        save_stage(Place(shop), Stage.CLOSE, UPDATE, by=manager, answer="settled")


def test_an_answer_the_stage_has_not_is_not_found(client_of_manager: Client, place: dict[str, str]) -> None:
    for query in ({"answer": "forgot"}, {"answer": "nonsense"}):
        assert client_of_manager.get(url(place | query, "introduce")).status_code == 404


def test_an_answer_has_versions_of_its_own(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    client_of_manager.post(url(place, "introduce"), {"text": "您好，我是售后的。"})
    for text in ("好，几点方便？", "好，明天几点方便？"):
        client_of_manager.post(url(place | BUSY, "introduce"), {"text": text})
    versions = client_of_manager.get(url(place | BUSY, "introduce")).context["versions"]
    assert [one.record.text for one in versions] == ["好，明天几点方便？", "好，几点方便？"]
    assert [piece.text for piece in versions[0].pieces if piece.kind == "added"] == ["明天"]
    first = versions[1].record.history_id
    client_of_manager.post(url(place | BUSY, "introduce", "restore", first))
    assert ScriptStage.objects.get(shop=shop, answer="busy").text == "好，几点方便？"


# --- tried on a real case ----------------------------------------------------------------------------


def test_it_previews_with_the_facts_of_a_real_case(
    client_of_manager: Client, shop: Shop, place: dict[str, str]
) -> None:
    case = make_case(shop, review=make_review(shop, content="杯盖磕掉一块"))
    page = client_of_manager.get(url(place)).content.decode()
    assert f'<option value="{case.pk}">' in page
    asked = {"text": "您说“{content_excerpt}”，{tracking_no|我去查}。", "case": case.pk}
    shown = client_of_manager.post(reverse("callbacks:script_preview"), asked).content.decode()
    assert "您说“杯盖磕掉一块”" in shown
    assert "您说“”，我去查。" in shown  # and how it reads when nothing is known


def test_it_previews_no_case_of_another_shop(client_of_manager: Client, other_shop: Shop) -> None:
    asked = {"text": "{content_excerpt}", "case": make_case(other_shop).pk}
    assert client_of_manager.post(reverse("callbacks:script_preview"), asked).status_code == 404
