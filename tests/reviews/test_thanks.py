"""Thanks in bulk: shown exactly, no two alike within a hundred, questions left to people, safe twice."""

from itertools import combinations

import pytest
from rapidfuzz import fuzz

from reviews import thanks
from reviews.compliance import find_offences
from reviews.models import InvalidTransition, PublicReply, Review, ReviewVersion, Shop, ThanksJob, User
from reviews.replies import draft_reply
from tests.factories import make_case, make_product, make_review

pytestmark = pytest.mark.django_db
SAID = [
    "质量很好，做工扎实",
    "很喜欢",
    "物流快，包装也严实",
    "颜色好看",
    "客服态度好",
    "",
    "划算",
    "舒服柔软",
]


def good(shop: Shop, content: str = "质量很好", **fields: object) -> Review:
    return make_review(shop, **{"rating": "good", "stars": 5, "content": content, "order": None, **fields})


def bulk(shop: Shop, number: int) -> None:
    """Many good reviews of few products, written quickly."""
    products = [make_product(shop, title) for title in ("雾蓝保温杯 500ml", "全棉磨毛四件套")]
    rows = Review.objects.bulk_create(
        Review(
            shop=shop,
            review_key=f"good-{n}",
            rating="good",
            content=SAID[n % len(SAID)],
            product=products[n % 2],
            created_at=shop.created_at,
        )
        for n in range(number)
    )
    ReviewVersion.objects.bulk_create(
        ReviewVersion(review=row, number=1, rating="good", content=row.content) for row in rows
    )


@pytest.fixture
def job(shop: Shop, manager: User) -> ThanksJob:
    bulk(shop, 130)
    return thanks.prepare(shop, Review.objects.all(), by=manager)


def keep(job: ThanksJob, by: User) -> None:
    ThanksJob.objects.filter(pk=job.pk).update(status="waiting", created_by=by)
    thanks.run_job(job.pk)
    job.refresh_from_db()


def test_any_hundred_in_a_row_are_unlike_each_other(job: ThanksJob) -> None:
    texts = [one.text for one in thanks.texts_of(job)]
    assert len(texts) == 130
    for first, second in combinations(range(130), 2):
        if second - first < 100:
            assert fuzz.ratio(texts[first], texts[second]) < 90, (texts[first], texts[second])


def test_it_differs_from_the_last_ones_of_an_earlier_job_too(job: ThanksJob, manager: User) -> None:
    keep(job, manager)
    shop = job.shop
    Review.objects.bulk_create(
        Review(shop=shop, review_key=f"new-{n}", rating="good", content="很喜欢", created_at=shop.created_at)
        for n in range(20)
    )
    for review in Review.objects.filter(review_key__startswith="new-"):
        ReviewVersion.objects.create(review=review, number=1, rating="good", content="很喜欢")
    second = thanks.prepare(shop, Review.objects.all(), by=manager)
    earlier = list(PublicReply.objects.order_by("-approved_at", "-id").values_list("text", flat=True)[:80])
    for one in thanks.texts_of(second):
        assert max(fuzz.ratio(one.text, text) for text in earlier) < 90


def test_what_was_shown_is_what_is_kept(job: ThanksJob, manager: User) -> None:
    shown = {one.review_id: one.text for one in thanks.texts_of(job)}
    assert [one.text for one in thanks.texts_of(job, 7)] == list(shown.values())[:7]
    keep(job, manager)
    assert dict(PublicReply.objects.values_list("review_id", "text")) == shown
    assert set(PublicReply.objects.values_list("status", flat=True)) == {"approved"}
    assert (job.status, job.made, job.done) == ("finished", 130, 130)


def test_run_twice_or_from_the_middle_it_keeps_each_once(job: ThanksJob, manager: User) -> None:
    keep(job, manager)
    moves = PublicReply.objects.values_list("moves__move", flat=True).count()
    ThanksJob.objects.update(status="running", done=50, claimed_until=None)  # lost after the first chunk
    thanks.run_job(job.pk)
    thanks.run_job(job.pk)
    assert PublicReply.objects.count() == 130
    assert PublicReply.objects.values_list("moves__move", flat=True).count() == moves


def test_a_job_somebody_works_at_is_left_alone(job: ThanksJob, manager: User) -> None:
    ThanksJob.objects.update(status="running", claimed_until=job.created_at.replace(year=2100))
    thanks.run_job(job.pk)
    assert not PublicReply.objects.exists()
    assert ThanksJob.objects.resumable() == []


@pytest.mark.parametrize("text", ["很好看，可以机洗吗？", "请问保修多久", "不错，怎么开发票"])
def test_a_question_is_left_to_a_person(shop: Shop, manager: User, text: str) -> None:
    good(shop, text)
    good(shop)
    job = thanks.prepare(shop, Review.objects.all(), by=manager)
    assert (job.total, job.left) == (1, {"question": 1})


