"""llama.cpp's own conversion scripts, of the very snapshot that the runtime was built from.

They are in the source distribution of llama-cpp-python, which pip fetches from wherever the user's pip fetches things,
and checks against the hash written here. Only the scripts and the `gguf` package beside them are kept, in the user's
cache. PyPI's `gguf` is another version and fails with them, and third-party packages that carry the scripts install a
`gguf` or a `llama_cpp` over the real ones, so none of those is used.

pip has no "only fetch": `pip download` of a source distribution also asks its build backend for metadata, which would
install and run a build system for a minute. So it is given a backend of the right name that answers at once and builds
nothing.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import platformdirs

from lacie_chat.installed import install_package
from lacie_chat.sizes import size_text
from lacie_export.child import run_python
from lacie_export.errors import ExportError, writing
from lacie_export.files import need_space, pending, refuse_existing

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
SDIST_VARIABLE = "LACIE_LLAMA_CPP_SDIST"
"""Environment variable: the source distribution as a file, for machines where pip can't fetch it."""

_SIZE = 76_589_250
_KEPT = (
    "convert_hf_to_gguf.py",
    "convert_lora_to_gguf.py",
    "LICENSE",
    "conversion/",
    "gguf-py/gguf/",
    "gguf-py/LICENSE",
)
_BACKEND = '''\
"""Stands in for the build backend while the source is fetched: says what is asked, builds nothing."""
from pathlib import Path
def get_requires_for_build_wheel(config_settings=None):
    return []
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory, "llama_cpp_python-{version}.dist-info")
    folder.mkdir()
    Path(folder, "METADATA").write_text("Metadata-Version: 2.1\\nName: llama_cpp_python\\nVersion: {version}\\n")
    return folder.name
def build_wheel(*arguments, **settings):
    raise RuntimeError("this only fetches")
'''


def scripts_folder() -> Path:
    """The folder with the conversion scripts; fetched on the first call, then taken from the cache. Raises
    ExportError."""
    installed = version("llama-cpp-python")
    if installed != VERSION:
        raise ExportError(
            f"llama-cpp-python {installed} is installed, but the export knows the converter of {VERSION}; "
            f"install it with: {install_package(f'llama-cpp-python=={VERSION}')}"
        )
    folder = cache_folder() / f"llama.cpp-{VERSION}"
    if not (folder / "convert_hf_to_gguf.py").is_file():
        _install(folder)
    return folder


def known_architectures(folder: Path) -> frozenset[str]:
    """The names of text models in `config.json` that the converter has a class for (read from its table, not run)."""
    tree = ast.parse((folder / "conversion" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        if isinstance(node.target, ast.Name) and node.target.id == "TEXT_MODEL_MAP":
            return frozenset(
                key.value for key in node.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )
    raise ExportError(f"{folder} is not the converter of llama-cpp-python {VERSION}; remove it and try again")


def unpack_source(target: Path, kept: tuple[str, ...]) -> None:
    """Fetch and check the source distribution, and make the folder `target` of what begins with one of `kept` in its
    copy of llama.cpp. Raises ExportError."""
    given = os.environ.get(SDIST_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="lacie-llama-cpp-") as name:
        sdist = Path(given) if given else _fetch(Path(name))
        _check(sdist)
        if target.is_dir():  # an older, incomplete one
            shutil.rmtree(target, ignore_errors=True)
        refuse_existing(target, force=False)
        with pending(target) as part:
            _extract(sdist, part, kept)


def cache_folder() -> Path:
    """Where what was fetched once is kept."""
    override = os.environ.get("LACIE_CACHE_DIR")
    return Path(override) if override else Path(platformdirs.user_cache_dir("lacie-chat", appauthor=False))


def _install(folder: Path) -> None:
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    unpack_source(folder, _KEPT)


def _fetch(work: Path) -> Path:
    need_space(work, 3 * _SIZE, "llama.cpp's converter")
    backend = work / "backend" / "scikit_build_core"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build.py").write_text(_BACKEND.format(version=VERSION), encoding="utf-8")
    wanted = work / "requirements.txt"
    wanted.write_text(f"llama-cpp-python=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    target = work / "fetched"
    target.mkdir()
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        raise ExportError(
            f"pip isn't installed here, so llama.cpp's converter can't be fetched; download the source distribution of "
            f"llama-cpp-python {VERSION} and name it in {SDIST_VARIABLE}"
        )
    file = target / f"llama_cpp_python-{VERSION}.tar.gz"
    status, output = run_python(
        [
            *("-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=llama-cpp-python", "--no-build-isolation"),
            *("--require-hashes", "--disable-pip-version-check", "--dest", str(target), "--requirement", str(wanted)),
        ],
        title=f"fetching llama.cpp's converter ({size_text(_SIZE)}, once)",
        watch=file,
        total=_SIZE,
        environment={"PYTHONPATH": str(backend.parent)},
    )
    if status or not file.is_file():
        raise ExportError(f"llama.cpp's converter can't be fetched by pip: {_reason(output)}")
    return file


def _reason(output: str) -> str:
    if "DO NOT MATCH THE HASHES" in output:
        return "what came is not the file that is expected (its hash differs)"
    errors = [line.removeprefix("ERROR:").strip() for line in output.splitlines() if line.startswith("ERROR:")]
    return errors[0] if errors else "it gave no reason; try `pip download` by hand"


def _check(sdist: Path) -> None:
    try:
        with sdist.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ExportError(f"{sdist} can't be read: {error.strerror or error}") from error
    if found != SHA256:
        raise ExportError(f"{sdist} is not the source distribution of llama-cpp-python {VERSION}: its SHA-256 differs")


def _extract(sdist: Path, target: Path, kept: tuple[str, ...]) -> None:
    root = f"llama_cpp_python-{VERSION}/vendor/llama.cpp/"
    with writing(target), tarfile.open(sdist) as archive:
        for member in archive:
            inside = member.name.removeprefix(root)
            if member.isfile() and inside != member.name and inside.startswith(kept):
                member.name = inside
                archive.extract(member, target, filter="data")
