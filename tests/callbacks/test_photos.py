"""Photo proof in a case: kept, shown to whom it concerns, recognised."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from callbacks import photos
from callbacks.holding import NotAllowed
from callbacks.models import PhotoMatch, ProofPhoto
from callbacks.photos import add_photos, photos_of, read_original, reused_in
from callbacks.policy import Proof
from callbacks.shop_policy import standing_of
from reviews import complaints
from reviews.models import Case, InvalidTransition, Shop, Status, User
from tests.callbacks.test_picture import copies, draw, saved
from tests.factories import make_case, make_order, make_review, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_keeps_the_original_as_it_came(case: Case, agent: User, media: Path) -> None:
    content = saved(draw(1), comment=b"from the phone")
    [photo] = add_photos(case, [("杯子.jpg", content)], by=agent)
    assert read_original(photo) == content
    assert photo.sha256 == hashlib.sha256(content).hexdigest()
    assert photos_of(case) == [photo]
    assert "杯子" not in "".join(map(str, files(media)))
    assert {path.stat().st_mode & 0o777 for path in files(media)} == {0o600}
    assert case.events.filter(kind="photo").count() == 1


def test_a_picture_is_proof(case: Case, agent: User) -> None:
    assert standing_of(case).proof == Proof.STATEMENT
    add_photos(case, [("a.jpg", saved(draw(1)))], by=agent)
    assert standing_of(case).proof == Proof.PHOTO
    assert standing_of(case).offers[0].step.share == 20


def test_the_same_picture_twice_is_one(case: Case, agent: User, media: Path) -> None:
    content = saved(draw(1))
    add_photos(case, [("a.jpg", content)], by=agent)
    assert add_photos(case, [("b.jpg", content)], by=agent) == []
    assert ProofPhoto.objects.count() == 1
    assert len(files(media)) == 2


def test_a_bad_file_keeps_none_of_them(case: Case, agent: User, media: Path) -> None:
    with pytest.raises(NotAllowed, match=r"脚本\.jpg"):
        add_photos(case, [("好.jpg", saved(draw(1))), ("脚本.jpg", b"<script>")], by=agent)
    assert not ProofPhoto.objects.exists()
    assert files(media) == []


def test_a_failure_leaves_no_file(
    case: Case, agent: User, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_anything: object, **_more: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(PhotoMatch.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        add_photos(case, [("a.jpg", saved(draw(1)))], by=agent)
    assert files(media) == []
    assert not ProofPhoto.objects.exists()


def test_only_who_works_on_the_case_or_manages_adds(case: Case, shop: Shop, manager: User) -> None:
    with pytest.raises(InvalidTransition):
        add_photos(case, [("a.jpg", saved(draw(1)))], by=make_user("zhao", shop=shop))
    assert add_photos(case, [("a.jpg", saved(draw(1)))], by=manager)


def test_a_case_does_not_become_an_album(case: Case, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST_IN_A_CASE", 1)
    add_photos(case, [("a.jpg", saved(draw(1)))], by=agent)
    with pytest.raises(NotAllowed):
        add_photos(case, [("b.jpg", saved(draw(2)))], by=agent)


# --- recognised ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["recompressed", "resized", "turned 90", "mirrored", "as WebP"])
def test_a_picture_of_another_case_is_found_however_it_comes(
    case: Case, shop: Shop, agent: User, name: str
) -> None:
    other = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    add_photos(case, [("a.jpg", saved(draw(5))), ("b.jpg", saved(draw(7)))], by=agent)
    add_photos(other, [("c.jpg", copies(draw(5))[name])], by=agent)
    [reuse] = reused_in(other)
    assert (reuse.case, reuse.earlier) == (case, photos_of(case)[0])
    assert reused_in(case) == []  # the first is no copy of a later one


def test_different_pictures_and_other_shops_are_left_alone(
    case: Case, shop: Shop, other_shop: Shop, agent: User, outsider: User
) -> None:
    other = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    foreign = make_case(other_shop, assignee=outsider, status=Status.IN_PROGRESS)
    add_photos(case, [("a.jpg", saved(draw(5)))], by=agent)
    add_photos(other, [("b.jpg", saved(draw(8)))], by=agent)
    add_photos(foreign, [("c.jpg", saved(draw(5)))], by=outsider)
    assert not PhotoMatch.objects.exists()


# --- the page ------------------------------------------------------------------------------------


def upload(client: Client, case: Case, *contents: bytes) -> Any:
    sent = [SimpleUploadedFile(f"{n}.jpg", content, "image/jpeg") for n, content in enumerate(contents)]
    return client.post(reverse("callbacks:add_photos", args=[case.pk]), {"photos": sent})


def test_an_agent_adds_several_at_once_and_sees_them(client: Client, case: Case, agent: User) -> None:
    client.force_login(agent)
    assert upload(client, case, saved(draw(1)), saved(draw(2))).status_code == 302
    html = client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    for photo in photos_of(case):
        assert reverse("callbacks:photo", args=[case.pk, photo.pk]) in html
    assert "照片凭证" in html


def test_a_reuse_is_said_as_a_fact(client: Client, case: Case, shop: Shop, agent: User) -> None:
    other = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    add_photos(case, [("a.jpg", saved(draw(5)))], by=agent)
    client.force_login(agent)
    upload(client, other, saved(draw(5), quality=40))
    html = client.get(reverse("callbacks:case", args=[other.pk])).content.decode()
    assert "同一张图片出现在" in html
    assert f"案件 {case.pk}" in html


def test_a_refused_file_says_why(client: Client, case: Case, agent: User) -> None:
    client.force_login(agent)
    answer = upload(client, case, b"GIF89a")
    assert answer.status_code == 422
    assert "无法识别为图片" in answer.content.decode()
    nothing = client.post(reverse("callbacks:add_photos", args=[case.pk]), {})
    assert nothing.status_code == 422
    assert "请至少选一张图片" in nothing.content.decode()


def test_the_copy_is_shown_and_the_original_is_for_managers(
    client: Client, case: Case, agent: User, manager: User, outsider: User
) -> None:
    content = saved(draw(1), comment=b"from the phone")
    [photo] = add_photos(case, [("a.jpg", content)], by=agent)
    shown, original = (
        reverse(f"callbacks:{name}", args=[case.pk, photo.pk]) for name in ("photo", "original_photo")
    )
    client.force_login(agent)
    answer = client.get(shown)
    assert answer["Content-Type"] == "image/jpeg"
    assert b"from the phone" not in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert client.get(original).status_code == 403
    client.force_login(manager)
    assert b"".join(client.get(original).streaming_content) == content  # type: ignore[attr-defined]
    client.force_login(outsider)
    assert client.get(shown).status_code == 404
    assert client.get(original).status_code == 404


def test_a_picture_is_only_in_its_own_case(client: Client, case: Case, shop: Shop, agent: User) -> None:
    [photo] = add_photos(case, [("a.jpg", saved(draw(1)))], by=agent)
    other = make_case(shop, assignee=agent)
    client.force_login(agent)
    assert client.get(reverse("callbacks:photo", args=[other.pk, photo.pk])).status_code == 404


# --- among the signs -----------------------------------------------------------------------------


def signs(case: Case) -> dict[str, int]:
    return dict(case.signals.values_list("kind", "weight"))


def test_a_picture_of_another_buyers_case_is_a_sign_with_what_speaks_against_it(
    client: Client, case: Case, shop: Shop, agent: User
) -> None:
    order = make_order(shop, buyer_phone="13900139000")
    other = make_case(shop, review=make_review(shop, order=order), assignee=agent, status=Status.IN_PROGRESS)
    add_photos(case, [("a.jpg", saved(draw(5)))], by=agent)
    assert signs(case) == {}
    add_photos(other, [("b.jpg", copies(draw(5))["resized"])], by=agent)
    assert signs(other) == {"reused_proof": 2}
    assert signs(case) == {}  # the first is no copy of a later one
    assert not other.suspected  # one sign proposes nothing
    client.force_login(agent)
    html = client.get(f"/cases/{other.pk}/").content.decode()
    assert "凭证图片在别的案件里出现过" in html
    assert "可能是店里自己的图片" in html
    client.post(reverse("callbacks:look_again", args=[other.pk]))
    assert signs(other) == {"reused_proof": 2}, "a fresh look does not forget it"
    assert complaints.held_by(other).copies


def test_a_buyers_own_picture_in_two_cases_is_a_weak_sign_and_proves_nothing(
    case: Case, shop: Shop, agent: User
) -> None:
    order = make_order(shop, buyer=case.review.buyer)
    other = make_case(shop, review=make_review(shop, order=order), assignee=agent, status=Status.IN_PROGRESS)
    add_photos(case, [("a.jpg", saved(draw(5)))], by=agent)
    add_photos(other, [("b.jpg", saved(draw(5)))], by=agent)
    assert signs(other) == {"reused_proof": 1}
    assert not complaints.held_by(other).copies


def test_with_a_second_sign_a_reused_picture_proposes_malice(case: Case, shop: Shop, agent: User) -> None:
    order = make_order(shop, buyer_phone="13900139000")
    review = make_review(shop, order=order, content="转账100元我马上给你删评价")
    other = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    add_photos(case, [("a.jpg", saved(draw(5)))], by=agent)
    add_photos(other, [("b.jpg", saved(draw(5)))], by=agent)
    other.refresh_from_db()
    assert set(signs(other)) == {"reused_proof", "demand"}
    assert other.suspected
    assert other.needs_decision
