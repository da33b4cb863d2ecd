"""`lacie compare --questions`: its figures and reports, on rows made by hand."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from lacie_chat.comparison.figures import measure_pairs, most_changed, pairs_of
from lacie_chat.comparison.report import headline, html, markdown
from lacie_chat.confidence import ASSESSMENT_VERSION, lexical_cues
from lacie_chat.evaluation.measuring import measure

HEARD_BY = {"tuned": True, "assessment_version": ASSESSMENT_VERSION}
PICTURE = b"\x89PNG\r\n\x1a\nnot looked at"


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
