"""The report of a study: who judged, what they accepted, whether they agree, and whether the listener judges alike.

Only here is an item looked up again: which question, whose answer, right or wrong. Known answers are left out first, as
in the paper: who knows the answer doesn't listen to how it sounds. An abstention is never right, so that accepting one
is a false accept; the last set leaves abstentions out.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from lacie_chat.statistics.tables import difference, p_value, ranged, table
from lacie_chat.study.checks import PASS_SHARE, check_items
from lacie_chat.study.design import plan
from lacie_chat.study.figures import COUNTS, Judged, set_figures
from lacie_chat.study.judgements import Judgement, PersonPart, merge, read_people
from lacie_chat.study.records import SPEAKERS, SpeakerName, Study, StudyError

SETS: dict[str, tuple[str, Callable[[Judged], bool]]] = {
    "without_known": ("Answers that the judges did not know already", lambda each: not each.known),
    "all": ("All answers", lambda _: True),
    "without_known_or_abstentions": (
        "Answers that the judges did not know already, without those that claim nothing",
        lambda each: not each.known and not each.abstained,
    ),
}
"""Which judgements are looked at together, and how a set is headed."""


def people_files(study: Study, more: Sequence[Path] = ()) -> list[Path]:
    """The study's own files of people, and others, none twice. Raises StudyError if there are none at all."""
    own = sorted(study.people_dir.glob("*.jsonl")) if study.people_dir.is_dir() else []
    files = list({path.resolve(): path for path in (*own, *more)}.values())
    if not files:
        raise StudyError(
            f"nobody has judged the study in {study.folder} yet; lacie study run --out {study.folder} opens it"
        )
    return files


