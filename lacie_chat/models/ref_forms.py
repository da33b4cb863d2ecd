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
_OTHER_KINDS = ("datasets", "spaces", "collections", "papers", "docs", "api")


def plain(ref: str) -> str:
    """The REF that is meant by what was written; anything that is none of these habits comes back as it is.

    Understood: `hf.co/owner/repo[:QUANT]`, addresses of a repository or a file on the Hub (`/tree/`, `/blob/`,
    `/resolve/`), `hf:owner/repo/file.gguf`, an address of ollama.com, and llama.cpp's or Ollama's option or command in
    front. Raises ModelError, one line: an address elsewhere, another revision than main, no model's page."""
    words = ref.strip()
    option = _OPTION.match(words)
    if option:
        command, words = option[0].lower(), words[option.end() :].strip()
        if command.startswith("ollama") and not words.lower().startswith(PREFIX):
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
    if len(parts) < 2 or parts[0] in _OTHER_KINDS:
        raise ModelError(f"{shown(ref)} names no model; a model's page is https://huggingface.co/owner/repo")
    repo, rest = f"{parts[0]}/{parts[1]}", parts[2:]
    if len(rest) >= 2 and rest[0] in ("tree", "blob", "resolve", "raw"):
        if rest[1] != "main":
            raise ModelError(f"{shown(ref)} names the revision {rest[1]}; only main is fetched: {repo}")
        rest = rest[2:]
    elif rest and not rest[-1].lower().endswith(".gguf"):
        rest = []  # a tab of the repository's page
    return f"{repo}:{'/'.join(rest)}" if rest else repo
