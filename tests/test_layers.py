"""Imports point downward: the layer table of the design, held against what every module imports."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import nb2prod

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(nb2prod.__file__).parent

# The table. A room is a folder or a single module of src/nb2prod. A room imports from rows above its
# own, from itself, and from rooms that share its parentheses: those are one floor of single modules
# that know each other, never in a circle.
ROWS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("notebook", "errors", "git", "libraries", "diagnostics", "data", "patterns", "plain_toml", "records"),),
    (("config", "settings_keys"), ("declarations", "project"), ("dataflow",), ("generated",)),
    (
        (
            "analysis",
            "changes",
            "credential_forms",
            "credentials",
            "edits",
            "imports",
            "installs",
            "literals",
            "learning",
            "models",
            "names",
            "grouped_names",
            "operations",
            "places",
            "saved_outputs",
            "starred",
            "words",
            "writes",
        ),
        ("pages", "examples"),
        ("discovery",),
    ),
    (("checks",),),
    (
        (
            "linter",
            "lint_run",
            "cache",
            "packages",
            "ruff",
            "ruff_fixes",
            "ruff_refuted",
            "ruff_rules",
            "rulebook",
            "selection",
            "suppress",
            "fingerprints",
            "baseline",
            "revisions",
            "fixer",
            "workers",
        ),
        ("convert",),
    ),
    (("verify",),),
    (("report",), ("triage",)),
    (("cli",), ("lsp",), ("exporter",)),
    (("__main__",),),
)

# Downward and forbidden all the same: the converter asks the analysis, not the linter's rules.
NEVER = frozenset({("convert", "checks")})

# The package itself holds the version, which anyone may read, and the door to conversion as a function,
# which it imports when somebody asks for it.
ROOT = "__init__"

ROW = {room: number for number, row in enumerate(ROWS) for floor in row for room in floor}
FLOOR = {room: floor for row in ROWS for floor in row for room in floor}

# What `check` must not pay for at start-up, by top-level module.
HEAVY = frozenset({"IPython", "asyncio", "hypothesis", "libcst", "nbclient", "nbconvert", "nbformat", "rich", "ruff"})


class Import(NamedTuple):
    """One import statement of our own code: who imports which room, and where it says so."""

    importer: str
    imported: str
    place: str


def room_of(dotted: str) -> str:
    """Return the room of ``nb2prod.room.module``; the package itself is its ``__init__``."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ROOT


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import in ``tree``, in functions and TYPE_CHECKING blocks too."""
    package = dotted_name(path) if path.name == "__init__.py" else dotted_name(path).rpartition(".")[0]
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom(level=0):
                # `from nb2prod import pages` names a room only with its alias.
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            case ast.ImportFrom():
                base = package.split(".")[: len(package.split(".")) - node.level + 1]
                prefix = ".".join([*base, node.module] if node.module else base)
                yield from ((node.lineno, f"{prefix}.{alias.name}") for alias in node.names)


def imports_of(path: Path) -> Iterator[Import]:
    """Yield the imports of our own rooms that the file at ``path`` makes, whichever form they take."""
    importer = room_of(dotted_name(path))
    for line, name in imported_names(path, ast.parse(path.read_text(encoding="utf-8"))):
        if name == "nb2prod" or name.startswith("nb2prod."):
            room = room_of(name)
            # `from nb2prod import __version__` reads the package itself.
            imported = room if room in ROW or is_room(room) else ROOT
            yield Import(importer, imported, f"{path.relative_to(PACKAGE.parent)}:{line}")


def is_room(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def all_imports() -> list[Import]:
    return [found for path in modules() for found in imports_of(path)]


def allowed(found: Import) -> bool:
    """Whether the table lets ``found.importer`` import ``found.imported``."""
    if found.importer == ROOT:
        return found.imported == "convert"
    if (found.importer, found.imported) in NEVER:
        return False
    if found.imported in {ROOT, found.importer} or found.imported in FLOOR[found.importer]:
        return True
    return ROW[found.imported] < ROW[found.importer]


def test_every_module_has_a_place_in_the_table() -> None:
    """A new folder or module must say where it stands before anything else is asked of it."""
    rooms = {room_of(dotted_name(path)) for path in modules()} - {ROOT}
    unknown = sorted(rooms - ROW.keys())
    assert not unknown, f"no layer for {', '.join(unknown)}: add a row entry to ROWS in tests/test_layers.py"


def test_imports_point_downward() -> None:
    found = all_imports()
    assert found, "no import of our own was read: the test is blind"
    # Modules without a place are the first test's affair.
    placed = [one for one in found if {one.importer, one.imported} <= {ROOT, *ROW}]
    wrong = [f"{one.place}: {one.importer} imports {one.imported}" for one in placed if not allowed(one)]
    assert not wrong, "imports must point to rows above (see ROWS):\n" + "\n".join(wrong)


def test_rooms_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for one in all_imports():
        if one.imported not in {one.importer, ROOT}:
            graph.setdefault(one.importer, set()).add(one.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these rooms import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import nb2prod.checks.hardcoded_path", "checks"),
        ("from nb2prod.checks import hardcoded_path", "checks"),
        ("from nb2prod import checks", "checks"),
        ("from ..checks import hardcoded_path", "checks"),
        ("from .. import checks", "checks"),
        ("def lazily():\n    from nb2prod import checks", "checks"),
        ("if TYPE_CHECKING:\n    from nb2prod.checks import hardcoded_path", "checks"),
        ("from .plan import Plan", "convert"),
        ("from . import plan", "convert"),
        ("from nb2prod import __version__", ROOT),
        ("import nb2prod", ROOT),
    ],
)
def test_every_form_of_import_is_seen(source: str, expected: str) -> None:
    """The judge is judged: what it reads from each spelling, in a module of convert/."""
    names = [name for _, name in imported_names(PACKAGE / "convert" / "some_module.py", ast.parse(source))]
    rooms = [room_of(name) for name in names]
    assert [room if room in ROW else ROOT for room in rooms] == [expected]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [("linter", "checks"), ("linter", "suppress"), ("cli", "convert"), ("convert", "convert"), ("checks", ROOT)],
)
def test_the_table_allows_what_the_design_allows(importer: str, imported: str) -> None:
    assert allowed(Import(importer, imported, ""))


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("convert", "checks"),
        ("convert", "linter"),
        ("dataflow", "config"),
        ("notebook", "pages"),
        ("cli", "lsp"),
        (ROOT, "notebook"),
    ],
)
def test_the_table_forbids_what_the_design_forbids(importer: str, imported: str) -> None:
    assert not allowed(Import(importer, imported, ""))


def heavy_modules_after(code: str, *arguments: str) -> frozenset[str]:
    """Run ``code`` in a fresh interpreter and return the heavy modules it loaded."""
    report = "\nimport json as _json, sys as _sys\n_sys.__stderr__.write('\\n' + _json.dumps(sorted(_sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stderr.rpartition("\n")[2])
    return HEAVY & {name.partition(".")[0] for name in loaded}


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert heavy_modules_after("import nb2prod.cli") == frozenset()


@pytest.mark.parametrize("output_format", ["text", "json"])
def test_check_loads_nothing_heavy(fixtures: Path, output_format: str) -> None:
    """The hot path on an ordinary notebook; unusual files may fall back to nbformat."""
    notebook = fixtures / "cases" / "churn" / "notebook.ipynb"
    code = (
        "import sys\nfrom nb2prod.cli import main\n"
        "try:\n    main(['check', *sys.argv[1:]])\n"
        "except SystemExit as end:\n    assert end.code in (0, 1), end.code\n"
        "else:\n    raise AssertionError('main returned without an exit code')"
    )
    assert heavy_modules_after(code, "--format", output_format, str(notebook)) == frozenset()