def make_report(
    study: Study, files: Sequence[Path], *, keep_inattentive: bool = False, bootstrap: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Everything as one JSON object. Raises StudyError: files of another study, that conflict, without judgements."""
    parts = [part for path in files for part in read_people(path)]
    people = merge(parts, study.id)
    _check_items(study, people, parts)
    summaries = [_person(study, name, own, parts) for name, own in sorted(people.items())]
    left_out = set() if keep_inattentive else {each["person"] for each in summaries if not each["attentive"]}
    judged = [
        each for name, own in sorted(people.items()) if name not in left_out for each in _judged(study, name, own)
    ]
    if not judged:
        reason = "everybody failed the attention checks (--keep-inattentive keeps them)" if left_out else "none yet"
        raise StudyError(f"there are no judgements to report on in the study in {study.folder}: {reason}")
    return {
        "study": study.id,
        "made_with": study.made_with,
        "questions": len(study.question_ids()),
        "same_texts": study.same_texts(),
        "cut_off": {name: sum(each.cut for each in study.answers if each.speaker == name) for name in SPEAKERS},
        "judgements": len(judged),
        "people": [{**each, "left_out": each["person"] in left_out} for each in summaries],
        "bootstrap": bootstrap,
        "sets": {
            name: set_figures([each for each in judged if keep(each)], bootstrap=bootstrap, seed=seed)
            for name, (_, keep) in SETS.items()
        },
    }


def _check_items(study: Study, people: Mapping[str, Mapping[str, Judgement]], parts: Sequence[PersonPart]) -> None:
    checks = check_items(study.id)
    for name, own in people.items():
        paths = " and ".join(str(part.path) for part in parts if part.person == name)
        seen: dict[str, SpeakerName] = {}
        for item in own:
            answer = study.answers_by_item.get(item)
            if answer is None:
                if item not in checks:
                    raise StudyError(f"{paths}: the study has no item {item!r}")
            elif seen.setdefault(answer.question_id, answer.speaker) != answer.speaker:
                raise StudyError(
                    f"{paths} conflict: {name!r} judged both answers to question {answer.question_id!r} (two people of "
                    "one name, or begun with another --items); keep one of them"
                )


def _judged(study: Study, name: str, own: Mapping[str, Judgement]) -> list[Judged]:
    rows = []
    for item, judgement in own.items():
        answer = study.answers_by_item.get(item)
        if answer is not None:
            abstained = answer.state != "answered"
            rows.append(
                Judged(
                    name,
                    answer.question_id,
                    answer.speaker,
                    judgement.accepted,
                    judgement.sure,
                    judgement.known,
                    answer.correct and not abstained,
                    abstained,
                    answer.acceptance,
                )
            )
    return rows


def _person(study: Study, name: str, own: Mapping[str, Judgement], parts: Sequence[PersonPart]) -> dict[str, Any]:
    checks = check_items(study.id)
    wanted = max(
        len([shown for shown in plan(study, name, part.items) if shown.item not in checks])
        for part in parts
        if part.person == name
    )
    passed = [judgement.accepted == checks[item].accept for item, judgement in own.items() if item in checks]
    real = [judgement for item, judgement in own.items() if item not in checks]
    return {
        "person": name,
        "judged": len(real),
        "of": wanted,
        "checks_passed": sum(passed),
        "checks": len(passed),
        "attentive": not passed or sum(passed) / len(passed) >= PASS_SHARE,
        "accepted": sum(each.accepted for each in real) / len(real) if real else None,
        "known": sum(each.known for each in real) / len(real) if real else None,
        "median_seconds": median(each.seconds for each in real) if real else None,
    }


# -- Markdown -----------------------------------------------------------------------------------------------------


def as_markdown(report: Mapping[str, Any]) -> str:
    """The report to read, on a terminal as it is or rendered."""
    made_with = report["made_with"]
    names = made_with.get("speakers") or made_with.get("sides", {})  # what studies begun before called it
    speakers = [f"{speaker}: {_speaker_name(names.get(speaker))}" for speaker in SPEAKERS]
    same = report["same_texts"]
    kept = [each for each in report["people"] if not each["left_out"]]
    lines = [
        f"# Study {report['study']}",
        "",
        f"- {'; '.join(speakers)}",
        f"- {report['questions']} questions, {report['judgements']} judgements by {_people(len(kept))}"
        + (f"; to {same} of the questions both speakers said the same, word for word" if same else ""),
        "- in brackets: 95 % intervals, by drawing the questions again",
        "",
        "## People",
        "",
        table(
            ["person", "judged", "checks passed", "accepted", "knew it", "seconds an answer"],
            [_person_row(each) for each in report["people"]],
            aligned=True,
        ),
    ]
    left_out = [each["person"] for each in report["people"] if each["left_out"]]
    if any(cut := report["cut_off"].values()):
        lines += ["", f"Cut off before their end: {' and '.join(map(str, cut))} answers (baseline and LACIE)."]
    if left_out:
        lines += ["", f"Left out, for failing attention checks: {', '.join(left_out)}."]
    for name, figures in report["sets"].items():
        lines += ["", f"## {SETS[name][0]}", ""]
        if not figures["n"]:
            lines.append("No judgements.")
        elif name == "without_known_or_abstentions" and figures["n"] == report["sets"]["without_known"]["n"]:
            lines.append("The same as the first: every answer claims something.")
        else:
            lines += _set_lines(figures)
    return "\n".join(lines) + "\n"


def _speaker_name(speaker: Mapping[str, Any] | None) -> str:
    if not speaker:
        return "unknown"
    model, adapter = str(speaker["model"]), speaker.get("adapter")
    if adapter == model:  # the embedded model's adapter is `embedded` too, and Ollama's has the name of its model
        return f"{model} with its own adapter"
    return f"{model} with the adapter {adapter}" if adapter else model


def _people(number: int) -> str:
    return "one person" if number == 1 else f"{number} people"


def _person_row(each: Mapping[str, Any]) -> list[str]:
    seconds = each["median_seconds"]
    return [
        each["person"].replace("|", "\\|"),
        f"{each['judged']} of {each['of']}",
        f"{each['checks_passed']} of {each['checks']}",
        _percent(each["accepted"]),
        _percent(each["known"]),
        "-" if seconds is None else f"{seconds:.0f}",
    ]


_ROWS = {
    "accuracy": "right answers",
    "accept_rate": "accepted",
    "false_accept_rate": "wrong answers accepted",
    "false_reject_rate": "right answers rejected",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "verdict_accuracy": "verdicts that are right",
    "sureness": "sureness, 1 to 5",
}


def _set_lines(figures: Mapping[str, Any]) -> list[str]:
    speakers = [figures["speakers"][speaker] for speaker in SPEAKERS]
    apart = figures["difference"]
    rows = [["judgements", *(str(speaker["n"]) for speaker in speakers), ""]]
    rows += [[key.replace("_", " "), *(str(speaker[key]) for speaker in speakers), ""] for key in COUNTS]
    rows += [
        [
            label,
            *(_with_interval(speaker, key) for speaker in speakers),
            difference({"difference": apart[key], "interval": apart["intervals"].get(key)}),
        ]
        for key, label in _ROWS.items()
    ]
    between_people, listener = figures["between_people"], figures["listener"]
    return [
        table(["", "baseline", "LACIE", "LACIE less baseline"], rows, aligned=True),
        "",
        *(_mcnemar_line(key.replace("_", " "), test) for key, test in figures["mcnemar"].items()),
        *(_alpha_line(key.replace("_", " "), each) for key, each in between_people.items()),
        f"- people and the simulated listener (n {listener['n']}): AUROC {_with_interval(listener, 'auroc')}, "
        f"point-biserial r {_with_interval(listener, 'point_biserial')}, Spearman's rho with verdict and sureness "
        f"{_with_interval(listener, 'spearman')}; at its threshold of {listener['threshold']}: phi "
        f"{_with_interval(listener, 'phi')}, the same verdict in {_with_interval(listener, 'same_verdict')}",
    ]


def _mcnemar_line(name: str, test: Mapping[str, Any]) -> str:
    if test["p"] is None:
        return f"- McNemar, {name}: no question has both answers judged (that takes two people or more)"
    return (
        f"- McNemar, {name}: {test['baseline']} (baseline) and {test['lacie']} (LACIE) of {test['n']} questions with "
        f"both answers judged; {test['only_baseline']} and {test['only_lacie']} of one speaker alone; "
        f"exact {p_value(test['p'])} (chi-square {test['chi_square']:.2f}, {p_value(test['chi_square_p'])})"
    )


def _alpha_line(name: str, each: Mapping[str, Any]) -> str:
    title = f"- people among each other, on the {name} (Krippendorff's alpha, {each['level']})"
    if not each["n"]:
        return f"{title}: no answer was judged by two people"
    if each["alpha"] is None:
        return f"{title}: not defined, {each['n']} answers and no variation"
    return f"{title}: {ranged(each['alpha'], each['interval'])}, {each['n']} answers judged by two or more"


def _with_interval(figures: Mapping[str, Any], key: str) -> str:
    return ranged(figures[key], figures["intervals"].get(key))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
