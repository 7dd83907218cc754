"""The evidence pack: what is in it, that nothing personal is, and that every changed byte is found."""

import io
import json
import subprocess
import sys
import time
import warnings
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from callbacks import contacts
from callbacks.chats import keep_chat, take_back_chat
from callbacks.evidence import packs, verify
from callbacks.evidence.report import printable
from callbacks.evidence.sealing import seal_pack
from callbacks.photos import add_photos
from callbacks.tasks import sweep_evidence
from reviews import clock
from reviews.complaints import NotYetConfirmed
from reviews.models import AuditEntry, BehaviourSignal, Case, EvidencePack, Shop, Status, User
from reviews.models.complaints import PackStatus
from reviews.personal_data import unseal
from tests.callbacks.test_picture import draw, saved
from tests.factories import make_case, make_order, make_review, make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

CHAT = "买家：转账100元我马上给你删评价，打我电话13800138000\n客服：抱歉，售后只看商品问题"


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    """A confirmed case with a chat and a call."""
    case = make_case(
        shop, review=make_review(shop, content="垃圾😀𠮷店"), assignee=agent, status=Status.IN_PROGRESS
    )
    keep_chat(case, source="shop_chat", said_at=clock.now() - timedelta(hours=2), text=CHAT, by=agent)
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, "reached", by=agent, notes="王小明 说 13800138000 是他的号码，不给钱就不删")
    contacts.decide_cause(case, "extortion", by=agent)
    return case


@pytest.fixture
def pack(case: Case, agent: User) -> EvidencePack:
    return build(case, agent)


def build(case: Case, agent: User) -> EvidencePack:
    pack = packs.request_pack(case, by=agent)
    packs.build(pack.pk)
    pack.refresh_from_db()
    assert pack.status == PackStatus.READY, pack.error
    return pack


def zip_of(pack: EvidencePack) -> bytes:
    return unseal(bytes(pack.content))


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pdf_text(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(files_of(content)["report.pdf"])).pages
    return "".join(page.extract_text() for page in pages).replace("\n", "").replace("\0", "")


# --- what is in it ----------------------------------------------------------------------------------


def test_what_the_font_cannot_draw_is_named() -> None:
    assert printable("太差了😡👎，⭐ 1 颗") == "太差了［怒火中烧］［拇指向下］，［星星］ 1 颗"
    assert printable("𠮷家") == "□家"


def test_it_holds_every_record_and_lists_its_hash(pack: EvidencePack, case: Case) -> None:
    files = files_of(zip_of(pack))
    assert {"report.pdf", "verify.py", "manifest.json", "seal.json", "chats/01.txt", "order.json"} < set(
        files
    )
    assert files["review/version-1.txt"].decode() == case.review.content
    assert "转账100元我马上给你删评价" in files["chats/01.txt"].decode()
    assert verify.problems(files) == []


def test_the_report_is_chinese_and_bears_the_fingerprint(pack: EvidencePack) -> None:
    text = pdf_text(zip_of(pack))
    for words in ("恶意评价证据", "评价原文", "聊天记录", "转账100元", "通话", "时间线", "行为迹象"):
        assert words in text, words
    assert pack.manifest_sha256 in text


def test_it_carries_its_glyphs_itself(pack: EvidencePack) -> None:
    fonts = PdfReader(io.BytesIO(files_of(zip_of(pack))["report.pdf"])).pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    for font in fonts.values():
        inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(inner)


def test_it_names_no_phone_name_or_address(pack: EvidencePack) -> None:
    content = zip_of(pack)
    everything = b"".join(data for path, data in files_of(content).items() if path != "report.pdf").decode()
    for secret in ("13800138000", "王小明", "文三路"):
        assert secret not in everything
        assert secret not in pdf_text(content)
    assert "138****8000" in everything


