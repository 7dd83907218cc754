"""What may leave the house and what may not."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reviews.compliance import RULES_VERSION, Kind, find_offences, learnt, network, training, verdict
from reviews.compliance.normalise import normalise
from reviews.compliance.rules import EXPLANATIONS, SOURCES, patterns
from reviews.compliance.senses import meetings
from tests.reviews.compliance_texts import CHANGE_MENTIONED, CHANGE_NOT_MENTIONED, LAWFUL, UNLAWFUL

ROOT = Path(__file__).parents[2]


def rules_of(text: str, kind: str = Kind.PUBLIC_REPLY, platform: str = "taobao") -> set[str]:
    return {offence.rule for offence in find_offences(text, kind, platform)}


@pytest.mark.parametrize(("rule", "text"), UNLAWFUL)
def test_it_blocks_an_unlawful_text_by_its_rule(rule: str, text: str) -> None:
    offences = find_offences(text, Kind.PUBLIC_REPLY, "taobao")
    assert rule in {offence.rule for offence in offences}
    assert verdict(offences) == "block"


@pytest.mark.parametrize("text", LAWFUL)
def test_it_passes_a_lawful_text(text: str) -> None:
    assert find_offences(text, Kind.PUBLIC_REPLY, "taobao") == []


@pytest.mark.parametrize("kind", ["sms", "chat", "script", "template", "note"])
def test_it_blocks_r1_to_r4_in_every_kind_of_text(kind: str) -> None:
    assert all(rule in rules_of(text, kind) for rule, text in UNLAWFUL if rule < "R5")


@pytest.mark.parametrize("text", CHANGE_MENTIONED)
def test_it_blocks_any_mention_of_changing_once_the_case_holds_a_benefit(text: str) -> None:
    assert verdict(find_offences(text, Kind.CHAT, benefit_in_case=True)) == "block"


@pytest.mark.parametrize("text", CHANGE_NOT_MENTIONED)
def test_it_passes_other_texts_of_a_case_with_a_benefit(text: str) -> None:
    assert find_offences(text, Kind.CHAT, benefit_in_case=True) == []


def test_it_lets_the_review_be_named_as_the_buyers_own_without_a_benefit() -> None:
    assert find_offences("评价是您的，改不改由您决定", Kind.SCRIPT) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("改一下评价吧", "运费我们出"), ("运费我们出", "改一下评价吧"), ("这边给您转二十块", "评价麻烦更新下")],
)
def test_it_finds_a_benefit_and_a_review_in_two_messages(first: str, second: str) -> None:
    offences = find_offences(second, Kind.CHAT, "taobao", before=["您好", first])
    assert "R1" in {offence.rule for offence in offences}
    assert all(offence.words == second[offence.start : offence.end] for offence in offences)


def test_it_passes_lawful_messages_one_after_another() -> None:
    before = ["看到您的评价，非常抱歉", "运费我们出，明天补发"]
    assert find_offences("谢谢您的评价，退款已到账", Kind.CHAT, "taobao", before=before) == []


def test_it_points_into_the_given_text() -> None:
    text = "亲～麻 烦​把 差 评 删 掉～谢谢"
    offence = next(offence for offence in find_offences(text) if offence.rule == "R3")
    assert offence.words == text[offence.start : offence.end]
    assert "差 评 删 掉" in offence.words
    assert offence.why
    assert offence.suggestion


def test_it_marks_both_the_benefit_and_the_review() -> None:
    words = {offence.words for offence in find_offences("退款给您，麻烦更新一下评价") if offence.rule == "R1"}
    assert "退款" in words
    assert any("更新一下评价" in piece for piece in words)


def test_it_only_warns_of_absolute_words() -> None:
    assert verdict(find_offences("我们的保温杯全网最便宜，质量最好")) == "warn"


def test_it_hides_personal_data_only_where_the_public_reads() -> None:
    text = "您留的电话13812345678，订单2026010512345678901"
    assert rules_of(text) == {"R6"}
    assert rules_of(text, Kind.SMS) == set()


def test_it_leaves_a_masked_phone_alone() -> None:
    assert rules_of("138****5678的买家您好") == set()


def test_it_permits_other_channels_only_on_ones_own_site() -> None:
    assert rules_of("请加微信详谈", platform="own") == set()
    assert rules_of("请加微信详谈", platform="") == {"R7"}


def test_it_knows_the_length_taobao_takes() -> None:
    long = "少发的配件今天补寄，单号在订单页可以看到。" * 30
    assert rules_of(long[:500]) == set()
    assert rules_of(long[:501]) == {"R8"}
    assert rules_of(long[:501], platform="jd") == set()


def test_it_refuses_advertising_by_text_message() -> None:
    assert rules_of("双11大促，满200减30，点击购买", Kind.SMS) == {"R9"}


def test_it_passes_every_text_the_program_ships() -> None:
    for file, kind in (
        ("reviews/defaults/reply_templates.json", Kind.TEMPLATE),
        ("callbacks/defaults/script_stages.json", Kind.SCRIPT),
    ):
        for entry in json.loads((ROOT / file).read_text(encoding="utf-8")):
            offences = find_offences(entry["text"], kind, "taobao")
            assert not offences, (entry["text"], offences)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("好 評 返xian", "好评返现"), ("五⭐好坪", "五星好评"), ("薇❤", "微信"), ("差​评", "差评"),
        ("Ｐｌｅａｓｅ  change", "please change"), ("一三八一二三四五六七八", "13812345678"),
        ("好平整", "好平整"),
    ],
)  # fmt: skip
def test_it_sees_through_disguises(text: str, plain: str) -> None:
    assert normalise(text).text == plain


@pytest.mark.parametrize("text", ["", "😡", "\n", "ﷺ", "a" * 3, "＂好＂"])
def test_it_takes_any_text(text: str) -> None:
    assert find_offences(text) == []


def test_it_names_version_source_and_words_for_each_rule() -> None:
    assert RULES_VERSION
    used = {pattern.rule for pattern in patterns()} | {"R8"}
    assert used == set(EXPLANATIONS) == set(SOURCES)


def run_command(lines: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    out = io.StringIO()
    call_command("check_compliance", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_it_answers_json_lines_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        {"text": "麻烦改为好评", "kind": "chat", "platform": "jd"},
        {"text": "已为您补发"},
        {"text": "全网最便宜", "kind": "template"},
    ]
    answers = run_command("\n".join(json.dumps(line) for line in lines) + "\n", monkeypatch)
    assert [answer["verdict"] for answer in answers] == ["block", "pass", "warn"]
    offences = answers[0]["offences"]
    assert isinstance(offences, list)
    assert offences[0].keys() == {"rule", "words", "start", "end", "why"}


def test_many_lines_are_shared_among_processes_and_answered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps({"text": f"麻烦改为好评 {n}" if n % 3 else f"已为您补发 {n}"}) for n in range(1200)]
    lines[700] = "nonsense"
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = io.StringIO()
    with file.open(encoding="utf-8") as source:
        monkeypatch.setattr("sys.stdin", source)
        with pytest.raises(CommandError, match="1"):
            call_command("check_compliance", stdout=out)
    answers = out.getvalue().splitlines()
    assert len(answers) == 1200
    assert "701" in answers[700]
    assert [json.loads(line).get("verdict") for line in answers[:6]] == ["pass", "block", "block"] * 2


def test_who_writes_a_line_need_not_write_the_next_to_be_answered() -> None:
    command = [sys.executable, "manage.py", "check_compliance"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdin
        assert one.stdout
        for text, said in [("麻烦改为好评", "block"), ("已为您补发", "pass")]:
            one.stdin.write(json.dumps({"text": text}) + "\n")
            one.stdin.flush()
            assert json.loads(one.stdout.readline())["verdict"] == said
        one.stdin.close()
    assert one.returncode == 0


def test_a_file_in_another_encoding_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_bytes('{"text": "好"}'.encode("gb18030"))
    with file.open(encoding="utf-8") as source:
        monkeypatch.setattr("sys.stdin", source)
        with pytest.raises(CommandError, match="UTF-8"):
            call_command("check_compliance", stdout=io.StringIO())


def test_it_says_which_line_is_no_json_and_judges_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = '{"text": "好"}\n{"kind": "chat"}\nnonsense\n{"text": "麻烦改为好评", "kind": "letter"}\n'
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    out = io.StringIO()
    with pytest.raises(CommandError, match="2"):
        call_command("check_compliance", stdout=out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [answer.get("verdict", "error") for answer in answers] == ["pass", "error", "error", "block"]
    assert "2" in answers[1]["error"]
    assert "3" in answers[2]["error"]


def test_it_reads_which_senses_meet_and_in_which_order() -> None:
    met = meetings("麻烦改一下,运费我们出")
    assert {"#ask", "#ask>change", "#benefit", "#benefit~change", "#ask~benefit"} <= met.keys()
    assert "#change>ask" not in met
    assert [word.start for word in met["#ask>change"]] == [0, 2]


@pytest.mark.parametrize(
    "text",
    [
        "有人冒充本店让您加微信退款，都是骗子，请勿理会",
        "吊牌上的二维码扫出来是合格证",
        "不用加微信，就在这里发图",
        "不加微信，这边说就行",
    ],
)
def test_it_passes_a_warning_of_fraud_and_goods_that_bear_the_words(text: str) -> None:
    assert find_offences(text, Kind.CHAT, "taobao") == []


@pytest.mark.parametrize(
    "text",
    [
        "返现5元改好评，加微信13812345678",
        "五星好评返现，差评删除，加微信领红包",
        "不删差评就起诉您，删了返50",
    ],
)
def test_it_names_every_rule_of_a_text_that_breaks_several(text: str) -> None:
    assert len(rules_of(text)) > 1
    assert "R1" in rules_of(text)


def test_it_spares_no_match_in_a_text_that_denies_and_reports_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "麻烦改为好评，加微信13812345678"
    assert rules_of(text) >= {"R2", "R6", "R7"}
    monkeypatch.setattr(network, "judge", lambda *_given: dict.fromkeys(learnt.OUTPUTS, -0.9))
    assert rules_of(text) >= {"R2", "R6", "R7"}


def test_it_needs_its_readers_to_spare_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    unsure = dict.fromkeys(learnt.OUTPUTS, -9.0) | {"R7": 0.1}
    monkeypatch.setattr(network, "judge", lambda *_given: unsure)
    assert rules_of("不少人收到加微信的短信", Kind.CHAT) == {"R7"}


@pytest.mark.parametrize(
    "text", ["王女士您好，鞋子换好了", "住翠湖苑6栋的刘姐，快递送到了", "小徐，你那单补发了"]
)
def test_it_hides_who_the_buyer_is_where_the_public_reads(text: str) -> None:
    assert "R6" in rules_of(text)
    assert "R6" not in rules_of(text, Kind.CHAT)


CORPUS = ROOT / "reviews" / "compliance" / "corpus"
STRICT_RULES = {"R1", "R2", "R3", "R4"}


def corpus(*names: str) -> list[dict[str, str]]:
    lines = [line for name in names for line in (CORPUS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def blocked(entries: list[dict[str, str]]) -> float:
    verdicts = [verdict(find_offences(one["text"], one["kind"], one["platform"])) for one in entries]
    return verdicts.count("block") / len(verdicts)


def test_it_has_a_corpus_of_its_own_with_every_rule() -> None:
    own = corpus("own")
    rules = [one["rule"] for one in own]
    assert rules.count("") >= 400
    assert len(rules) - rules.count("") >= 400
    assert set(rules) == STRICT_RULES | {"", "R6", "R7", "R9"}
    assert len({one["text"] for one in own}) == len(own)


def test_it_blocks_the_unlawful_and_passes_the_lawful_of_its_corpora() -> None:
    entries = corpus("own", "second_author", "shipped")
    assert blocked([one for one in entries if one["rule"] in STRICT_RULES]) > 0.95
    assert blocked([one for one in entries if one["rule"] in {"R6", "R7"}]) > 0.95
    assert blocked([one for one in entries if not one["rule"]]) < 0.04


def test_it_holds_on_texts_of_which_nothing_was_learnt() -> None:
    """Examinations by authors who knew no rule; docs/compliance.md has the figures, these are the floor."""
    files = sorted((ROOT / "tests" / "reviews").glob("compliance_exam_*.jsonl"))
    entries = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    assert len(entries) > 3500
    assert not {one["text"] for one in entries} & {
        one.text for one in training.read(sorted(CORPUS.glob("*")))
    }
    assert blocked([one for one in entries if one.get("rule") in STRICT_RULES]) >= 0.98
    for rule in ("R6", "R7"):
        assert blocked([one for one in entries if one.get("rule") == rule]) >= 0.9
    assert blocked([one for one in entries if not one.get("rule")]) <= 0.025


def test_it_needs_its_readers_for_oblique_wording(monkeypatch: pytest.MonkeyPatch) -> None:
    oblique = [
        one for one in corpus("second_author") if one.get("disguise") == "oblique" and one["rule"] < "R5"
    ]
    assert blocked(oblique) > 0.9
    monkeypatch.setattr(network, "judge", lambda *_given: dict.fromkeys(learnt.OUTPUTS, -0.5))
    assert blocked(oblique) < 0.5


def test_it_lets_no_rules_match_stand_that_the_learnt_layer_holds_for_lawful(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learnt, "scores", lambda *_given: dict.fromkeys(learnt.OUTPUTS, -9.0))
    assert find_offences("别的店说“麻烦改为好评”，我们不说", Kind.CHAT) == []
    assert find_offences("麻烦更新评价", Kind.CHAT, benefit_in_case=True) != []


def test_it_names_the_words_of_an_oblique_text_where_they_stand() -> None:
    text = "您好，那条​记录麻烦处理掉，谢谢"
    offences = find_offences(text, Kind.CHAT, "taobao")
    assert offences
    assert all(offence.words == text[offence.start : offence.end] != "" for offence in offences)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("号凭返陷", "好评返现"), ("讠平亻介", "评价"), ("⭐⭐⭐⭐⭐=🧧", "五星=红包"),
        ("改cp送hb", "改差评送红包"),
        ("r3view update", "review update"), ("rеview", "review"), ("好，评", "好评"), ("加 薇 ❤", "加微信"),
        ("亨评", "好评"), ("该评价内容", "该评价内容"), ("维新", "维新"), ("HP打印机", "hp打印机"),
    ],
)  # fmt: skip
def test_it_sees_through_more_disguises_and_leaves_everyday_words(text: str, plain: str) -> None:
    assert normalise(text).text == plain


def test_it_learns_from_labelled_texts_and_reads_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [
        training.Example(f"{start}{text}", frozenset({rule} - {""}), author)
        for start in ("您好，", "亲，", "")
        for rule, text, author in [
            ("", "退款已到账", "a"), ("", "明天补发", "b"), ("R1", "改评返现", "a"), ("R2", "给个五星", "b"),
            ("R3", "那条删了", "a"), ("R4", "走着瞧", "b"), ("R6", "号码139", "a"), ("R7", "加微信", "b"),
            ("R9", "大促", "a"),
        ]
    ]  # fmt: skip
    model = training.fit(examples, [training.terms_of(one.text) for one in examples])
    training.store(model, [0.0] * len(learnt.OUTPUTS), {"version": "test"}, tmp_path)
    monkeypatch.setattr(learnt, "ARTIFACTS", tmp_path)
    learnt._model.cache_clear()
    learnt.card.cache_clear()
    try:
        assert learnt.scores("亲,那条删了", [])["any"] > learnt.scores("亲,明天补发", [])["any"]
        assert learnt.telling("亲,那条删了", "R3") is not None
    finally:
        learnt._model.cache_clear()
        learnt.card.cache_clear()
