"""People's files: kept at once, resumed, corrected, merged; and what is refused, in one line."""

import json
from pathlib import Path

import pytest
from studies import answer_row, judge, make_study

from lacie_chat.errors import LacieError
from lacie_chat.study import Judgement, PersonFile, Study, StudyError, make_report, open_study, people_files, plan
from lacie_chat.study.judgements import file_name, merge, read_people
from lacie_chat.study.records import begin, finish


def one(study: Study, place: int = 0, person: str = "ana", **changes: object) -> Judgement:
    values = {"accepted": True, "sure": 4, "known": False, "seconds": 2.0, **changes}
    return Judgement(plan(study, person)[place].item, **values)  # type: ignore[arg-type]


def test_each_judgement_is_in_the_file_at_once_and_is_found_again(study: Study) -> None:
    file = PersonFile.open(study.people_dir, study.id, "ana")
    file.add(one(study, 0))
    assert PersonFile.open(study.people_dir, study.id, "ana").judgements == file.judgements
    file.add(one(study, 1))
    again = PersonFile.open(study.people_dir, study.id, " ana ")
    assert list(again.judgements) == [plan(study, "ana")[0].item, plan(study, "ana")[1].item]


def test_a_correction_is_one_more_line_and_counts(study: Study) -> None:
    file = PersonFile.open(study.people_dir, study.id, "ana")
    file.add(one(study))
    file.add(one(study, accepted=False, sure=1))
    [part] = read_people(file.path)
    assert [judgement.accepted for judgement in part.judgements.values()] == [False]
    assert len(file.path.read_text().splitlines()) == 3


@pytest.mark.parametrize("keep", [-1, -20, -60])
def test_a_torn_last_line_is_passed_over_and_written_over(study: Study, keep: int) -> None:
    file = PersonFile.open(study.people_dir, study.id, "ana")
    file.add(one(study, 0))
    file.add(one(study, 1))
    file.path.write_bytes(file.path.read_bytes()[:keep])
    [part] = read_people(file.path)
    assert list(part.judgements) == [plan(study, "ana")[0].item]
    again = PersonFile.open(study.people_dir, study.id, "ana")
    again.add(one(study, 2))
    assert list(read_people(file.path)[0].judgements) == [plan(study, "ana")[n].item for n in (0, 2)]


def test_names_make_file_names_that_differ() -> None:
    names = ["ana", "Ana", "ana!", "a/n/a", "..", "Zoë", "李", "x" * 60, "con"]
    made = [file_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert made[0] == "ana.jsonl"
    assert all("/" not in name and name[0] != "." and name.isascii() for name in made)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 61])
def test_names_that_are_none(study: Study, name: str) -> None:
    with pytest.raises(StudyError, match="a person's name is 1 to 60 printable characters"):
        PersonFile.open(study.people_dir, study.id, name)


def test_the_number_of_items_stays_as_begun(study: Study) -> None:
    PersonFile.open(study.people_dir, study.id, "ana", 4)
    assert PersonFile.open(study.people_dir, study.id, "ana").items == 4
    with pytest.raises(StudyError, match="was begun with --items 4"):
        PersonFile.open(study.people_dir, study.id, "ana", 6)


def test_files_merge_in_any_way_they_come(study: Study, tmp_path: Path) -> None:
    ana, bo = judge(study, "ana"), judge(study, "bo")
    end_to_end = tmp_path / "all.jsonl"
    end_to_end.write_bytes(ana.path.read_bytes() + bo.path.read_bytes())
    apart = merge([part for file in (ana, bo) for part in read_people(file.path)], study.id)
    assert merge(read_people(end_to_end), study.id) == apart
    assert merge([*read_people(end_to_end), *read_people(ana.path)], study.id) == apart, "the same twice is once"
    assert make_report(study, [end_to_end], bootstrap=10)["judgements"] == 24
    assert people_files(study, [ana.path, end_to_end]) == [ana.path, bo.path, end_to_end]


