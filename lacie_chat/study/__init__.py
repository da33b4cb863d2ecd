"""The paper's human evaluation for anyone to repeat: people as listeners, blinded, and their judgements as figures.

Pure: answers and judgements in files, plans and figures out. Who makes the answers, and what a person sees and presses,
is the business of `commands.study` and `tui.screens.judging`.
"""

from lacie_chat.study.design import Shown, assign, plan
from lacie_chat.study.judgements import SURE_WORDS, Judgement, PersonFile
from lacie_chat.study.records import SPEAKERS, Answer, SpeakerName, Study, StudyError, open_study
from lacie_chat.study.report import as_markdown, make_report, people_files

__all__ = [
    "SPEAKERS",
    "SURE_WORDS",
    "Answer",
    "Judgement",
    "PersonFile",
    "Shown",
    "SpeakerName",
    "Study",
    "StudyError",
    "as_markdown",
    "assign",
    "make_report",
    "open_study",
    "people_files",
    "plan",
]
