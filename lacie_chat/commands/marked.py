"""The user's marks by speaker (a model, or a model with an adapter), and the calibrators that belong to each.

A speaker is known by the fingerprint of its files. Its marks are of use without the files; only what came inside them
(the shipped calibrator) is then missing, and a line says so.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lacie_chat.commands.settled import sampling_of
from lacie_chat.commands.speaker import Pair, find_pair
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, WayOfDrawing
from lacie_chat.confidence.version import version_of_prompted
from lacie_chat.conversations import MarkedAnswer, marks_of
from lacie_chat.engine import Sampling
from lacie_chat.errors import LacieError
from lacie_chat.models import (
    ModelError,
    own_calibrator_of,
    shipped_calibrator,
    tuned_listener,
)
from lacie_chat.names import pair_name
from lacie_chat.settings import Settings, read_settings
from lacie_chat.statistics.reliability import Bins, Figure, Said, all_bins, said_of, summary

HOW_TO_MARK = "in the chat, f6 marks an answer right and f7 wrong"


@dataclass(frozen=True, slots=True)
class MarkedSpeaker:
    """All marks on the answers of one speaker. `others` more were drawn or heard otherwise than by `version` of
    the assessment; `note` says what is missing, and why."""

    model: str
    adapter: str | None
    fingerprint: str | None
    refs: tuple[str | None, str | None]
    marks: list[MarkedAnswer]
    others: int
    version: str
    calibrators: dict[Figure, Calibrator]
    note: str

    @property
    def name(self) -> str:
        return pair_name(self.model, self.adapter)

    @property
    def said(self) -> Said:
        """How sure each marked answer sounds, and what each calibrator says of it."""
        signals = [mark.signals for mark in self.marks]
        return said_of([mark.acceptance for mark in self.marks], signals, self.calibrators)

    @property
    def bins(self) -> Bins:
        return all_bins(self.said, [mark.correct for mark in self.marks])

    @property
    def summary(self) -> dict[str, Any]:
        return summary(self.said, [mark.correct for mark in self.marks])

    @property
    def seen_by_own(self) -> bool:
        """Whether the user's calibrator may have been fitted on these very answers."""
        return "own" in self.calibrators and "own marks" in self.calibrators["own"].source

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "model": self.model,
            "adapter": self.adapter,
            "fingerprint": self.fingerprint,
            **self.summary,
            "left_out": self.others,
            "bins": {figure: [entry.to_dict() for entry in bins] for figure, bins in self.bins.items()},
            "calibrators": {role: each.to_dict() for role, each in self.calibrators.items()},
            "note": self.note or None,
        }


def marked_speakers(marks: Sequence[MarkedAnswer], version: str | None = None) -> list[MarkedSpeaker]:
    """The speakers whose answers are marked, the one with most marks first, as `version` of the assessment heard them
    (None: that of a chat without --listener)."""
    newest = sorted(marks, key=lambda mark: mark.marked_at, reverse=True)
    by_files = {mark.fingerprint: mark for mark in reversed(newest) if mark.fingerprint}
    known = {(mark.model, mark.adapter) for mark in by_files.values()}
    by_name = {(mark.model, mark.adapter): mark for mark in newest if not mark.fingerprint}
    examples = [*by_files.values(), *(mark for name, mark in by_name.items() if name not in known)]
    return sorted(
        (_speaker(mark, marks, version or _default_version(mark)) for mark in examples),
        key=lambda each: -len(each.marks),
    )


def of_one(speakers: Sequence[MarkedSpeaker], args: argparse.Namespace) -> list[MarkedSpeaker]:
    """Those that `--model` and `--adapter` name; by their REFs or names where the files are gone."""
    try:
        fingerprint = find_pair(args, download=False).fingerprint
    except ModelError:
        wanted = args.model, args.adapter
        found = [each for each in speakers if wanted in (each.refs, (each.model, each.adapter))]
        if not found:
            raise
        return found
    return [each for each in speakers if each.fingerprint == fingerprint]


def _default_version(mark: MarkedAnswer) -> str:
    """Without the tuned listener a model hears itself (models/listeners.py)."""
    if tuned_listener() is not None or not mark.fingerprint:
        return ASSESSMENT_VERSION
    return version_of_prompted(mark.fingerprint[:8])


def _speaker(mark: MarkedAnswer, marks: Sequence[MarkedAnswer], version: str) -> MarkedSpeaker:
    refs = mark.model_ref, mark.adapter_ref
    sampling, system = Sampling(), ""
    calibrators: dict[Figure, Calibrator] = {}
    note = ""
    if mark.fingerprint:
        try:
            pair, note = _files(refs, mark.fingerprint)
            settings = Settings(read_settings().checked())
            sampling = sampling_of(settings, pair.model.path) if pair else sampling
            system = settings.system_prompt()
            if pair and (shipped := shipped_calibrator(*pair.paths, version)):
                calibrators["shipped"] = shipped
            if own_one := own_calibrator_of(mark.fingerprint, version):
                calibrators["own"] = own_one
        except ModelError as error:
            note = str(error)  # a damaged calibrator is no reason not to show the marks
    drawn = WayOfDrawing.of(sampling, system).to_dict()
    own, others = marks_of(marks, mark.fingerprint, mark.model, mark.adapter, version, drawn)
    return MarkedSpeaker(mark.model, mark.adapter, mark.fingerprint, refs, own, others, version, calibrators, note)


def _files(refs: tuple[str | None, str | None], fingerprint: str) -> tuple[Pair | None, str]:
    """The very files that gave the answers, or why they can't be had."""
    model, adapter = refs
    if model is None:
        return None, ""
    try:
        pair = find_pair(argparse.Namespace(model=model, adapter=adapter, baseline=adapter is None), download=False)
    except ModelError:
        which = f"{model} with {adapter}" if adapter else model
        return None, f"{which} is not on this machine any more: a calibrator that came with it can't be shown"
    if pair.fingerprint != fingerprint:
        return None, f"{adapter or model} is another file by now: the calibrator of the one before can't be shown"
    return pair, ""


def marks_to_fit(speakers: Sequence[MarkedSpeaker], args: argparse.Namespace) -> tuple[Pair, MarkedSpeaker]:
    """The pair to fit and its marks. Raises LacieError: no marks on it, or its files are gone."""
    try:
        pair = find_pair(args, download=False)
    except ModelError as error:
        gone = [each for each in speakers if (args.model, args.adapter) in (each.refs, (each.model, each.adapter))]
        if not gone:
            raise
        raise LacieError(
            f"the files of {gone[0].name} are gone, so there is nothing to fit a calibrator for; your "
            f"{len(gone[0].marks)} marks on it are kept (lacie calibration show)"
        ) from error
    found = [each for each in speakers if each.fingerprint == pair.fingerprint]
    if not found:
        others = f"; there are marks on {', '.join(each.name for each in speakers[:3])}" if speakers else ""
        raise LacieError(f"no answer of {pair.name} is marked: {HOW_TO_MARK}{others}")
    return pair, found[0]