def test_it_masks_what_was_written_otherwise_or_belongs_to_no_order(shop: Shop, agent: User) -> None:
    review = make_review(shop, order=None, content="垃圾店")
    case = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    said = (
        "我叫王小明，给我100红包，不然差评，打 139-0013 9000 或 0571-8888 6666，住西湖区文三路123号3单元502室"
    )
    keep_chat(case, source="other", said_at=clock.now() - timedelta(hours=1), text=said, by=agent)
    contacts.decide_cause(case, "extortion", by=agent)
    content = zip_of(build(case, agent))
    everything = b"".join(data for path, data in files_of(content).items() if path != "report.pdf").decode()
    for secret in ("王小明", "139-0013 9000", "8888 6666", "文三路", "502室"):
        assert secret not in everything, secret
        assert secret not in pdf_text(content), secret
    assert "给我100红包，不然差评，打 139****9000" in everything


def test_it_holds_the_pictures_as_they_were_handed_in(case: Case, agent: User, manager: User) -> None:
    content = saved(draw(7))
    add_photos(case, [("杯子.jpg", content)], by=manager)
    files = files_of(zip_of(build(case, agent)))
    assert files["photos/1.jpg"] == content
    report = next(data for name, data in files.items() if name.endswith(".pdf"))
    assert sum(len(page.images) for page in PdfReader(io.BytesIO(report)).pages) == 1


def test_it_holds_the_reviews_the_signs_speak_of(case: Case, shop: Shop, agent: User) -> None:
    same = make_review(shop, content="垃圾店，找13900139000", images=["https://img/1.jpg"])
    far = make_review(make_shop("far"), content="别处的话")
    BehaviourSignal.objects.create(
        case=case,
        kind="same_text",
        weight=2,
        facts={"accounts": 3, "alike": 95, "shops": 2, "reviews": [same.pk, far.pk]},
    )
    content = zip_of(build(case, agent))
    kept = json.loads(files_of(content)["signals/review-01.json"])
    assert (kept["review_key"], kept["signs"]) == (same.review_key, ["same_text"])
    assert (kept["text"], kept["images"]) == ("垃圾店，找139****9000", ["https://img/1.jpg"])
    assert same.buyer
    assert same.buyer.nick not in kept["nick"]
    assert "signals/review-02.json" not in files_of(content)
    told = next(one for one in json.loads(files_of(content)["signals.json"]) if one["kind"] == "same_text")
    assert (told["reviews"], told["reviews_of_other_shops"]) == ([same.review_key], 1)
    text = pdf_text(content)
    assert "垃圾店，找139****9000" in text
    assert "别处的话" not in text


def test_it_holds_the_earlier_picture_beside_the_reused_one(
    case: Case, shop: Shop, agent: User, manager: User
) -> None:
    earlier = make_case(shop, review=make_review(shop), assignee=agent)
    add_photos(earlier, [("1.jpg", saved(draw(7)))], by=manager)
    add_photos(case, [("2.jpg", saved(draw(7)))], by=manager)
    files = files_of(zip_of(build(case, agent)))
    assert {"photos/1.jpg", "photos/1-earlier-1.jpg"} < set(files)
    assert json.loads(files["signals/review-01.json"])["review_key"] == earlier.review.review_key


def test_the_same_facts_give_the_same_bytes(pack: EvidencePack, case: Case, agent: User) -> None:
    with clock.at(timezone.now() + timedelta(hours=5)):
        again = build(case, agent)
    assert again.zip_sha256 == pack.zip_sha256
    keep_chat(case, source="other", said_at=clock.now() - timedelta(hours=1), text="新的记录", by=agent)
    assert build(case, agent).zip_sha256 != pack.zip_sha256


def test_it_is_built_within_ten_seconds(case: Case, agent: User) -> None:
    for n in range(200):
        case.log("note", by=agent, note=f"第{n}条备注，内容不太短也不太长")  # type: ignore[arg-type]
    began = time.monotonic()
    build(case, agent)
    assert time.monotonic() - began < 10


# --- every changed byte is found --------------------------------------------------------------------


