"""`report.md` and `report.html` of a comparison in bulk. The HTML is one file: no script, no font, nothing fetched.

Questions and answers are other people's text: in HTML all of it passes Jinja's autoescape, in Markdown `_plain`
takes the meaning from every character that has one.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from lacie_chat.comparison import Segment, differing_words, segments
from lacie_chat.comparison.figures import Pair, most_changed
from lacie_chat.confidence import Assessment, Span, confidence_text
from lacie_chat.names import pair_refs
from lacie_chat.printable import printable
from lacie_chat.rows import write_text
from lacie_chat.statistics.tables import (
    METRICS,
    both_figures_rows,
    difference,
    figure_rows,
    mcnemar_rows,
    p_value,
    table,
)

TEMPLATE = Path(__file__).parent / "templates" / "comparison.html"

_ACCEPTANCE = (
    ("acceptance_correct", "acceptance of right answers"),
    ("acceptance_wrong", "acceptance of wrong answers"),
    ("acceptance_gap", "the one minus the other"),
)
_CHANGES = (
    ("same_text", "the same text"),
    ("same_answer", "the same answer"),
    ("changed_answer", "another answer"),
    ("became_correct", "only {right} is right"),
    ("became_wrong", "only {left} is right"),
    ("surer", "{right} sounds surer"),
    ("less_sure", "{right} sounds less sure"),
    ("alike", "both sound alike"),
    ("declined_right_only", "declined by {right} only"),
    ("declined_left_only", "declined by {left} only"),
    ("declined_both", "declined by both"),
)

Result = Mapping[str, Any]
Names = tuple[str, str]


def write_reports(out: Path, result: Result, pairs: Sequence[Pair], picture: bytes | None) -> None:
    """Write both reports beside comparison.json. `picture` None: it is left out. Raises LacieError: a full
    disk, a folder without permission."""
    write_text(out / "report.md", markdown(result, pairs, pictured=picture is not None))
    write_text(out / "report.html", html(result, pairs, picture))


def headline(result: Result, names: Names | None = None) -> list[str]:
    """What was found, in a few plain lines: for the terminal, and at the top of both reports. `names`: as they are to
    be written."""
    left, right = names or names_of(result)
    wrong = result["mcnemar"]["wrong_accepted"]
    return [
        f"{result['n']} questions; {left} against {right}",
        f"wrong answers accepted: {wrong['left']} → {wrong['right']} (only {left} {wrong['only_left']}, "
        f"only {right} {wrong['only_right']}; McNemar exact {p_value(wrong['p'])}, "
        f"chi-square {wrong['chi_square']:.2f} with {p_value(wrong['chi_square_p'])})",
        *[
            f"{name}: {before} → {after}, difference {change}"
            for name, before, after, change in [
                *figure_rows(result["metrics"], METRICS[:1]),
                *both_figures_rows(result["figures"], intervals=False),
            ]
        ],
        *cut_off_lines(result, (left, right)),
    ]


def cut_off_lines(result: Result, names: Names) -> list[str]:
    """How many answers stopped where their tokens ran out, if any did. Older results don't say."""
    counts = result.get("cut_off") or {}
    if not (counts.get("left") or counts.get("right")):
        return []
    left, right = ("?" if counts[side] is None else counts[side] for side in ("left", "right"))
    return [f"cut off before their end: {left} answers of {names[0]}, {right} of {names[1]} (--max-tokens)"]


def names_of(result: Result) -> Names:
    """What the two sides are called."""
    return str(result["left"]["name"]), str(result["right"]["name"])


def _change(key: str, names: Names) -> str:
    return dict(_CHANGES)[key].replace("{left}", names[0]).replace("{right}", names[1])


def _heading(key: str, names: Names) -> str:
    text = _change(key, names)
    text = f"{text} that sounds alike" if key == "changed_answer" else text
    return text[0].upper() + text[1:]


def _shift_lines(result: Result) -> list[str]:
    lines = []
    for key, name in (("correct_on_both", "right"), ("wrong_on_both", "wrong")):
        shift = result["shift"][key]
        if shift["n"]:
            entry = {"difference": shift["mean"], "interval": shift["interval"]}
            lines.append(
                f"Questions to which both sides' answers are {name} ({shift['n']}): mean shift {difference(entry)}."
            )
    return lines


def _p_right_note(result: Result) -> str:
    p_right = result["figures"]["p_right"]
    if p_right is None:
        return "P(right) needs a calibrator on both sides (lacie calibrate makes one); here it is not compared."
    return (
        f"P(right) is what each side's own calibrator says ({p_right['n']} questions); where no answer is given, none "
        "can be right, and it counts as 0."
    )


def _conditions(result: Result) -> str:
    made = result["settings"]
    drawn = made["sampling"]
    heard_by = "a tuned listener" if result["listener"]["tuned"] else "a model that is asked by a prompt"
    sides = "; ".join(
        f"{key}: {side['name']} ({pair_refs(side['model'], side['adapter'])})"
        for key, side in (("left", result["left"]), ("right", result["right"]))
    )
    return (
        f"{sides}. Questions of {made['questions_file']}, answers compared by the matcher “{made['matcher']}”. "
        f"Both sides: temperature {drawn['temperature']:g}, seed {made['seed']}, at most {drawn['max_tokens']} "
        f"tokens; both heard by {heard_by} (version {result['listener']['assessment_version']} of the assessment); "
        f"accepted from {result['accept_threshold']:g}. Differences are right minus left, in brackets paired 95 % "
        "bootstrap intervals over the questions."
    )


