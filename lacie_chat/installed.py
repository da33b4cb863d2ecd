"""How this program was installed, and so what a user types to add something to it.

`pip install` in a shell puts a package into whatever environment that shell has; one that pipx or uv made for this
program alone doesn't see it. Each leaves a file of its own in such an environment. `uv tool install` has to be told
again what was asked for before: what it isn't told of, it takes out. `pipx inject` takes the packages of an extra, not
the extra: to pipx 1.4, lacie-chat itself is there already, and nothing is done.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

NAME = "lacie-chat"
_PIPX, _UV = "pipx_metadata.json", "uv-receipt.toml"


def install_extra(extra: str, prefix: Path | None = None) -> str:
    """The command that adds an extra of lacie-chat to where this program runs; `prefix`: to another environment."""
    prefix = prefix or Path(sys.prefix)
    if (prefix / _PIPX).is_file() and (packages := _packages_of(extra)):
        return f"pipx inject {NAME} {' '.join(_quoted(packages))}"
    if (prefix / _UV).is_file():
        return _uv_tool_install(prefix, [extra], [])
    return f"pip install {_with_extras([extra])}"


def install_package(package: str, prefix: Path | None = None) -> str:
    """The same for a package of another's."""
    prefix = prefix or Path(sys.prefix)
    (written,) = _quoted([package])
    if (prefix / _PIPX).is_file():
        return f"pipx inject {NAME} {written}"
    if (prefix / _UV).is_file():
        return _uv_tool_install(prefix, [], [package])
    return f"pip install {written}"


def _uv_tool_install(prefix: Path, extras: list[str], packages: list[str]) -> str:
    """With all that its receipt says was asked for."""
    import tomllib

    try:
        receipt = tomllib.loads((prefix / _UV).read_text(encoding="utf-8"))
        asked = [each for each in receipt["tool"]["requirements"] if isinstance(each, dict)]
    except (OSError, ValueError, KeyError, TypeError):
        asked = []
    for each in asked:
        if each.get("name") == NAME:
            extras = [*each.get("extras", []), *extras]
        elif "name" in each:
            packages = [f"{each['name']}{each.get('specifier', '')}", *packages]
    more = "".join(f" --with {package}" for package in _quoted(dict.fromkeys(packages)))
    return f"uv tool install {_with_extras(extras)}{more}"


def _with_extras(extras: Iterable[str]) -> str:
    names = ",".join(dict.fromkeys(extras))
    return f"'{NAME}[{names}]'" if names else NAME


def _packages_of(extra: str) -> list[str]:
    """The requirements of an extra, without their markers."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        found = [each.partition(";") for each in requires(NAME) or []]
    except PackageNotFoundError:  # run from a checkout that was never installed
        return []
    asked = re.compile(rf"extra == ['\"]{re.escape(extra)}['\"]")
    return [package.strip() for package, _, marker in found if asked.search(marker)]


def _quoted(packages: Iterable[str]) -> list[str]:
    return [f"'{package}'" if re.search(r"[^\w.-]", package) else package for package in packages]
