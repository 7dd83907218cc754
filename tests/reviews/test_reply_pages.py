"""Pages of public replies: tabs, acts, the library, pictures, the count of queries."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from reviews import replies
from reviews.models import Case, PublicReply, ReplyTemplate, Review, Shop, User
from reviews.search_keys import search_key
from tests.factories import make_case, make_review, make_user

pytestmark = pytest.mark.django_db
LIST = reverse("reviews:replies")
QUERIES = 9
THANKS_QUERIES = 10


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    case = make_case(shop, assignee=agent)
    case.take(agent)
    replies.draft_reply(case.review, case)
    return case


@pytest.fixture
def reply(case: Case) -> PublicReply:
    return PublicReply.objects.select_related("review__shop").get()


def html(client: Client, user: User, address: str) -> str:
    client.force_login(user)
    return client.get(address).content.decode()


def act(client: Client, user: User, reply: PublicReply, **data: Any) -> PublicReply:
    client.force_login(user)
    verb = "decide" if "approve" in data else "report"
    answer = client.post(reverse(f"reviews:reply_{verb}", args=[reply.pk]), data)
    assert answer.status_code == 302
    return PublicReply.objects.get(pk=reply.pk)


def test_each_reply_stands_in_its_tab(
    client: Client, reply: PublicReply, case: Case, agent: User, manager: User
) -> None:
    assert "破损" in html(client, agent, LIST)
    assert reply.text in html(client, agent, f"{LIST}?tab=draft")
    act(client, agent, reply, act="submit")
    assert reply.text in html(client, manager, f"{LIST}?tab=approve")
    act(client, manager, reply, approve="1", text=reply.text)
    assert reply.text in html(client, agent, f"{LIST}?tab=post")
    act(client, agent, reply, act="posted")
    assert reply.text in html(client, agent, f"{LIST}?tab=posted")
    act(client, agent, reply, act="removed", reason="平台处理")
    assert "平台处理" in html(client, agent, f"{LIST}?tab=back")


def test_a_window_about_to_close_is_counted_down(client: Client, reply: PublicReply, agent: User) -> None:
    assert reply.text not in html(client, agent, f"{LIST}?tab=closing")
    Review.objects.update(created_at=timezone.now() - timedelta(days=26, hours=20))
    assert "回复窗口还剩 3 天 3 小时" in html(client, agent, LIST)
    Review.objects.update(created_at=timezone.now() - timedelta(days=28))
    assert reply.text in html(client, agent, f"{LIST}?tab=closing")


def test_an_unknown_rule_is_said_and_a_closed_window_offers_nothing(
    client: Client, reply: PublicReply, case: Case, agent: User, shop: Shop
) -> None:
    page = reverse("callbacks:case", args=[case.pk])
    assert "已发布" in html(client, agent, page)
    Review.objects.update(created_at=timezone.now() - timedelta(days=40))
    closed = html(client, agent, page)
    assert "回复窗口已关闭" in closed
    assert reverse("callbacks:reply_posted", args=[case.pk]) not in closed
    shop.platform = "jd"
    shop.save()
    assert "请查平台规则" in html(client, agent, page)


def test_an_agent_hands_in_on_the_case_page_where_a_manager_approves(
    client: Client, case: Case, agent: User, manager: User, shop: Shop
) -> None:
    replies.set_approval_rule(shop, True, by=manager)
    page = html(client, agent, reverse("callbacks:case", args=[case.pk]))
    assert reverse("callbacks:reply_posted", args=[case.pk]) not in page
    client.post(reverse("callbacks:reply_hand_in", args=[case.pk]), {"text": "您好，抱歉让您久等。"})
    assert PublicReply.objects.get().status == "submitted"
    refused = client.post(reverse("callbacks:reply_posted", args=[case.pk]), {"text": "您好，抱歉让您久等。"})
    assert refused.status_code == 422
    assert PublicReply.objects.get().status == "submitted"


def test_approval_is_of_the_text_that_was_read(
    client: Client, reply: PublicReply, agent: User, manager: User
) -> None:
    act(client, agent, reply, act="submit")
    assert act(client, manager, reply, approve="1", text="别的话").status == "submitted"
    assert act(client, manager, reply, approve="0", reason="说清楚").status == "draft"


def default_acts(page: str) -> list[tuple[str, str]]:
    """What Enter in each field for a reason presses: the first button of its form."""
    forms = [form for form in page.split("<form")[1:] if 'name="reason"' in form.split("</form")[0]]
    first = [re.search(r'<button class="[^"]*" name="(\w+)" value="(\w+)"', form) for form in forms]
    return [(found[1], found[2]) for found in first if found]


def test_enter_in_a_reason_never_approves_or_posts(
    client: Client, reply: PublicReply, agent: User, manager: User
) -> None:
    act(client, agent, reply, act="submit")
    assert default_acts(html(client, manager, f"{LIST}?tab=approve")) == [("approve", "0")]
    act(client, manager, reply, approve="1", text=reply.text)
    assert default_acts(html(client, agent, f"{LIST}?tab=post")) == [("act", "refused")]
    act(client, agent, reply, act="unsure")
    assert default_acts(html(client, agent, f"{LIST}?tab=post")) == [("act", "refused")]


def test_a_reason_goes_with_no_approval_and_no_posting(
    client: Client, reply: PublicReply, agent: User, manager: User
) -> None:
    act(client, agent, reply, act="submit")
    assert act(client, manager, reply, approve="1", text=reply.text, reason="太生硬").status == "submitted"
    act(client, manager, reply, approve="1", text=reply.text)
    assert act(client, agent, reply, act="posted", reason="含联系方式").status == "approved"


@pytest.mark.parametrize("approved", [False, True])
def test_after_the_window_one_may_still_say_that_it_is_posted(
    client: Client, reply: PublicReply, case: Case, agent: User, manager: User, approved: bool
) -> None:
    if approved:
        replies.approve_reply(reply, by=manager)
    Review.objects.update(followup="又坏了")
    page = html(client, agent, reverse("reviews:review", args=[reply.review_id]))
    assert 'value="posted"' in page
    assert 'value="unsure"' not in page
    assert f'data-copy="#reply-{reply.pk}"' not in page
    assert act(client, agent, reply, act="posted", text=reply.text).status == "posted"


def test_a_colleague_cannot_speak_in_an_open_case(client: Client, reply: PublicReply, shop: Shop) -> None:
    client.force_login(make_user("mei", shop=shop))
    address = reverse("reviews:reply_report", args=[reply.pk])
    assert client.post(address, {"act": "posted"}).status_code == 403


def test_only_the_shops_manager_sets_the_rule(client: Client, shop: Shop, agent: User, manager: User) -> None:
    for user, status in ((agent, 403), (manager, 302)):
        client.force_login(user)
        answer = client.post(reverse("reviews:replies_rule"), {"shop": shop.pk, "needed": "1"})
        assert answer.status_code == status
    shop.refresh_from_db()
    assert shop.replies_need_approval


def test_the_list_asks_the_same_whatever_the_rows(
    client: Client, shop: Shop, agent: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(agent)
    for number in (1, 6):
        for _case in range(number):
            case = make_case(shop)
            replies.draft_reply(case.review, case)
        with django_assert_num_queries(QUERIES):
            client.get(LIST)


def test_the_page_of_good_reviews_asks_the_same_whatever_the_rows(
    client: Client, shop: Shop, agent: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(agent)
    for number in (1, 6):
        for _review in range(number):
            make_review(shop, rating="good", content="很好")
        with django_assert_num_queries(THANKS_QUERIES):
            client.get(reverse("reviews:thanks"))


def test_thanks_go_from_choice_over_preview_to_posted(
    client: Client, shop: Shop, manager: User, django_capture_on_commit_callbacks: Any
) -> None:
    from reviews import thanks
    from reviews.models import ThanksJob

    for text in ("很好", "颜色好看", "能洗吗？"):
        make_review(shop, rating="good", content=text)
    client.force_login(manager)
    client.post(reverse("reviews:thanks_prepare"), {"shop": shop.code, "q": ""})
    job = ThanksJob.objects.get()
    shown = client.get(reverse("reviews:thanks_job", args=[job.pk])).content.decode()
    texts = [one.text for one in thanks.texts_of(job)]
    assert len(texts) == 2
    assert all(text in shown for text in texts)
    assert "带有问题" in shown
    with django_capture_on_commit_callbacks():
        client.post(reverse("reviews:thanks_start", args=[job.pk]))
        client.post(reverse("reviews:thanks_start", args=[job.pk]))
    thanks.run_job(job.pk)
    file = client.get(reverse("reviews:thanks_texts", args=[job.pk])).content.decode()
    assert all(text in file for text in texts)
    client.post(reverse("reviews:thanks_posted", args=[job.pk]))
    assert PublicReply.objects.filter(status="posted").count() == 2
    file = client.get(reverse("reviews:thanks_texts", args=[job.pk])).content.decode()
    assert not any(text in file for text in texts)  # nothing is handed out twice


def test_the_button_says_how_many_thanks_it_notes(
    client: Client, shop: Shop, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reviews import thanks
    from reviews.models import ThanksJob
    from reviews.views import praise

    monkeypatch.setattr(praise, "CONFIRMED_AT_ONCE", 2)
    made = [make_review(shop, rating="good", content=text) for text in ("很好", "颜色好看", "划算", "喜欢")]
    job = thanks.prepare(shop, Review.objects.all(), by=manager)
    ThanksJob.objects.update(status="waiting")
    thanks.run_job(job.pk)
    Review.objects.filter(pk=made[0].pk).update(version=2)
    address = reverse("reviews:thanks_job", args=[job.pk])
    shown = html(client, manager, address)
    assert "3 条中的前 2 条已发布" in shown
    assert "有 1 条" in shown
    client.post(reverse("reviews:thanks_posted", args=[job.pk]))
    assert PublicReply.objects.filter(status="posted").count() == 2
    assert PublicReply.objects.get(review=made[0]).status == "approved"


# --- the library -------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["破损", "posun", "ps", "ＰＳ", "psqj", "聊天 posun", "bufa"])
def test_it_finds_by_words_pinyin_and_initials(shop: Shop, query: str) -> None:
    ReplyTemplate.objects.all().delete()
    ReplyTemplate.objects.create(shop=shop, name="破损缺件", text="请在店铺聊天里发照片，我们补发")
    ReplyTemplate.objects.create(shop=shop, name="态度", text="抱歉让您不舒服")
    assert [one.name for one in ReplyTemplate.objects.search(query)] == ["破损缺件"]


def test_the_key_follows_the_text_in_bulk_too(shop: Shop) -> None:
    template = ReplyTemplate.objects.create(shop=shop, name="一", text="补发")
    template.text = "换货"
    template.save()
    assert ReplyTemplate.objects.get(pk=template.pk).search_key == search_key("一", "换货")
    assert not ReplyTemplate.objects.filter(shop=None, search_key="").exists()  # made by bulk_create


def test_an_agent_drafts_from_the_library_and_it_stays(client: Client, case: Case, agent: User) -> None:
    template = ReplyTemplate.objects.create(
        shop=case.shop, name="换个说法", text="您好，{item}的事我们记下了。"
    )
    address = reverse("reviews:review_library", args=[case.review_id])
    assert "雾蓝保温杯 500ml的事我们记下了" in html(client, agent, f"{address}?q=hgsf")
    client.post(reverse("reviews:review_library_use", args=[case.review_id]), {"template": template.pk})
    replies.draft_reply(case.review, case)
    assert PublicReply.objects.get().template == template
    assert "我们记下了" in PublicReply.objects.get().text


def offered(client: Client, user: User, case: Case, query: str) -> list[str]:
    client.force_login(user)
    address = reverse("reviews:review_library", args=[case.review_id])
    return [template.name for template, _text in client.get(f"{address}?q={query}").context["offered"]]


def test_a_search_ranks_by_the_cases_cause(client: Client, case: Case, agent: User) -> None:
    places = [("service", "delivery"), ("", ""), ("product", "odor"), ("product", "damaged_missing")]
    for cause, sub_cause in [*places, ("product", "")]:
        name = f"寻这句 {cause}/{sub_cause}"
        ReplyTemplate.objects.create(
            shop=case.shop, name=name, cause=cause, sub_cause=sub_cause, text="您好，抱歉。"
        )
    found = [name.split()[1] for name in offered(client, agent, case, "寻这句")]
    assert found == ["product/damaged_missing", "product/", "product/odor", "/", "service/delivery"]


def test_what_speaks_to_malice_is_offered_once_it_is_confirmed(
    client: Client, case: Case, agent: User
) -> None:
    template = ReplyTemplate.objects.create(
        shop=case.shop, name="寻这句", cause="malicious", sub_cause="unrelated", text="您好，与商品无关。"
    )
    use = reverse("reviews:review_library_use", args=[case.review_id])
    for decided, status in ((False, 404), (True, 302)):
        Case.objects.update(cause="malicious", sub_cause="unrelated", needs_decision=not decided)
        assert offered(client, agent, case, "寻这句") == (["寻这句"] if decided else [])
        assert client.post(use, {"template": template.pk}).status_code == status


def test_what_became_of_a_templates_drafts_is_counted(
    client: Client, shop: Shop, agent: User, manager: User
) -> None:
    from reviews import posting
    from reviews.reply_templates import with_use

    ReplyTemplate.objects.all().delete()
    template = ReplyTemplate.objects.create(shop=shop, name="t", text="您好，抱歉。")
    cases = [make_case(shop, assignee=agent) for _n in range(4)]
    texts = ["您好，抱歉。", "您好，抱歉。", "您好，换一种说法。"]
    for case in cases:
        replies.draft_reply(case.review, case)
    for case, text in zip(cases[:3], texts, strict=True):
        reply = PublicReply.objects.select_related("review__shop").get(review=case.review)
        posting.mark_reply_posted(reply, text, by=agent, case=case)
    last = PublicReply.objects.select_related("review__shop").get(review=cases[3].review)
    posting.mark_reply_refused(last, last.text, "含链接", by=agent, case=cases[3])
    cases[0].take(agent)
    cases[0].close("solved", by=agent)
    cases[0].reopen(by=manager)
    found: Any = with_use(ReplyTemplate.objects.filter(pk=template.pk), manager).get()
    counted = [getattr(found, name) for name in ("uses", "approved", "posted", "unchanged", "edited")]
    assert counted == [4, 4, 3, 2, 1]
    assert (found.refused, found.removed, found.reopened) == (1, 0, 1)


def picture(side: int = 40, kind: str = "JPEG", **extra: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(out, kind, **extra)
    return out.getvalue()


def test_a_picture_is_kept_without_exif_and_shown_to_agents(
    client: Client, shop: Shop, agent: User, manager: User, outsider: User
) -> None:
    template = ReplyTemplate.objects.create(shop=shop, name="t", text="您好")
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    client.force_login(manager)
    for _click in range(2):
        file = SimpleUploadedFile("尺码表.jpg", picture(exif=exif))
        client.post(reverse("reviews:reply_template_picture_add", args=[template.pk]), {"picture": file})
    kept = template.pictures.get()
    assert b"secret place" not in bytes(kept.content)
    address = reverse("reviews:reply_template_picture", args=[template.pk, kept.pk])
    client.force_login(agent)
    assert client.get(address)["Content-Type"] == "image/jpeg"
    client.force_login(outsider)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"GIF89a", b"", b"\xff\xd8\xff broken"])
def test_what_is_no_picture_is_refused(client: Client, shop: Shop, manager: User, content: bytes) -> None:
    template = ReplyTemplate.objects.create(shop=shop, name="t", text="您好")
    client.force_login(manager)
    file = SimpleUploadedFile("a.jpg", content)
    client.post(reverse("reviews:reply_template_picture_add", args=[template.pk]), {"picture": file})
    assert not template.pictures.exists()


def test_the_preview_signs_as_the_reply_does(client: Client, shop: Shop, agent: User, manager: User) -> None:
    ReplyTemplate.objects.all().delete()
    ReplyTemplate.objects.create(shop=shop, name="t", text="您好——{reply_name}")
    case = make_case(shop, assignee=agent)
    reply = replies.draft_reply(case.review, case)
    client.force_login(manager)
    address = reverse("reviews:reply_template_preview")
    shown = client.post(address, {"text": "您好——{reply_name}", "shop": shop.pk}).content.decode()
    assert reply is not None
    assert reply.text in shown
