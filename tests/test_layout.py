"""The layout of the code: no circles among the modules, no module over 400 lines (the tests' neither), no two test
modules of one name.

An import is what the source says, wherever it stands: inside a function too (it is as true an arrow), but not under
`TYPE_CHECKING`. `python tests/test_layout.py` lists what is wrong and exits non-zero if anything is.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "lacie_chat", ROOT / "training" / "lacie_training", ROOT / "export" / "lacie_export")
MOST_LINES = 400

Arrows = Mapping[str, set[str]]


def modules(packages: tuple[Path, ...] = PACKAGES) -> dict[str, Path]:
    """Every module of the packages by its dotted name; a package's `__init__` has the package's name."""
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for package in packages
        for path in sorted(package.rglob("*.py"))
    }


def arrows(found: Mapping[str, Path]) -> Arrows:
    """Which modules each module imports, of those that are `found`."""
    return {name: _imports(path, name, found) - {name} for name, path in found.items()}


def circles(arrows: Arrows) -> list[list[str]]:
    """The modules that reach each other: every group of them, sorted."""
    reached = {name: _reached(name, arrows) for name in arrows}
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in arrows}
    return sorted(sorted(group) for group in groups if group)


def long_modules(found: Mapping[str, Path]) -> list[str]:
    """The modules of more than 400 lines, with how many they have."""
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in found.items()}
    return [f"{name}: {count} lines" for name, count in lines.items() if count > MOST_LINES]


def same_names(folder: Path) -> list[str]:
    """Test modules that share a name; the tests' folders are no packages, so pytest could collect only one of them."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        if path.name != "conftest.py":
            found.setdefault(path.name, []).append(str(path.relative_to(folder)))
    return [" and ".join(paths) for paths in found.values() if len(paths) > 1]


def _reached(start: str, arrows: Arrows) -> set[str]:
    seen: set[str] = set()
    todo = [*arrows[start]]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += arrows[name]
    return seen


def _imports(path: Path, name: str, found: Mapping[str, Path]) -> set[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imported: set[str] = set()
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*up, *([node.module] if node.module else [])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            imported |= names if names <= found.keys() else names | {source}  # a module, or what a package offers
    return imported & found.keys()


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _statements(child)


def test_no_circles() -> None:
    assert circles(arrows(modules())) == []


def test_no_module_is_too_long() -> None:
    assert long_modules(modules()) == []


def test_no_module_of_the_tests_is_too_long() -> None:
    assert long_modules({str(path.relative_to(ROOT)): path for path in sorted((ROOT / "tests").rglob("*.py"))}) == []


def test_no_two_test_modules_have_one_name() -> None:
    assert same_names(ROOT / "tests") == []


def test_two_test_modules_of_one_name_are_found(tmp_path: Path) -> None:
    for path in ("chat/test_talk.py", "tui/test_talk.py", "tui/test_keys.py", "chat/conftest.py", "tui/conftest.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    assert same_names(tmp_path) == ["chat/test_talk.py and tui/test_talk.py"]


def test_a_circle_and_a_long_module_are_found(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "hall.py").write_text("def enter():\n    from house import kitchen\n")
    (package / "kitchen.py").write_text("from . import cellar\n")
    (package / "cellar.py").write_text("from .hall import enter\n" + "\n" * 400)
    (package / "garden.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.shed\nimport house.hall\n"
    )
    (package / "shed.py").write_text("import house.garden\n")
    found = modules((package,))
    assert circles(arrows(found)) == [["house.cellar", "house.hall", "house.kitchen"]]
    assert long_modules(found) == ["house.cellar: 401 lines"]


if __name__ == "__main__":
    found = modules()
    wrong = [f"circle: {', '.join(group)}" for group in circles(arrows(found))] + long_modules(found)
    count = sum(map(len, arrows(found).values()))
    print("\n".join(wrong) or f"{len(found)} modules, {count} arrows, no circles")
    raise SystemExit(bool(wrong))
