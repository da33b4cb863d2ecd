"""Which calibrator belongs to a model: what the user fitted, else what the model's maker put into the file.

A calibrator holds for the very pair that it was fitted on: a model, or a model with an adapter. It is kept under the
fingerprints of both, so that a new quantisation or a retrained adapter never inherits one. One that was fitted on what
another version of the assessment heard is not used (the same wording may get another acceptance now), and none for
answers that are drawn in another way than those it was fitted on (they may be right more often, or less).

The user's own wins over the maker's, which stays in its file untouched. Of the user's own the last one before is kept
too, so that every fit can be taken back.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lacie_chat import paths
from lacie_chat.foreign_json import parse_json
from lacie_chat.models.errors import ModelError
from lacie_chat.models.gguf_file import fingerprint, read_metadata
from lacie_chat.private import private_folder
from lacie_chat.rows import write_json, writing

if TYPE_CHECKING:
    from lacie_chat.confidence import Calibrator, WayOfDrawing

CALIBRATOR_KEY = "lacie.calibrator"  # in the GGUF: the calibrator's JSON
BASELINE_CALIBRATOR = Path(__file__).parent / "lacie" / "baseline-calibrator.json"
"""That of the embedded model without its adapter, whose GGUF is another package's and carries none."""


def calibrator_path(model_path: Path, adapter_path: Path | None = None) -> Path:
    """Where the calibrator that the user fits for this model (and adapter) is kept, whether it is there or not."""
    return paths.calibrators_dir() / f"{pair_fingerprint(model_path, adapter_path)}.json"


def pair_fingerprint(model_path: Path, adapter_path: Path | None = None) -> str:
    """The identity of a model, or of a model with an adapter: what a calibrator holds for, and who gave an answer."""
    return "-".join([fingerprint(model_path), *([fingerprint(adapter_path)] if adapter_path else [])])


def look_for_calibrator(
    model_path: Path,
    adapter_path: Path | None = None,
    sampling: "WayOfDrawing | None" = None,
    version: str | None = None,
) -> "tuple[Calibrator | None, str]":
    """The calibrator of this model with this adapter for answers that are drawn so and heard by this `version` of the
    assessment, or None with one line that says why the one that is there is not used (empty where there is none).

    `sampling` None: for whatever way of drawing. `version` None: the tuned listener's. Raises ModelError for one that
    can't be read.
    """
    own, why = _usable(lambda: _stored(calibrator_path(model_path, adapter_path)), sampling, version)
    if own is not None:
        return own, ""
    shipped, why_not = _usable(lambda: _embedded(adapter_path or model_path), sampling, version)
    return shipped, "" if shipped is not None else why or why_not


def find_calibrator(
    model_path: Path, adapter_path: Path | None = None, sampling: "WayOfDrawing | None" = None
) -> "Calibrator | None":
    """As `look_for_calibrator`, without the reason."""
    return look_for_calibrator(model_path, adapter_path, sampling)[0]


def own_calibrator(
    model_path: Path, adapter_path: Path | None = None, version: str | None = None
) -> "Calibrator | None":
    """The one that the user has fitted, for this version of the assessment; ModelError if it can't be read."""
    return own_calibrator_of(pair_fingerprint(model_path, adapter_path), version)


def own_calibrator_of(fingerprint_of_pair: str, version: str | None = None) -> "Calibrator | None":
    """The same by `pair_fingerprint`: also where the files are gone."""
    return _usable(lambda: _stored(paths.calibrators_dir() / f"{fingerprint_of_pair}.json"), None, version)[0]


def shipped_calibrator(
    model_path: Path, adapter_path: Path | None = None, version: str | None = None
) -> "Calibrator | None":
    """The one inside the adapter's file, else (without an adapter) the model's, for this version of the assessment."""
    return _usable(lambda: _embedded(adapter_path or model_path), None, version)[0]


def keep_calibrator(calibrator: "Calibrator", model_path: Path, adapter_path: Path | None = None) -> Path:
    """Make this the user's own calibrator of the pair; the one before is kept beside it. Returns its file. Raises
    LacieError where that can't be written."""
    path = calibrator_path(model_path, adapter_path)
    with writing(path):
        private_folder(private_folder(paths.data_dir()) / path.parent.name)
    try:
        earlier = _read_own(path)
    except ModelError:
        earlier = None  # damaged: not worth coming back to
    if earlier is not None and earlier != calibrator:
        write_json(_previous(path), earlier.to_dict())
    write_json(path, calibrator.to_dict())
    return path