@pytest.mark.parametrize("text", ["音质不错，就是刚买就降了20", "很好，但是有点小", "表盘再多点就好了"])
def test_praise_with_a_but_is_left_to_a_person(shop: Shop, manager: User, text: str) -> None:
    good(shop, text)
    good(shop)
    assert thanks.prepare(shop, Review.objects.all(), by=manager).left == {"reservation": 1}


def test_who_came_back_with_a_follow_up_is_answered_by_a_person(shop: Shop, manager: User) -> None:
    good(shop)
    Review.objects.update(followup="放了五天，里面全黑了")
    good(shop)
    assert thanks.prepare(shop, Review.objects.all(), by=manager).left == {"followup": 1}


@pytest.mark.parametrize("text", ["", "此用户没有填写评价", "系统默认好评"])
def test_who_wrote_nothing_is_not_thanked_for_words(text: str) -> None:
    for key in map(str, range(60)):
        made = thanks.compose(key, "杯子", text, [])
        assert not any(word in made for word in ("写", "留言", "反馈", "踏实"))


def test_cases_edits_and_answers_are_not_touched(shop: Shop, manager: User, agent: User) -> None:
    make_case(shop, review=good(shop))
    good(shop, reply="谢谢")
    edited = draft_reply(good(shop), None)
    assert edited is not None
    edited.edit("我自己写的谢谢", by=agent)
    with pytest.raises(InvalidTransition):
        thanks.prepare(shop, Review.objects.all(), by=manager)


def test_a_review_that_changed_after_the_preview_is_left(shop: Shop, manager: User) -> None:
    review = good(shop)
    good(shop)
    job = thanks.prepare(shop, Review.objects.all(), by=manager)
    shown = [one.text for one in thanks.texts_of(job)]
    Review.objects.filter(pk=review.pk).update(version=2, content="其实不好")
    assert [one.text for one in thanks.texts_of(job)] == shown
    keep(job, manager)
    assert job.left == {"changed": 1}
    assert not PublicReply.objects.filter(review=review).exists()


def test_what_was_approved_since_the_preview_is_compared_anew(shop: Shop, manager: User) -> None:
    bulk(shop, 12)
    first, second = (thanks.prepare(shop, Review.objects.all(), by=manager) for _search in range(2))
    shown = [one.text for one in thanks.texts_of(second)]
    thanks.start(first, by=manager)
    with pytest.raises(InvalidTransition, match="另一批"):
        thanks.start(second, by=manager)  # the first is under way
    thanks.run_job(first.pk)
    with pytest.raises(InvalidTransition, match="再看一遍"):
        thanks.start(second, by=manager)
    second.refresh_from_db()
    assert (second.status, second.before) == ("preview", shown)
    for one in thanks.texts_of(second):
        assert max(fuzz.ratio(one.text, text) for text in shown) < 90
    thanks.start(second, by=manager)
    second.refresh_from_db()
    assert second.status == "waiting"


def test_a_text_whose_review_changed_or_became_a_case_is_not_posted(shop: Shop, manager: User) -> None:
    changed, complained, still, refused = (good(shop) for _n in range(4))
    job = thanks.prepare(shop, Review.objects.all(), by=manager)
    keep(job, manager)
    assert len(thanks.to_post(job)[0]) == 4
    Review.objects.filter(pk=changed.pk).update(version=2, content="其实不好")
    make_case(shop, review=complained)
    PublicReply.objects.filter(review=refused).update(status="refused")
    found, left_out = thanks.to_post(job)
    assert ([reply.review_id for reply in found], left_out) == ([still.pk], 2)


def test_where_a_manager_approves_an_agent_thanks_nobody_in_bulk(shop: Shop, agent: User) -> None:
    good(shop)
    shop.replies_need_approval = True
    with pytest.raises(InvalidTransition):
        thanks.prepare(shop, Review.objects.all(), by=agent)


def test_every_sentence_is_lawful_and_asks_for_no_praise(job: ThanksJob) -> None:
    for one in thanks.texts_of(job):
        assert find_offences(one.text, "public_reply", "taobao", benefit_in_case=True) == []
        for word in ("好评", "五星", "评价", "追评", "推荐给"):
            assert word not in one.text


def test_it_speaks_of_what_the_buyer_praised() -> None:
    assert thanks.praised("物流很快，快递小哥也好，样式好") == ["delivery", "look"]
    text = thanks.compose("k", "", "质量很好", [])
    assert any(one in text for one in thanks._sentences()["praised"]["quality"])
