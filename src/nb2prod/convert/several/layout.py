"""Where the modules and tests of a part go in a package of several notebooks.

Each part is a sub-package as one notebook's package would be. The modules that are the same for every notebook
stand once, in the package itself, and the part's modules import them from there.
"""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.convert.plan import Plan

# The module of what several notebooks define alike.
SHARED = "shared"
# The command that runs every part.
ALL = "all"
# The modules whose text is the same for every notebook: all but the contract, which lists the notebook's files.
_FIXED = frozenset(
    file.name.removesuffix(".py")
    for file in resources.files("nb2prod.convert.scaffold").iterdir()
    if file.name.endswith(".py") and file.name not in ("__init__.py", "contract.py")
)
# No part can be called like these.
TAKEN = frozenset({*_FIXED, SHARED, ALL, "cli", "tests"})
_HEAD = re.compile(r"from\s+\.*[\w.]*\s+import\b")
_FROM_ONE_PACKAGE = 'HERE.parent / "src"'


def arrange(plan: Plan, python: Mapping[str, str]) -> dict[str, str]:
    """Return the Python files of a part at their places in the package of several notebooks.

    The tests of a part are a package of their own: those of another part have the same file names.
    """
    part = plan.package.rpartition(".")[2]
    tests = {PurePosixPath(path).stem for path in python if path.startswith("tests/")}
    placed = {f"tests/{part}/__init__.py": f'"""The tests of ``{plan.package}``."""\n'}
    for path, text in python.items():
        if not path.startswith(f"{plan.source}/"):
            text_here = _beside(_imports_raised(text, plan, None), tests)
            placed[place(path, plan)] = text_here.replace(_FROM_ONE_PACKAGE, 'HERE.parents[1] / "src"')
        elif PurePosixPath(path).stem in _FIXED:
            placed[f"src/{plan.root}/{PurePosixPath(path).name}"] = text
        else:
            package = path.removeprefix("src/").split("/")[:-1]
            placed[path] = _imports_raised(text, plan, package)
    return placed


def place(path: str, plan: Plan) -> str:
    """Return where a file of a part's tests goes; other files stay."""
    part = plan.package.rpartition(".")[2]
    return f"tests/{part}/{path.removeprefix('tests/')}" if path.startswith("tests/") else path


def _imports_raised(text: str, plan: Plan, package: list[str] | None) -> str:
    """Return a module with its imports of what stands once in the package; ``package`` is its own, None for a test."""
    heads: dict[tuple[int, int], str] = {}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = (package or [])[: len(package or []) - node.level + 1] if node.level else []
        target = [*base, *(node.module or "").split(".")]
        raised = _raised(target, plan)
        if raised is not None:
            module = ".".join([plan.root, *raised]) if package is None else "." * len(package) + ".".join(raised)
            heads[node.lineno, node.col_offset] = f"from {module} import"
    return _with_heads(text, heads)


def _raised(target: list[str], plan: Plan) -> list[str] | None:
    """Return the path of a module below the package, where it is one that stands there and not in the part."""
    part = plan.package.split(".")
    if target[: len(part)] == part and target[len(part) : len(part) + 1] and target[len(part)] in _FIXED:
        return target[len(part) :]
    return target[1:] if target == [plan.root, SHARED] else None


def _beside(text: str, tests: set[str]) -> str:
    """Return a test with its imports of the modules beside it relative to it."""
    heads = {
        (node.lineno, node.col_offset): f"from .{node.module} import"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and not node.level and node.module in tests
    }
    return _with_heads(text, heads)


def _with_heads(text: str, heads: Mapping[tuple[int, int], str]) -> str:
    """Return a module with other texts between ``from`` and ``import``, by line and column of the statements."""
    lines = text.split("\n")
    for (line, column), head in heads.items():
        # Columns of syntax trees count bytes; what stands before an import is white space.
        before, rest = lines[line - 1][:column], lines[line - 1][column:]
        lines[line - 1] = before + _HEAD.sub(lambda _, head=head: head, rest, count=1)  # type: ignore[misc]
    return "\n".join(lines)
