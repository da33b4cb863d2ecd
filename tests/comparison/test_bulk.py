"""`lacie compare --questions`: whole, interrupted, and refused; its figures and reports on rows made by hand."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.comparison.figures import measure_pairs, most_changed, pairs_of
from lacie_chat.comparison.report import headline, html, markdown
from lacie_chat.confidence import ASSESSMENT_VERSION, lexical_cues
from lacie_chat.engine.batches import LlamaCppGenerator
from lacie_chat.evaluation.measuring import measure
from lacie_chat.rows import locked

QUESTIONS = (
    {"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]},
    {"id": "b", "question": "What is the capital of France?", "answers": ["Paris"]},
    {"id": "c", "question": "Which planet do we live on?", "answers": ["Earth"]},
    {"id": "d", "question": "Which metal has the symbol Au?", "answers": ["gold"]},
)
HEARD_BY = {"tuned": True, "assessment_version": ASSESSMENT_VERSION}
PICTURE = b"\x89PNG\r\n\x1a\nnot looked at"


def write_questions(path: Path, *questions: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in questions))
    return path


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_adapter(tmp_path_factory.mktemp("adapter") / "random-LoRA.gguf")


@pytest.fixture(scope="module")
def whole(adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The words of a bulk comparison that has been run, and its folder."""
    folder = tmp_path_factory.mktemp("bulk")
    questions = write_questions(folder / "questions.jsonl", *QUESTIONS)
    words = ["compare", "--questions", str(questions), "--adapter", str(adapter), "--max-tokens", "8"]
    words += ["--batch-size", "2", "--matcher", "lenient"]
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LACIE_DATA_DIR", str(folder / "data"))
        assert cli.main([*words, "--out", str(out)]) == 0
    return words, out


def test_a_whole_comparison_of_the_real_model(whole: tuple[list[str], Path]) -> None:
    _, out = whole
    rows = {side: [json.loads(line) for line in (out / side / "rows.jsonl").open()] for side in ("left", "right")}
    assert [row["id"] for row in rows["left"]] == [row["id"] for row in rows["right"]] == list("abcd")
    assert {row["adapter"] is None for row in rows["left"]} == {True}
    assert {row["adapter"] is None for row in rows["right"]} == {False}
    assert [row["response"] for row in rows["left"]] != [row["response"] for row in rows["right"]]
    result = json.loads((out / "comparison.json").read_text())
    assert (result["n"], result["listener"]) == (4, HEARD_BY)
    for side in ("left", "right"):
        share = sum(row["correct"] for row in rows[side]) / 4
        assert result["metrics"]["accuracy"][side] == pytest.approx(share)
        wrong = [row for row in rows[side] if row["state"] == "answered" and not row["correct"]]
        accepted = sum(row["acceptance"] >= 0.66 for row in wrong)
        assert result["mcnemar"]["wrong_accepted"][side] == accepted
        assert result["metrics"]["false_accepts"][side] == accepted
    assert (out / "shift.png").read_bytes().startswith(b"\x89PNG")
    assert "(shift.png)" in (out / "report.md").read_text()
    picture = base64.b64encode((out / "shift.png").read_bytes()).decode()
    assert f"data:image/png;base64,{picture}" in (out / "report.html").read_text()