def take_back_calibrator(model_path: Path, adapter_path: Path | None = None) -> "Calibrator | None":
    """Undo the last `keep_calibrator`: the user's one before comes back and is returned, else there is no own one any
    more. Raises ModelError if there is none to take back."""
    path = calibrator_path(model_path, adapter_path)
    previous = _previous(path)
    if not path.exists():
        raise ModelError("there is no calibrator of your own for this model and adapter: nothing to remove")
    earlier = _read_own(previous)
    with writing(path):
        if earlier is None:
            path.unlink()
        else:
            previous.replace(path)
    return earlier


def _read_own(path: Path) -> "Calibrator | None":
    """What is kept there, whichever listener it was fitted for; None for one of an older format."""
    from lacie_chat.confidence import OlderCalibrator

    try:
        return _stored(path)
    except OlderCalibrator:
        return None


def _previous(path: Path) -> Path:
    return path.with_suffix(".previous.json")


def _usable(
    read: "Callable[[], Calibrator | None]", sampling: "WayOfDrawing | None", version: str | None
) -> "tuple[Calibrator | None, str]":
    """What is read, if it holds for this version of the assessment and this way of drawing; else None and one line
    that says why not and what to do."""
    from lacie_chat.confidence import ASSESSMENT_VERSION, OlderCalibrator

    again = "fit it again: lacie calibrate"
    try:
        calibrator = read()
    except OlderCalibrator as error:
        return None, str(error)
    if calibrator is None:
        return None, ""
    source = f"the calibrator fitted on {calibrator.source}"
    version = version or ASSESSMENT_VERSION
    if calibrator.assessment_version != version:
        heard = f"version {calibrator.assessment_version} of the assessment heard its answers, this one is "
        return None, f"{source} is not used: {heard}{version}; {again}"
    if sampling is not None and calibrator.sampling != sampling:
        how = _differing(calibrator.sampling, sampling)
        if sampling.system:  # which the questions of `calibrate` are asked without
            again = "fit it on answers that you mark: lacie calibration fit --marks"
        return None, f"{source} is not used: its answers were drawn with {how}; draw like that, or {again}"
    return calibrator, ""


def _differing(fitted: "WayOfDrawing", asked: "WayOfDrawing") -> str:
    one, other = fitted.to_dict(), asked.to_dict()
    return ", ".join(
        f"{key.replace('_', ' ')} {_written(key, one.get(key))}, not {_written(key, other.get(key))}"
        for key in {**one, **other}
        if (one.get(key) or 0) != (other.get(key) or 0)
    )


def _written(key: str, value: "str | float | None") -> str:
    if key == "system":
        return f"prompt “{value if len(str(value)) <= 24 else f'{str(value)[:23]}…'}”" if value else "prompt none"
    if value is None and key == "reasoning":
        return "as the model does"
    return value if isinstance(value, str) else f"{value or 0:g}"


def _stored(path: Path) -> "Calibrator | None":
    from lacie_chat.confidence import Calibrator, OlderCalibrator

    if not path.exists():
        return None
    try:
        return Calibrator.load(path)
    except OlderCalibrator:
        raise
    except ValueError as error:
        raise ModelError(f"{error}; delete the file or fit it again: lacie calibrate") from error


def _embedded(source: Path) -> "Calibrator | None":
    """What the file itself says. With an adapter that is the adapter's file: the model's was fitted without it."""
    from lacie_chat.confidence import Calibrator, OlderCalibrator

    embedded = read_metadata(source).get(CALIBRATOR_KEY)
    if embedded is None:
        return _packaged(source)
    try:
        return Calibrator.from_dict(parse_json(str(embedded)))
    except OlderCalibrator as error:
        raise OlderCalibrator(f"the calibrator inside {source.name} is not used: {error}") from error
    except ValueError as error:
        raise ModelError(f"the calibrator inside {source} is damaged: {error}") from error


def _packaged(source: Path) -> "Calibrator | None":
    """The one that this package brings for a file of another's, if it was fitted for this very file."""
    calibrator = _stored(BASELINE_CALIBRATOR)
    return calibrator if calibrator is not None and calibrator.model_fingerprint == fingerprint(source) else None
