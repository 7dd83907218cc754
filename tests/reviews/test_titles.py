"""No invented title in a name: refused where it is set, left out where a buyer hears it."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from callbacks.chat_text import chat_text
from callbacks.script import call_facts
from reviews.models import Shop, Status, User
from reviews.titles import title_in, without_title
from tests.factories import make_case, make_user

TITLED = [
    ("客服主管林经理", "林"), ("林经理", "林"), ("王总", "王"), ("质检工程师老李", "老李"), ("陈店长", "陈"),
    ("平台客服小张", "小张"), ("高级售后专家组长小周", "专家小周"), ("Manager Lin", "Lin"), ("张律师", "张"),
]  # fmt: skip
PLAIN = ["林晓", "陈一鸣", "赵小北", "总司令鱼", "经纬", "小林", "Lin Xiao", "周总结", "售后小林", "lin"]


@pytest.mark.parametrize(("name", "bare"), TITLED)
def test_it_finds_the_title_in_a_name(name: str, bare: str) -> None:
    assert title_in(name)
    assert without_title(name).replace(" ", "") in (bare, name.replace(title_in(name), ""))
    assert not title_in(without_title(name))


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_name_is_left_alone(name: str) -> None:
    assert title_in(name) == ""
    assert without_title(name) == name


@pytest.mark.django_db
def test_it_is_refused_where_names_are_set(client: Client, administrator: User, agent: User) -> None:
    client.force_login(administrator)
    url = reverse("admin:reviews_user_add")
    data = {
        "username": "new",
        "display_name": "客服主管林经理",
        "password1": "pass-1-secret",
        "password2": "pass-1-secret",
    }
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    answer = client.post(url, {**data, **inline})
    assert "客服主管”是这个人没有的头衔" in answer.content.decode()
    assert not User.objects.filter(username="new").exists()
    agent.display_name = "林经理"
    with pytest.raises(ValidationError, match="经理"):
        agent.full_clean()


@pytest.mark.django_db
def test_who_manages_a_shop_may_be_called_so(manager: User) -> None:
    manager.display_name = "王店长"
    manager.full_clean()
    assert manager.name_for_buyers == "王店长"


@pytest.mark.django_db
def test_a_buyer_never_hears_it(shop: Shop) -> None:
    agent = make_user("lin", shop=shop, display_name="客服主管林经理")  # entered before the check
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    assert call_facts(case, agent)["agent"] == "林"
    assert "经理" not in chat_text(case, agent, [], None)
    alone = make_user("boss-1", shop=shop, display_name="总经理")
    assert call_facts(case, alone)["agent"] == ""  # the text says “我” instead
