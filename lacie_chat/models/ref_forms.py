"""How people write which model they mean, and what that is called here.

The REF of the interface is `owner/repo[:QUANT]`, `ollama:NAME` or a path. What stands on the pages of the Hub, in
llama.cpp's manual or in Ollama's is understood as well: it is copied from there more often than typed.
"""

import re
from urllib.parse import unquote

from lacie_chat.models.errors import ModelError
from lacie_chat.models.hub_http import hub_host, shown
from lacie_chat.models.ollama import PREFIX
from lacie_chat.models.quantisations import Variant

FORMS = "`embedded`, a path to a .gguf file, owner/repo[:QUANT] on the Hub, or ollama:NAME"

_HUB_REF = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<wanted>[^:\x00-\x1f]+))?")
_OPTION = re.compile(r"(?:-hfr?|--hf-repo|-m|--model|ollama (?:run|pull))[ =]+", re.IGNORECASE)
_HUB_SCHEME = re.compile(r"(?:hf|huggingface):(?://)?", re.IGNORECASE)
_URL = re.compile(r"https?://", re.IGNORECASE)
_HUB_HOSTS = ("hf.co", "huggingface.co", "www.huggingface.co", "hf-mirror.com")
_OLLAMA_HOSTS = ("ollama.com", "www.ollama.com", "registry.ollama.ai")
_OTHER_KINDS = {
    "datasets": "a dataset",
    "spaces": "a space",
    "collections": "a collection",
    "papers": "a paper",
    **dict.fromkeys(
        ("docs", "api", "blog", "chat", "posts", "learn", "settings", "organizations"), "a page of the Hub"
    ),
}
"""The first word of an address that is no owner's name -> what is there."""
_FETCHING = re.compile(r"(?:hf|huggingface-cli) download +|git (?:lfs )?clone +", re.IGNORECASE)
"""Commands that people copy, in front of a repository and perhaps a file of it."""
_NO_GGUF = ("md", "safetensors", "bin", "json", "txt", "jinja", "pt", "pth", "onnx", "png", "parquet", "zip")
_SHOWN_FILE = re.compile(r"[?&]show_file_info=([^&#]+\.gguf)", re.IGNORECASE)


def plain(ref: str) -> str:
    """The REF that is meant by what was written; anything that is none of these habits comes back as it is.

    Understood: `hf.co/owner/repo[:QUANT]`, addresses of a repository or a file on the Hub (`/tree/`, `/blob/`,
    `/resolve/`), `hf:owner/repo/file.gguf`, an address of ollama.com, and the option or command of llama.cpp, Ollama,
    git or the Hub's own tool in front. Raises ModelError, one line: an address elsewhere, another revision than
    main, no model's page."""
    words = ref.strip().strip("<>").strip()
    if fetching := _FETCHING.match(words):
        repo, _, file = words[fetching.end() :].strip().partition(" ")
        words = f"{repo}:{file.strip()}" if file.lower().endswith(".gguf") else repo
    option = _OPTION.match(words)
    if option:
        command, words = option[0].lower(), words[option.end() :].strip()
        on_hub = words.partition("/")[0].lower() in _HUB_HOSTS  # as Ollama fetches from the Hub
        if command.startswith("ollama") and not on_hub and not words.lower().startswith(PREFIX):
            return PREFIX + words
    if words.lower().startswith(PREFIX):
        return PREFIX + words[len(PREFIX) :]
    scheme, url = _HUB_SCHEME.match(words), _URL.match(words)
    if scheme:
        return _on_hub(words[scheme.end() :], ref)
    host, _, path = (words[url.end() :] if url else words).partition("/")
    host = host.rpartition("@")[2].lower()
    if host in _HUB_HOSTS or (url and host == hub_host()):
        return _on_hub(path, ref)
    if host in _OLLAMA_HOSTS and path:
        return PREFIX + path.partition("?")[0].strip("/").removeprefix("library/")
    if url:
        raise ModelError(f"{host or shown(ref)} is not the Hub: fetch the file with your browser, and give its path")
    return words if option or words.count("/") != 2 or not words.endswith("/") else words.rstrip("/")


def parse_hub_ref(ref: str) -> tuple[str, str | None] | None:
    """(repository, quantisation or file name wanted) of a Hub REF; None for anything else."""
    match = _HUB_REF.fullmatch(ref)
    if match is None:
        return None
    wanted = match["wanted"]
    return match["repo"], None if wanted is not None and wanted.lower() == "latest" else wanted


def display_name(repo: str, variant: Variant) -> str:
    """What to call a Hub model on the screen: `Qwen3-4B-Instruct-2507 Q4_K_M`."""
    name = re.sub(r"[-_.]GGUF$", "", repo.partition("/")[2], flags=re.IGNORECASE)
    return f"{name} {variant.quantisation}".rstrip()


def _on_hub(path: str, ref: str) -> str:
    """From what follows the Hub's name: `owner/repo[:QUANT]`, or with `/blob/main/file.gguf` and the like."""
    parts = [unquote(part) for part in re.split(r"[?#]", path, maxsplit=1)[0].strip("/").split("/")]
    if parts[0] == "models" and len(parts) > 2:
        parts = parts[1:]
    if parts[0] in _OTHER_KINDS:
        what = f"is {_OTHER_KINDS[parts[0]]}, not a model"
        raise ModelError(f"{shown(ref)} {what}; a model's page is https://huggingface.co/owner/repo")
    if len(parts) < 2:
        what = (
            f"names an owner, {parts[0]}, and no model of theirs"
            if parts[0] not in ("", "models")
            else "names no model"
        )
        raise ModelError(f"{shown(ref)} {what}; a model's page is https://huggingface.co/owner/repo")
    repo, rest = f"{parts[0]}/{parts[1]}", parts[2:]
    if len(rest) >= 2 and rest[0] in ("tree", "blob", "resolve", "raw"):
        if rest[1] != "main":
            raise ModelError(f"{shown(ref)} names the revision {rest[1]}; only main is fetched: {repo}")
        rest = rest[2:]
        if rest and "." in rest[-1] and rest[-1].rpartition(".")[2].lower() in _NO_GGUF:
            raise ModelError(f"{shown(ref)} is a file, but no GGUF; the model: {repo}")
    elif not rest and (file := _SHOWN_FILE.search(path)):
        rest = [unquote(file[1])]
    elif rest and not rest[-1].lower().endswith(".gguf"):
        rest = []  # a tab of the repository's page
    return f"{repo}:{'/'.join(rest)}" if rest else repo