def test_a_changed_byte_in_any_file_is_found(pack: EvidencePack) -> None:
    files = files_of(zip_of(pack))
    for path, data in files.items():
        for at in {0, len(data) // 2, len(data) - 1} if data else set():
            broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            assert verify.problems({**files, path: broken}), f"{path} byte {at}"


def test_a_missing_or_added_file_is_found(pack: EvidencePack) -> None:
    files = files_of(zip_of(pack))
    for path in files:
        assert verify.problems({name: data for name, data in files.items() if name != path}), path
    assert verify.problems({**files, "chats/99.txt": b""})


def small_pack() -> bytes:
    """A sealed ZIP without a report, to change it in every place."""
    files = {"chats/01.txt": "给我100元".encode(), "order.json": b"{}"}
    return seal_pack(files, {"case": "1"}, lambda _print: b"%PDF-").content


def is_sound(content: bytes) -> bool:
    files, found = verify.unzipped(content)
    return not found and not verify.problems(files)


def test_a_changed_byte_anywhere_in_the_zip_is_found() -> None:
    content = small_pack()
    assert is_sound(content)
    for at in range(len(content)):
        broken = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        assert not is_sound(broken), f"byte {at}"


def test_nothing_is_hidden_around_the_files_of_the_zip() -> None:
    content = small_pack()
    assert not is_sound(b"MZ" + content)
    assert not is_sound(content + b"\0")
    files = files_of(content)
    for extra, comment in ([("order.json", b'{"paid": 1}')], b""), ([], b"a word"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the second file of a name
            for path, data in [*extra, *sorted(files.items())]:
                archive.writestr(zipfile.ZipInfo(path, verify.THEN), data)
            archive.comment = comment
        assert not is_sound(out.getvalue())


def run_verifier(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The pack's own verifier, by a bare Python without this project."""
    return subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_own_verifier_works_offline_without_the_project(pack: EvidencePack, tmp_path: Path) -> None:
    content = zip_of(pack)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "pack")
    ran = run_verifier(tmp_path / "pack")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert pack.manifest_sha256 in ran.stdout
    chat = tmp_path / "pack" / "chats" / "01.txt"
    chat.write_bytes(chat.read_bytes().replace(b"100", b"900"))
    ran = run_verifier(tmp_path / "pack")
    assert ran.returncode == 1
    assert "chats/01.txt 已被改动" in ran.stdout
    for name, sealed in ("sound.zip", content), ("longer.zip", content + b"\0"):
        (tmp_path / name).write_bytes(sealed)
    verifier = tmp_path / "pack"
    assert run_verifier(verifier, str(tmp_path / "sound.zip")).returncode == 0
    ran = run_verifier(verifier, str(tmp_path / "longer.zip"))
    assert (ran.returncode, "ZIP 文件本身已被改动" in ran.stdout) == (1, True)


def test_the_command_knows_what_was_sealed_here(
    pack: EvidencePack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "pack.zip"
    place.write_bytes(zip_of(pack))
    call_command("verify_evidence", str(place))
    assert pack.manifest_sha256 in capsys.readouterr().out
    EvidencePack.objects.all().delete()
    with pytest.raises(CommandError, match="ever sealed"):
        call_command("verify_evidence", str(place))


def test_a_pack_sealed_anew_after_a_change_is_unknown_here(
    pack: EvidencePack, case: Case, tmp_path: Path
) -> None:
    """Whoever can run the sealer can make a pack that agrees with itself: the database tells it apart."""
    forged = seal_pack({"chats/01.txt": "给我钱".encode()}, {"case": str(case.pk)}, lambda _print: b"%PDF-")
    place = tmp_path / "forged.zip"
    place.write_bytes(forged.content)
    with pytest.raises(CommandError, match="ever sealed"):
        call_command("verify_evidence", str(place))


# --- building it ------------------------------------------------------------------------------------


def test_nobody_gets_a_pack_before_a_person_confirmed(shop: Shop, agent: User) -> None:
    case = make_case(shop, sub_cause="extortion", needs_decision=True, assignee=agent)
    with pytest.raises(NotYetConfirmed):
        packs.request_pack(case, by=agent)


def test_asked_twice_it_is_built_once(case: Case, agent: User) -> None:
    first = packs.request_pack(case, by=agent)
    assert packs.request_pack(case, by=agent) == first
    packs.build(first.pk)
    packs.build(first.pk)
    assert case.events.filter(kind="evidence").count() == 1


def test_a_lost_worker_is_taken_over_by_the_sweep(case: Case, agent: User) -> None:
    pack = packs.request_pack(case, by=agent)
    EvidencePack.objects.filter(pk=pack.pk).update(
        status="building", attempts=1, claimed_until=timezone.now() + timedelta(minutes=1)
    )
    sweep_evidence()
    assert EvidencePack.objects.get(pk=pack.pk).status == PackStatus.BUILDING
    with clock.at(timezone.now() + timedelta(minutes=5)):
        sweep_evidence()
    assert EvidencePack.objects.get(pk=pack.pk).status == PackStatus.READY


def test_a_pack_that_fails_again_and_again_says_so(
    case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_case: Case) -> Any:
        raise ValueError("indigestible")

    monkeypatch.setattr(packs, "gather", broken)
    pack = packs.request_pack(case, by=agent)
    for _ in range(6):
        packs.build(pack.pk)
    pack.refresh_from_db()
    assert pack.status == PackStatus.FAILED
    assert pack.attempts == packs.ATTEMPTS
    assert pack.error


def test_it_is_kept_encrypted(pack: EvidencePack) -> None:
    assert "转账".encode() not in bytes(pack.content)
    assert bytes(pack.content)[:2] != b"PK"


# --- the doors --------------------------------------------------------------------------------------


def test_a_download_is_on_record(pack: EvidencePack, case: Case, client: Client, agent: User) -> None:
    client.force_login(agent)
    answer = client.get(reverse("callbacks:download_pack", args=[case.pk, pack.pk]))
    assert verify.problems(files_of(answer.content)) == []
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="evidence")
    assert (entry.user, entry.data["sha256"]) == (agent, pack.zip_sha256)


def test_a_pack_of_another_case_is_not_found(
    pack: EvidencePack, shop: Shop, client: Client, agent: User
) -> None:
    other = make_case(shop, review=make_review(shop, order=make_order(shop)), assignee=agent)
    client.force_login(agent)
    assert client.get(reverse("callbacks:download_pack", args=[other.pk, pack.pk])).status_code == 404


def test_the_page_shows_how_far_it_is_and_goes_on_without_it(case: Case, client: Client, agent: User) -> None:
    client.force_login(agent)
    client.post(reverse("callbacks:build_pack", args=[case.pk]))
    page = reverse("callbacks:evidence", args=[case.pk])
    assert "<progress" in client.get(page).content.decode()
    sweep_evidence()
    part = client.get(page, HTTP_HX_REQUEST="true").content.decode()
    assert part.lstrip().startswith("<section")
    assert "下载" in part
    assert "hx-trigger" not in part


def test_a_chat_is_kept_once_and_can_be_taken_back(case: Case, agent: User, client: Client) -> None:
    client.force_login(agent)
    data = {"source": "shop_chat", "said_at": "2026-11-18T09:00", "text": "不给钱就差评"}
    for _ in range(2):
        client.post(reverse("callbacks:keep_chat", args=[case.pk]), data)
    chat = case.chats.kept().latest("pk")
    take_back_chat(chat, by=agent)
    assert not case.chats.kept().filter(pk=chat.pk).exists()
    assert case.events.filter(kind="chat").count() == 3


def test_a_chat_that_lies_ahead_is_refused_with_all_that_was_typed(
    case: Case, agent: User, client: Client
) -> None:
    client.force_login(agent)
    data = {"source": "shop_chat", "said_at": "2026-11-19T09:00", "text": "很长的一段聊天"}
    answer = client.post(reverse("callbacks:keep_chat", args=[case.pk]), data)
    assert answer.status_code == 422
    assert "很长的一段聊天" in answer.content.decode()