# -- Markdown -----------------------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_MARKDOWN_NOTE = (
    "Acceptance is how sure an answer sounds to the listener. Hedges and boosters are marked in report.html."
)


def _plain(text: str) -> str:
    """Other people's text on one line of Markdown, read as it is written."""
    return _SPECIAL.sub(r"\\\1", " ".join(printable(text).split()))


def markdown(result: Result, pairs: Sequence[Pair], *, pictured: bool = True) -> str:
    """The report as Markdown; its picture, where there is one, is shift.png beside it."""
    left, right = (_plain(name) for name in names_of(result))
    figures = ["", left, right, "difference"]
    parts = [
        f"# {left} against {right}",
        "\n".join(f"- {line}" for line in headline(result, (left, right))),
        _plain(_conditions(result)),
        "## How well the two figures tell right from wrong",
        table(figures, both_figures_rows(result["figures"])),
        _plain(_p_right_note(result)),
        "## What is accepted",
        table(figures, figure_rows(result["metrics"])),
        "Abstentions left out, on each side its own:",
        table(figures, figure_rows(result["without_abstentions"])),
        "## The shift of acceptance",
        *(["![Acceptance of right and of wrong answers on both sides](shift.png)"] if pictured else []),
        table(figures, figure_rows(result["acceptance"], _ACCEPTANCE)),
        *_shift_lines(result),
        "## Where the sides disagree (McNemar)",
        table(
            ["", left, right, f"only {left}", f"only {right}", "exact", "chi-square", "its p"],
            mcnemar_rows(result["mcnemar"]),
        ),
        "## What changed",
        table(["", "questions"], [(_change(key, (left, right)), str(result["changes"][key])) for key, _ in _CHANGES]),
        "## The most changed answers",
        _MARKDOWN_NOTE,
    ]
    for kind, shown in most_changed(pairs):
        parts.append(f"### {_heading(kind, (left, right))}")
        parts += [_markdown_pair(pair, left, right) for pair in shown]
    return "\n\n".join(parts) + "\n"


def _markdown_pair(pair: Pair, left: str, right: str) -> str:
    lines = [f"**{_plain(pair.before.question)}** ({_plain(' / '.join(pair.left['answers'][:3]))})", ""]
    for name, row, heard in ((left, pair.left, pair.before), (right, pair.right, pair.after)):
        truth = "right" if row["correct"] else "not right"
        lines.append(f"- {name} ({truth}; {_plain(confidence_text(heard))}): {_plain(heard.response) or '(nothing)'}")
    return "\n".join(lines)


# -- HTML ---------------------------------------------------------------------------------------------------------


def html(result: Result, pairs: Sequence[Pair], picture: bytes | None) -> str:
    """The report as one HTML file with its picture inside."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    left, right = names = (printable(result["left"]["name"]), printable(result["right"]["name"]))
    return template.render(
        left=left,
        right=right,
        headline=headline(result, names),
        conditions=printable(_conditions(result)),
        both=both_figures_rows(result["figures"]),
        p_right_note=_p_right_note(result),
        metrics=figure_rows(result["metrics"]),
        answered=figure_rows(result["without_abstentions"]),
        acceptance=figure_rows(result["acceptance"], _ACCEPTANCE),
        shift_lines=_shift_lines(result),
        tests=mcnemar_rows(result["mcnemar"]),
        changes=[(_change(key, names), result["changes"][key]) for key, _ in _CHANGES],
        picture=base64.b64encode(picture).decode("ascii") if picture else None,
        groups=[
            (_heading(kind, names), [_shown_pair(pair, names) for pair in shown]) for kind, shown in most_changed(pairs)
        ],
    )


def _shown_pair(pair: Pair, names: Names) -> dict[str, Any]:
    words = differing_words(pair.before.response, pair.after.response)
    return {
        "question": printable(pair.before.question),
        "answers": [printable(answer) for answer in pair.left["answers"][:5]],
        "summary": printable(pair.difference.summary(*names)),
        "sides": [_shown_side(pair.left, pair.before, words[0]), _shown_side(pair.right, pair.after, words[1])],
    }


def _shown_side(row: Mapping[str, Any], heard: Assessment, differing: Sequence[Span]) -> dict[str, Any]:
    answer = (heard.answer_span,) if heard.answer_span else ()
    highlights = {"hedge": heard.hedges, "booster": heard.boosters, "differs": tuple(differing), "answer": answer}
    return {
        "segments": [_visible_segment(segment) for segment in segments(heard.response, highlights)],
        "confidence": confidence_text(heard),
        "correct": bool(row["correct"]),
        "answered": heard.state == "answered",
    }


def _visible_segment(segment: Segment) -> tuple[str, str]:
    return printable(segment.text), " ".join(sorted(segment.kinds))
