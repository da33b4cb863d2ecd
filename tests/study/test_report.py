"""The report from people's files."""

import json
import shutil
from pathlib import Path

import pytest
from studies import by_tone, judge, make_study

from lacie_chat.study import Shown, Study, StudyError, as_markdown, make_report, open_study, people_files, plan


def report(study: Study, **more: object) -> dict[str, object]:
    return make_report(study, people_files(study), **{"bootstrap": 20, **more})  # type: ignore[arg-type]


def test_people_who_go_by_tone_take_the_baselines_wrong_answers_and_not_lacies(study: Study) -> None:
    for person in ("ana", "bo", "cy", "di"):
        judge(study, person)
    found = report(study)
    assert json.loads(json.dumps(found)) == found
    assert (found["judgements"], found["questions"], found["study"]) == (48, 12, study.id)
    figures = found["sets"]["without_known"]  # type: ignore[index]
    baseline, lacie = figures["speakers"]["baseline"], figures["speakers"]["lacie"]
    assert baseline["false_accepts"] > 0 and baseline["accept_rate"] == 1.0
    assert lacie["false_accepts"] == 0 and lacie["precision"] == lacie["recall"] == 1.0
    assert lacie["n"] == baseline["n"] == 24
    test = figures["mcnemar"]["false_accepts"]
    assert test["only_lacie"] == 0 < test["only_baseline"] == test["baseline"]
    assert figures["between_people"]["verdict"]["alpha"] == 1.0
    assert figures["listener"]["auroc"] == 1.0
    assert figures["listener"]["same_verdict"] == 1.0


def test_known_answers_and_abstentions_can_be_told_apart(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s", 6)

    def knows_half(shown: Shown) -> tuple[bool, int, bool]:
        answer = study.answers_by_item.get(shown.item)
        return (*by_tone(shown)[:2], answer is not None and answer.question_id < "q3")

    judge(study, "ana", knows_half)
    sets = report(study)["sets"]
    assert {name: each["n"] for name, each in sets.items()} == {  # type: ignore[attr-defined]
        "without_known": 3,
        "all": 6,
        "without_known_or_abstentions": 3,
    }
    abstaining = make_study(tmp_path / "t", 6, state="abstained", correct=True)
    judge(abstaining, "ana")
    sets = report(abstaining)["sets"]
    assert sets["without_known_or_abstentions"]["n"] == 0  # type: ignore[index]
    speakers = sets["all"]["speakers"]  # type: ignore[index]
    assert sum(each["true_accepts"] for each in speakers.values()) == 0, "an abstention is never right"
    assert "No judgements." in as_markdown(report(abstaining))


def test_who_fails_the_checks_is_left_out_and_named(study: Study) -> None:
    judge(study, "ana")
    judge(study, "bo", attentive=False)
    found = report(study)
    assert found["judgements"] == 12
    assert [(each["person"], each["left_out"], each["checks_passed"]) for each in found["people"]] == [  # type: ignore[attr-defined]
        ("ana", False, 2),
        ("bo", True, 0),
    ]
    text = as_markdown(found)
    assert "Left out, for failing attention checks: bo." in text
    assert "12 judgements by one person" in text
    assert report(study, keep_inattentive=True)["judgements"] == 24


def test_everybody_failed_the_checks(study: Study) -> None:
    judge(study, "bo", attentive=False)
    with pytest.raises(StudyError, match="everybody failed the attention checks"):
        report(study)


def test_half_a_persons_judgements_are_reported(study: Study) -> None:
    file = judge(study, "ana", items=8)
    lines = file.path.read_text().splitlines(keepends=True)
    file.path.write_text("".join(lines[:5]))
    [person] = report(study)["people"]  # type: ignore[misc]
    assert person["of"] == 8
    assert person["judged"] + person["checks"] == 4
    assert len(plan(study, "ana", 8)) == 10


def test_markdown_reads_as_it_should(study: Study) -> None:
    for person in ("ana", "b|o"):
        judge(study, person)
    text = as_markdown(report(study))
    assert f"# Study {study.id}" in text
    assert "| b\\|o " in text
    assert "## Answers that the judges did not know already\n" in text
    assert "## All answers\n" in text
    for line in ("| false accepts ", "| precision ", "- McNemar, false accepts: ", "(Krippendorff's alpha, nominal)"):
        assert line in text
    assert "The same as the first: every answer claims something." in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    alone = as_markdown(make_report(study, [study.people_dir / "ana.jsonl"], bootstrap=5))
    assert "no question has both answers judged (that takes two people or more)" in alone
    assert "no answer was judged by two people" in alone


def test_a_study_of_before_is_read_and_reported(tmp_path: Path) -> None:
    """Its rows and its study.json called `side` what is the speaker's name now."""
    new = make_study(tmp_path / "new")
    judge(new, "ana")
    old = tmp_path / "old"
    shutil.copytree(tmp_path / "new", old)
    rows = [json.loads(line) for line in (old / "answers.jsonl").read_text("utf-8").splitlines()]
    renamed = [{"side" if key == "speaker" else key: value for key, value in row.items()} for row in rows]
    (old / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in renamed), "utf-8")
    record = json.loads((old / "study.json").read_text("utf-8"))
    record["made_with"]["sides"] = {"baseline": {"model": "the base"}, "lacie": {"model": "the base", "adapter": "x"}}
    (old / "study.json").write_text(json.dumps(record), "utf-8")
    again = open_study(old)
    assert again.id == new.id
    report = make_report(again, people_files(again), bootstrap=20)
    assert report["sets"] == make_report(new, people_files(new), bootstrap=20)["sets"]
    assert "lacie: the base with the adapter x" in as_markdown(report)
    report["made_with"] |= {"speakers": {"lacie": {"model": "embedded", "adapter": "embedded"}}}
    assert "lacie: embedded with its own adapter" in as_markdown(report)


def test_answers_that_were_cut_off_are_counted_and_shown_as_such(tmp_path: Path) -> None:
    study = make_study(tmp_path / "cut", finish="context")
    assert all(answer.cut for answer in study.answers)
    judge(study, "Ada")
    found = report(study)
    assert found["cut_off"] == {"baseline": 12, "lacie": 12}
    assert "Cut off before their end: 12 and 12 answers (baseline and LACIE)." in as_markdown(found)