def refusal(study: Study, *paths: Path) -> str:
    with pytest.raises(LacieError) as error:
        make_report(study, people_files(study, paths), bootstrap=10)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_files_that_conflict(study: Study, tmp_path: Path) -> None:
    judge(study, "ana")
    other = PersonFile.open(tmp_path / "elsewhere", study.id, "ana")
    other.add(one(study, sure=1))
    line = refusal(study, other.path)
    assert f"ana.jsonl and {other.path} conflict: 'ana' judged item" in line


def test_one_name_for_two_numbers_of_items_conflicts(study: Study, tmp_path: Path) -> None:
    judge(study, "ana")
    refused = 0
    for items in range(2, 12):  # for some of them a question has the other speaker
        other = judge(study, "ana", lambda _: (True, 4, False), folder=tmp_path / f"with {items}", items=items)
        other.path.write_text(
            "".join(
                line
                for line in other.path.read_text().splitlines(keepends=True)
                if json.loads(line).get("item") not in PersonFile.open(study.people_dir, study.id, "ana").judgements
            )
        )
        if len(read_people(other.path)[0].judgements):
            assert "judged both answers to question" in refusal(study, other.path)
            refused += 1
    assert refused


def test_a_file_of_another_study(study: Study, tmp_path: Path) -> None:
    other = make_study(tmp_path / "other", 5)
    file = judge(other, "bo")
    assert refusal(study, file.path) == f"{file.path} is of another study ({other.id}; this one is {study.id})"
    study.people_dir.mkdir()
    file.path.rename(study.people_dir / file.path.name)
    with pytest.raises(StudyError, match="is of another study"):
        PersonFile.open(study.people_dir, study.id, "bo")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{broken\n", "line 1: not valid JSON"),
        ('{"id": "1"}\n', "row 1: this is no judgement of a study"),
        ("", "holds no judgements"),
        ('{"study": 3, "format": 1}\n', "row 1: not the first line of a person's file"),
        ('{"study": "x", "person": "p", "format": 9}\n', "another version of lacie-chat"),
    ],
)
def test_files_that_are_none(study: Study, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    assert message in refusal(study, path)


@pytest.mark.parametrize("sure", [0, 6, True, "4", 2.5, None])
def test_a_judgement_that_is_none(study: Study, sure: object) -> None:
    file = judge(study, "ana")
    with file.path.open("a") as lines:
        lines.write(json.dumps({"id": "x", "item": "y", "accepted": True, "sure": sure, "known": False}) + "\n")
    assert "row 16: this is no judgement" in refusal(study)


def test_an_item_that_the_study_has_not(study: Study) -> None:
    file = judge(study, "ana")
    file.add(Judgement("0123456789ab", True, 3, False, 1.0))
    assert "the study has no item '0123456789ab'" in refusal(study)


def test_no_judgements_yet(study: Study) -> None:
    assert f"nobody has judged the study in {study.folder} yet" in refusal(study)
    PersonFile.open(study.people_dir, study.id, "ana")
    assert "there are no judgements to report on" in refusal(study)


def test_a_study_is_its_answers(study: Study) -> None:
    assert open_study(study.folder).id == study.id
    answers = study.folder / "answers.jsonl"
    answers.write_text(answers.read_text().replace("perhaps Village 7", "perhaps Village 8"))
    with pytest.raises(StudyError, match=r"answers\.jsonl was changed since the study began"):
        open_study(study.folder)


def test_studies_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no study"):
        open_study(tmp_path)
    with pytest.raises(StudyError, match="gave the same answer to all 3 questions"):
        make_study(tmp_path / "same", 3, response="It is so.")
    begun = begin(tmp_path / "half", {"seed": 1}, told_apart_by=["seed"])
    begun.append([answer_row(0, "baseline")])
    with pytest.raises(StudyError, match="not all made yet"):
        open_study(tmp_path / "half")
    with pytest.raises(StudyError, match="one of the two answers to question 'q0' is missing"):
        finish(tmp_path / "half")
    with pytest.raises(StudyError, match=r"another study \(it differs in: seed\)"):
        begin(tmp_path / "half", {"seed": 2}, told_apart_by=["seed"])
    (tmp_path / "half" / "study.json").write_text("[]")
    with pytest.raises(StudyError, match="is not a study file"):
        open_study(tmp_path / "half")
