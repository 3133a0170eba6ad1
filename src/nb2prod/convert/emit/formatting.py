"""Formatting by ruff, in a process of its own, with the check that the code still means the same."""

from __future__ import annotations

import ast
import inspect
import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.project import RULES
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_OPTIONS = ("--isolated", "--no-cache", "--quiet", "--target-version", "py311")
_LINE_LENGTH = "line-length=120"
_SECONDS = 120
_HOLD = "# ruff: isort: off\n"


def formatted(
    sources: Mapping[str, str],
    *,
    moved: Collection[str] = (),
    unsorted: Collection[str] = (),
    verbatim: Collection[str] = (),
    beside: Collection[str] = (),
) -> dict[str, str]:
    """Return the Python files formatted, save ``verbatim``, with their imports in order, save ``unsorted``.

    In ``moved``, the files that hold the notebook's code, only the imports at the head are sorted. Imports of the
    modules ``beside``, which are taken along, stand with the package's own.
    Raises EmissionError where a file comes back meaning something else, or cannot be compiled.
    """
    with tempfile.TemporaryDirectory(prefix="nb2prod-") as folder:
        root = Path(folder)
        for path, text in sources.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_holding(text) if path in moved else text, encoding="utf-8", newline="\n")
        _lay(root, beside)
        _ruff(root, "check", *_sorting(), *(path for path in sources if path not in unsorted))
        for path in moved:
            target = root / path
            target.write_text(target.read_text(encoding="utf-8").replace(_HOLD, "", 1), encoding="utf-8", newline="\n")
        _ruff(root, "format", "--config", _LINE_LENGTH, *(path for path in sources if path not in verbatim))
        results = {path: (root / path).read_text(encoding="utf-8") for path in sources}
    for path, text in results.items():
        _check_compiles(text, path)
        if _meaning(text, path) != _meaning(sources[path], path):
            msg = f"formatting changed the meaning of {path}"
            raise EmissionError(msg)
    return results


def _holding(text: str) -> str:
    """Return a module with sorting switched off below its head: imports inside functions keep their order."""
    tree, _ = parse_code(text)
    body = tree.body if tree is not None else []
    nested = (each for node in body if not isinstance(node, ast.Import | ast.ImportFrom) for each in ast.walk(node))
    if not any(isinstance(each, ast.Import | ast.ImportFrom) for each in nested):
        return text
    head = 0
    for node in body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            break
        head = node.end_lineno or head
    lines = text.split("\n")
    return "\n".join([*lines[:head], "", _HOLD.strip(), *lines[head:]])


def findings(sources: Mapping[str, str], beside: Collection[str] = ()) -> dict[str, list[tuple[str, int]]]:
    """Return for each file the (rule, line) pairs ruff finds under the rules the package is held to.

    beside  the modules that are taken along
    """
    with tempfile.TemporaryDirectory(prefix="nb2prod-") as folder:
        root = Path(folder).resolve()
        for path, text in sources.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        _lay(root, beside)
        options = ("--select", ",".join(RULES), "--exit-zero", "--output-format", "json", "--config", _LINE_LENGTH)
        output = _ruff(root, "check", *options, "--config", 'src=["src"]', "--ignore-noqa", *sources)
        found: dict[str, list[tuple[str, int]]] = {path: [] for path in sources}
        for row in json.loads(output):
            path = Path(row["filename"]).resolve().relative_to(root).as_posix()
            found[path].append((row["code"], row["location"]["row"]))
    return found


def _lay(root: Path, files: Collection[str]) -> None:
    """Put empty files where the package has others: ruff tells its own modules by what is there."""
    for path in files:
        target = root / path
        if not target.resolve().is_relative_to(root.resolve()):
            continue  # whoever adds it to the package refuses it
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def _command() -> list[str]:
    """Return how the installed ruff is run: its program, or where that is not to be found, its module."""
    program = shutil.which("ruff", path=sysconfig.get_path("scripts"))
    return [program] if program is not None else [sys.executable, "-P", "-m", "ruff"]


def _sorting() -> tuple[str, ...]:
    return ("--select", "I", "--fix", "--config", 'src=["src"]', "--config", _LINE_LENGTH)


def _ruff(root: Path, command: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - ruff, on files we wrote
        [*_command(), command, *_OPTIONS, *arguments],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        msg = f"ruff {command} failed: {done.stderr.strip() or done.stdout.strip()}"
        raise EmissionError(msg)
    return done.stdout


def _check_compiles(text: str, path: str) -> None:
    """Raise for what parses and is still no Python: ``from m import *`` in a function, ``await`` outside of one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        msg = f"{path} cannot be compiled, line {error.lineno}: {error.msg}"
        raise EmissionError(msg) from error


def _one_by_one(imports: list[ast.stmt]) -> list[ast.stmt]:
    """Return imports as one statement a name, each once and in an order of their own."""
    single: dict[str, ast.stmt] = {}
    for node in imports:
        parts: list[ast.stmt] = [node]
        if isinstance(node, ast.Import):
            parts = [ast.Import([alias]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
        single.update((ast.dump(part), part) for part in parts)
    return [single[key] for key in sorted(single)]


def _meaning(text: str, path: str) -> tuple[set[str], list[str]]:
    """Return the imports of a module, each once and in any order, and its other statements in theirs.

    Formatting may change the white space of docstrings, drop the parentheses of ``del (a, b)`` and
    the ``u`` of a string, and sort the names one import in a function asks for.
    """
    tree, problem = parse_code(text)
    if tree is None:
        msg = f"{path} is no Python: {problem.message if problem else ''}"
        raise EmissionError(msg)
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                lines = inspect.cleandoc(docstring).strip().split("\n")
                node.value.value = "\n".join(" ".join(line.split()) for line in lines)  # type: ignore[attr-defined]
            case ast.Constant(kind="u"):  # the "u" of a string says nothing
                node.kind = None
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):  # never run: their order says nothing
                body[:] = _one_by_one(body)
            case ast.ImportFrom():
                node.names.sort(key=ast.dump)
            case ast.Delete(targets=[ast.Tuple(elts=elements)]):
                node.targets = elements
    imports = [ast.dump(alias) for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    imports += [
        f"{node.module} {node.level} {ast.dump(alias)}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    others = [ast.dump(node) for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return set(imports), others
