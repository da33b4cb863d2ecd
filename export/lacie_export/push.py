"""The exported files to the Hub: GGUFs, model card, pictures, verification tables. The merged safetensors stay here.

The Hub's library speaks to it, and takes its word: an answer that is none ends there in errors of any kind, which are
made one line here.
"""

from importlib import import_module
from json import JSONDecodeError
from pathlib import Path
from types import ModuleType

from lacie_chat.models.hub_http import endpoint, not_a_hub, shown
from lacie_export.errors import ExportError, first_line

_PATTERNS = [
    "*.gguf",
    "*.verify.json",
    "*.verify.md",
    "README.md",
    "*.png",
    "LICENSE*",
    "LICENCE*",
    "NOTICE*",
    "USE_POLICY*",
]


def check_access(repo: str) -> None:
    """Raises ExportError before any work if `repo` isn't owner/name or nobody is logged in."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo)
        if repo.count("/") != 1:
            raise HFValidationError(repo)
    except HFValidationError as error:
        raise ExportError(f"--push takes OWNER/REPO, not {repo}") from error
    try:
        HfApi(endpoint=endpoint()).whoami()
    except _failures() as error:
        raise ExportError(f"can't push to {repo}: {_reason(error)}") from error


def push(out: Path, repo: str) -> str:
    """Upload what is in `out` as one commit; creates the repository if need be. Returns its address. Raises
    ExportError."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint())
    try:
        url = api.create_repo(repo, exist_ok=True)
        files = sorted(path.name for path in out.glob("*.gguf"))
        api.upload_folder(
            repo_id=repo,
            folder_path=str(out),
            allow_patterns=_PATTERNS,
            ignore_patterns=[".*"],
            commit_message=f"Upload {', '.join(files)}",
        )
    except _failures() as error:
        raise ExportError(f"uploading to {repo} failed: {_reason(error)}; the files are in {out}") from error
    return shown(str(url))


_NO_ANSWER = (KeyError, TypeError, AttributeError, IndexError, RecursionError, JSONDecodeError)
"""What the library ends in where an answer is not what it takes for granted."""


def _failures() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError

    http = _http()
    return (*_NO_ANSWER, HfHubHTTPError, OSError, ValueError, RuntimeError, http.HTTPError, http.InvalidURL)


def _http() -> ModuleType:
    """The HTTP library under the Hub's (httpx, or httpx2 in its later versions)."""
    from huggingface_hub import get_session

    return import_module(type(get_session()).__module__.partition(".")[0])


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    if isinstance(error, LocalTokenNotFoundError):
        return "nobody is logged in here; use `hf auth login`, or set HF_TOKEN"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return f"the Hub refuses it ({status}); log in with `hf auth login` as someone who may write there"
        return f"the Hub answered {status}"
    if isinstance(error, _NO_ANSWER):
        return str(not_a_hub())
    if isinstance(error, _http().InvalidURL | _http().UnsupportedProtocol):
        return f"HF_ENDPOINT is no address, or leads to none: {shown(endpoint())!r}; write https:// and the host"
    if isinstance(error, ValueError):
        return shown(str(error))
    return f"the Hub can't be reached ({shown(first_line(error))})"
