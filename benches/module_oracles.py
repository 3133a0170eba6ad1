"""Undefined names of single modules, ours against pyflakes and beniget: two other readings of the same rules."""

from __future__ import annotations

import ast
import builtins
import io
import os
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from kernel_oracle import unbound

from nb2prod.dataflow.flow import PREDEFINED, analyse, collect_statements
from nb2prod.errors import UnreadableNotebookError
from nb2prod.notebook.code import read_code
from nb2prod.notebook.model import Notebook
from nb2prod.notebook.read import read_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


def modules(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each notebook of plain Python in one piece, copies once."""
    seen: set[str] = set()
    for path in sorted(folder.rglob("*.ipynb")):
        try:
            notebook = read_notebook(path)
        except UnreadableNotebookError:
            continue
        if notebook.language != "python":
            continue
        cells = [cell for cell in notebook.code_cells if cell.tree is not None and not cell.magics]
        source = "\n".join("\n".join(cell.lines) for cell in cells)
        if source not in seen:
            seen.add(source)
            yield path, source


def ours(source: str) -> set[str] | None:
    """Return our undefined names; None where the source does not parse as one module."""
    cell = read_code(PurePath("module"), 1, None, source, {})
    if cell.tree is None:
        return None
    flow = analyse(collect_statements(Notebook(PurePath("module"), (cell,), "python", (4, 5), {})))
    return {use.name for use in unbound(flow) if not use.name.startswith("__")}


def by_pyflakes(tree: ast.Module) -> set[str]:
    """Return the undefined names pyflakes reports."""
    checker = import_module("pyflakes.checker").Checker(tree, builtins=PREDEFINED)
    kinds = ("UndefinedName", "UndefinedLocal")
    return {message.message_args[0] for message in checker.messages if type(message).__name__ in kinds}


def by_beniget(tree: ast.Module, source: str) -> set[str]:
    """Return the names beniget warns of as unbound."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        import_module("beniget").DefUseChains().visit(tree)
    warned = [line for line in said.getvalue().splitlines() if "unbound identifier" in line]
    return {line.split("'")[1] for line in warned} - PREDEFINED - {source}


def compare_modules() -> None:
    """Print how many modules agree and, by name, where they do not."""
    folder = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    others = [name for name in ("pyflakes", "beniget") if find_spec(name)]
    if not others or not folder.is_dir():
        print("\npyflakes and beniget are not installed, or there is no corpus: not compared")
        return
    warnings.simplefilter("ignore")
    for other in others:
        agree = 0
        total = 0
        classes: Counter[str] = Counter()
        examples: dict[str, str] = {}
        for path, source in modules(folder):
            mine = ours(source)
            if mine is None:
                continue
            tree = ast.parse(source)
            try:
                theirs = by_pyflakes(tree) if other == "pyflakes" else by_beniget(tree, source)
            except (
                ArithmeticError,
                AssertionError,
                LookupError,
                RecursionError,
                TypeError,
                ValueError,
                AttributeError,
            ):
                classes[f"{other} fails"] += 1
                continue
            total += 1
            agree += mine == theirs
            for name in mine ^ theirs:
                kind = _class(name, tree, only="ours" if name in mine else other)
                classes[kind] += 1
                examples.setdefault(kind, f"{name} in {path.relative_to(folder)}")
        print(f"\n{other}: {agree} of {total} modules with the same undefined names")
        for kind, number in classes.most_common():
            print(f"  {number:>4}  {kind} ({examples.get(kind, '')})")


def _class(name: str, tree: ast.Module, *, only: str) -> str:
    """Return what kind of disagreement it is."""
    nodes = list(ast.walk(tree))
    stored = any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) for node in nodes)
    stored = stored or any(
        (isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)) and node.name == name)
        or (isinstance(node, ast.alias) and (node.asname or node.name.partition(".")[0]) == name)
        for node in nodes
    )
    star = any(isinstance(node, ast.alias) and node.name == "*" for node in nodes)
    dynamic = any(
        isinstance(node, ast.Name) and node.id in ("exec", "globals", "locals", "get_ipython", "eval") for node in nodes
    )
    deleted = any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Del) for node in nodes)
    if hasattr(builtins, name):
        return f"only {only}: a builtin of another version"
    if star or dynamic:
        return f"only {only}: a star import or exec makes it unknowable"
    if deleted:
        return f"only {only}: deleted"
    return f"only {only}: " + ("bound somewhere, read before or out of scope" if stored else "bound nowhere")