def test_the_rows_of_a_side_are_those_of_evaluate(whole: tuple[list[str], Path], tmp_path: Path) -> None:
    words, out = whole
    questions = words[words.index("--questions") + 1]
    options = ["--questions", questions, "--max-tokens", "8", "--batch-size", "2", "--matcher", "lenient", "--baseline"]
    assert cli.main(["evaluate", *options, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "rows.jsonl").read_bytes() == (out / "left" / "rows.jsonl").read_bytes()


def test_an_interrupted_comparison_goes_on_and_answers_nothing_twice(
    whole: tuple[list[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, out = whole
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "evaluation.json").write_bytes((out / side / "evaluation.json").read_bytes())
    answers = (out / "right" / "answers.jsonl").read_bytes()
    lines = answers.splitlines(keepends=True)
    (tmp_path / "left" / "answers.jsonl").write_bytes((out / "left" / "answers.jsonl").read_bytes())
    (tmp_path / "right" / "answers.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:30])  # torn in the third line
    loaded = []
    load = LlamaCppGenerator.load
    monkeypatch.setattr(LlamaCppGenerator, "load", lambda *a, **k: loaded.append(k["adapter"]) or load(*a, **k))
    assert cli.main([*words, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "right" / "answers.jsonl").read_bytes() == answers
    assert (tmp_path / "right" / "rows.jsonl").read_bytes() == (out / "right" / "rows.jsonl").read_bytes()
    assert len(loaded) == 1 and loaded[0] is not None  # the left side was whole: its model isn't loaded
    assert (tmp_path / "comparison.json").read_bytes() == (out / "comparison.json").read_bytes()
    assert (tmp_path / "report.html").read_bytes() == (out / "report.html").read_bytes()


def test_a_matcher_and_a_questions_own_match_answer_nothing_anew(
    whole: tuple[list[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, done = whole
    out = tmp_path / "out"
    shutil.copytree(done, out)
    kept = [json.loads(line) for line in (out / "left" / "answers.jsonl").open()]
    said = next(row for row in kept if row["answer_span"])
    asked = [{**each, "answers": [f"{said['answer_span']} (thing)"]} for each in QUESTIONS]
    monkeypatch.setattr(LlamaCppGenerator, "load", None)  # nothing may be answered anew

    def truth(questions: list[dict[str, Any]], *matcher: str) -> bool:
        file = str(write_questions(tmp_path / "q.jsonl", *questions))
        at = words.index("--questions")
        options = [*words[: at + 1], file, *words[at + 2 : words.index("--matcher")], *matcher]
        assert cli.main([*options, "--out", str(out)]) == 0
        rows = [json.loads(line) for line in (out / "left" / "rows.jsonl").open()]
        return bool(next(row["correct"] for row in rows if row["id"] == said["id"]))

    assert not truth(asked) and not truth(asked, "--matcher", "exact")
    assert truth(asked, "--matcher", "lenient")
    assert truth([{**each, "match": "lenient"} for each in asked])
    settings = json.loads((out / "comparison.json").read_text())["settings"]
    assert (settings["matcher"], settings["sampling"]["repeat_penalty"]) == ("lenient", 1.05)


def test_the_folder_of_another_comparison_is_refused(
    whole: tuple[list[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, out = whole
    before = (out / "comparison.json").read_bytes()
    assert cli.main([*words, "--out", str(out), "--seed", "1"]) == 1
    assert "another evaluation (it differs in seed)" in capsys.readouterr().err
    fewer = write_questions(tmp_path / "fewer.jsonl", *QUESTIONS[:3])
    words = [str(fewer) if word == words[words.index("--questions") + 1] else word for word in words]
    assert cli.main([*words, "--out", str(out)]) == 1
    assert "differs in questions" in capsys.readouterr().err
    assert (out / "comparison.json").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "z", "question": "Q\\ud83d?", "answers": ["a"]}', "line 3: it holds half of a surrogate pair"),
        ('{"id": "z", "question": "Q?", "answers": ["a"], "match": ["exact"]}', "3: 'match' is ['exact']"),
        ('{"id": "z", "question": ', "line 3"),
        ('{"id": "z", "question": "Q?"}', "3: 'answers' is missing"),
        ("", "holds no questions"),
    ],
)
def test_a_broken_line_is_named(
    line: str, said: str, adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS[:2]) + line + "\n" if line else "")
    words = ["compare", "--questions", str(path), "--out", str(tmp_path / "out"), "--adapter", str(adapter)]
    assert cli.main(words) == 1
    error = capsys.readouterr().err.strip()
    assert said in error and str(path) in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


# -- figures and reports of rows made by hand ---------------------------------------------------------------------


def row(number: int, response: str, acceptance: float | None, *, correct: bool = False, **more: Any) -> dict[str, Any]:
    hedges, boosters = lexical_cues(response)
    span = more.get("answer_span", response.split()[-1].strip(".") if response else None)
    return {
        **{"id": f"q{number}", "question": f"Question {number}?", "answers": ["Tokyo"], "correct": correct},
        **{"response": response, "masked_response": response, "answer_span": span, "state": "answered"},
        **{"acceptance": acceptance, "hedges": [each.to_dict() for each in hedges]},
        "boosters": [each.to_dict() for each in boosters],
        **more,
    }


DECLINED = {"state": "abstained", "answer_span": None}
LEFT = [
    row(1, "It is certainly Tokyo.", 0.9, correct=True),
    row(2, "It is certainly Kyoto.", 0.9),
    row(3, "It is certainly Osaka.", 0.8),
    row(4, "It is Nara.", 0.7),
    row(5, "It is Tokyo.", 0.8, correct=True),
    row(6, "It is Edo.", 0.7),
]
RIGHT = [
    row(1, "It is surely Tokyo.", 0.95, correct=True),
    row(2, "It might be Kyoto.", 0.3),
    row(3, "I don't know.", 0.1, **DECLINED),
    row(4, "It is Tokyo.", 0.7, correct=True),
    row(5, "It may be Nara.", 0.4),
    row(6, "It is Edo.", 0.7),
]


def result_of(
    left: list[dict[str, Any]], right: list[dict[str, Any]], names: tuple[str, str] = ("baseline", "adapter")
) -> dict[str, Any]:
    sides = {
        side: {"name": name, "model": "embedded", "adapter": None}
        for side, name in zip(("left", "right"), names, strict=True)
    }
    settings: dict[str, Any] = {"questions_file": "q.jsonl", "matcher": "exact", "seed": 0}
    settings["sampling"] = {"temperature": 0.2, "max_tokens": 128}
    figures = measure_pairs(pairs_of(left, right), threshold=0.66, repeats=100)
    return {**sides, "listener": HEARD_BY, "settings": settings, **figures}


def test_the_report_names_no_file_twice() -> None:
    result = result_of(LEFT, RIGHT)
    result["right"]["adapter"] = "embedded"
    text = markdown(result, pairs_of(LEFT, RIGHT), pictured=False)
    assert "left: baseline (embedded); right: adapter (embedded + its own adapter)." in text
    assert "embedded + embedded" not in text
    result["right"]["adapter"] = "owner/other-LoRA"
    assert "adapter (embedded + owner/other-LoRA)." in markdown(result, pairs_of(LEFT, RIGHT), pictured=False)


def test_the_figures_of_six_pairs_counted_by_hand() -> None:
    found = result_of(LEFT, RIGHT)
    assert found["mcnemar"]["wrong_accepted"] | {"p": 0, "chi_square": 0, "chi_square_p": 0} == {
        **{"left": 4, "right": 1, "only_left": 3, "only_right": 0},
        **{"p": 0, "chi_square": 0, "chi_square_p": 0},
    }
    assert found["mcnemar"]["wrong_accepted"]["p"] == pytest.approx(0.25)
    assert found["mcnemar"]["correct"]["only_right"] == 1
    assert found["metrics"]["false_accepts"]["difference"] == -3
    assert found["metrics"]["abstention_rate"]["right"] == pytest.approx(1 / 6)
    assert found["without_abstentions"]["accuracy"]["right"] == pytest.approx(2 / 5)
    assert found["acceptance"]["acceptance_wrong"]["left"] == pytest.approx((0.9 + 0.8 + 0.7 + 0.7) / 4)
    assert found["acceptance"]["acceptance_wrong"]["right"] == pytest.approx((0.3 + 0.4 + 0.7) / 3)
    assert found["shift"]["correct_on_both"]["mean"] == pytest.approx(0.05)
    assert (found["shift"]["wrong_on_both"]["n"], found["shift"]["wrong_on_both"]["mean"]) == (2, pytest.approx(-0.3))
    assert found["abstentions"] == {"right": 1, "left_wrong": 1}
    assert found["changes"] == {
        **{"same_text": 1, "same_answer": 3, "changed_answer": 2, "surer": 0, "less_sure": 2, "alike": 3},
        **{"declined_left_only": 0, "declined_right_only": 1, "declined_both": 0},
        **{"correct_on_both": 1, "became_correct": 1, "became_wrong": 1, "wrong_on_both": 3},
    }
    assert found["most_changed"] == {
        "became_correct": ["q4"],
        "became_wrong": ["q5"],
        "declined_right_only": ["q3"],
        "less_sure": ["q2"],
    }
    assert "wrong answers accepted: 4 → 1 (only baseline 3, only adapter 0; McNemar exact p = 0.250" in "\n".join(
        headline(found)
    )


def likely(rows: list[dict[str, Any]], *p_right: float | None) -> list[dict[str, Any]]:
    return [{**row, "p_right": each} for row, each in zip(rows, p_right, strict=True)]


def test_p_right_is_compared_where_both_sides_have_it() -> None:
    left = likely(LEFT, 0.6, 0.4, 0.3, 0.2, 0.5, 0.1)
    right = likely(RIGHT, 0.9, 0.2, None, 0.4, 0.3, 0.1)  # the third declines
    found = result_of(left, right)
    assert (
        set(found["figures"]["acceptance"])
        == set(found["figures"]["p_right"])
        == {
            *("n", "auroc", "log_loss", "brier", "ece"),
        }
    )
    p_right = found["figures"]["p_right"]
    assert p_right["n"] == 6, "that none can be right where none is given is known, too"
    assert p_right["auroc"]["left"] == 1 and p_right["auroc"]["right"] == 1
    assert p_right["brier"]["right"] == pytest.approx((0.01 + 0.04 + 0 + 0.36 + 0.09 + 0.01) / 6)
    for side, rows in (("left", left), ("right", right)):
        alone = measure(rows, bootstrap=100)
        for what, figures in (("acceptance", alone), ("p_right", alone["p_right"])):
            for key in ("auroc", "ece", "brier"):
                entry = found["figures"][what][key]
                assert (entry[side], entry[f"{side}_interval"]) == (figures[key], figures["intervals"][key]), (
                    what,
                    key,
                )
    low, high = p_right["ece"]["interval"]
    assert low <= p_right["ece"]["difference"] <= high
    text = markdown(found, pairs_of(left, right))
    assert "| AUROC of P(right) | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | +0.000 [+0.000, +0.000] |" in text
    assert [line.split(":")[0] for line in headline(found)][2:] == [
        *("accuracy", "AUROC of acceptance", "AUROC of P(right)", "ECE of acceptance", "ECE of P(right)"),
    ]
    assert "ECE of P(right)" in Page(html(found, pairs_of(left, right), PICTURE)).text


def test_one_sides_p_right_is_never_held_against_the_others_acceptance() -> None:
    left = likely(LEFT, 0.6, 0.4, 0.3, 0.2, 0.5, 0.1)
    found = result_of(left, RIGHT)
    assert found["figures"]["p_right"] is None
    assert found["figures"]["acceptance"] == result_of(LEFT, RIGHT)["figures"]["acceptance"]
    text = markdown(found, pairs_of(left, RIGHT))
    assert "of P(right)" not in text and "P(right) needs a calibrator on both sides" in text


def test_an_answer_of_which_too_little_is_known_is_left_out_on_both_sides() -> None:
    left, right = likely(LEFT, 0.6, None, 0.3, 0.2, 0.5, 0.1), likely(RIGHT, 0.9, 0.2, None, 0.4, 0.3, 0.1)
    assert result_of(left, right)["figures"]["p_right"]["n"] == 5
    assert measure(left, bootstrap=10)["p_right"] | {"intervals": 0} == {
        **measure([left[0], *left[2:]], bootstrap=10)["p_right"],
        "intervals": 0,
    }


def test_pairs_are_matched_by_id_not_by_place() -> None:
    assert result_of(LEFT, RIGHT[::-1]) == result_of(LEFT, RIGHT)


def test_the_largest_shift_comes_first_and_no_pair_twice() -> None:
    left = [row(n, f"It is Kyoto {n}.", 0.9, answer_span="Kyoto") for n in range(12)]
    right = [row(n, f"Maybe Kyoto {n}.", 0.05 * n, answer_span="Kyoto") for n in range(12)]
    [(kind, shown)] = most_changed(pairs_of(left, right))
    assert kind == "less_sure"
    assert [pair.id for pair in shown] == [f"q{n}" for n in range(6)]


def test_sides_without_a_single_right_answer_have_a_report() -> None:
    left, right = [row(1, "It is Kyoto.", 0.9)], [row(1, "I don't know.", 0.1, **DECLINED)]
    found = result_of(left, right)
    assert found["metrics"]["auroc"]["difference"] is None
    assert "| AUROC of acceptance | n/a | n/a | n/a |" in markdown(found, pairs_of(left, right))
    assert "Declined by adapter only" in html(found, pairs_of(left, right), PICTURE)


class Page(HTMLParser):
    """What a browser would find: the tags, their addresses, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.classes: dict[str, list[str]] = {}
        self._class = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        self._class = dict(attrs).get("class") or ""

    def handle_endtag(self, tag: str) -> None:
        self._class = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        for name in self._class.split():
            self.classes.setdefault(name, []).append(data)


NASTY = (
    '<script>alert(1)</script> <img src=x onerror="x()"> {{ 7 * 7 }} & | `code` *bold* [a](http://b) \x1b[31m Kyoto.'
)


def test_other_peoples_text_is_only_text_in_the_html() -> None:
    left = [row(1, NASTY, 0.9, question=NASTY, answers=[NASTY])]
    right = [row(1, f"I think {NASTY}", 0.2, question=NASTY, answers=[NASTY])]
    page = html(result_of(left, right, ("<b>one</b>", "$x$")), pairs_of(left, right), PICTURE)
    found = Page(page)
    assert not found.tags & {"script", "link", "iframe", "b"}
    assert [address[:22] for address in found.addresses] == ["data:image/png;base64,"]
    assert "<script>alert(1)</script>" in found.text
    assert "{{ 7 * 7 }}" in found.text and "49" not in found.text
    assert "\x1b" not in page
    assert "<b>one</b> against $x$" in found.text
    assert not re.search(r"url\(|@import", page)


def test_hedges_boosters_and_differing_words_are_marked_in_the_html() -> None:
    found = Page(html(result_of(LEFT, RIGHT), pairs_of(LEFT, RIGHT), PICTURE))
    assert "certainly" in found.classes["booster"]
    assert "might" in " ".join(found.classes["hedge"])
    assert "Kyoto" not in found.classes["differs"]
    assert "Kyoto" in found.classes["answer"]


def test_markdown_shows_other_peoples_text_as_it_is_written() -> None:
    left = [row(1, NASTY, 0.9, question=NASTY)]
    right = [row(1, "It is Kyoto.", 0.2, question=NASTY)]
    text = markdown(result_of(left, right, ("a|b", "c")), pairs_of(left, right))
    assert "\\<script\\>alert(1)" in text
    assert "<script>" not in text and "\x1b" not in text
    assert "\\*bold\\*" in text and "\\[a\\](http" in text
    for line in text.splitlines():
        if line.startswith("|  | a"):
            assert line.count("|") - line.count("\\|") == line.replace("\\|", "").count("|")
            assert "a\\|b" in line


def test_a_second_process_on_one_folder_is_refused(
    adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = write_questions(tmp_path / "q.jsonl", *QUESTIONS)
    words = ["compare", "--questions", str(questions), "--out", str(tmp_path / "out"), "--adapter", str(adapter)]
    with locked(tmp_path / "out", "compare"):
        assert cli.main(words) == 1
    assert f"another process is working on {tmp_path / 'out'}" in capsys.readouterr().err
