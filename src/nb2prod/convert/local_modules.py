"""Modules beside the notebook: which it imports, and what of them a package takes along."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.magics import body
from nb2prod.convert.plan import LocalFile
from nb2prod.errors import RefusedError
from nb2prod.imports import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.notebook.model import Notebook

# Code is small. What is larger is data, or a whole environment by a module's name.
_MOST_FILES = 500
_MOST_BYTES = 5_000_000


@dataclass(slots=True)
class _Search:
    """Where modules are looked for and what was found, in order of discovery.

    written  files the notebook writes: path → text
    found    source → target
    refused  target → why it cannot be taken
    """

    roots: tuple[Path, ...]
    written: dict[Path, bytes]
    found: dict[Path, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def content(self, path: Path) -> bytes:
        """Return a module's text: as the notebook writes it, else as it stands on the disk."""
        return self.written[path] if path in self.written else path.read_bytes()

    def is_module(self, path: Path) -> bool:
        """Return whether the file exists, or will when the notebook has written it."""
        return path in self.written or path.is_file()


def find_local_modules(notebook_path: Path, notebook: Notebook) -> tuple[LocalFile, ...]:
    """Return the Python files the notebook imports from its folder, and those they import in turn.

    They are looked for in the notebook's folder and in folders the notebook adds to ``sys.path`` by
    a literal relative path; a module that one ``%%writefile`` cell writes is there as well. A package
    comes with all its Python files, a folder without ``__init__.py`` with the modules that are
    imported. Sorted by target.

    Raise RefusedError where a file is a link to outside the folder it was found in, where the file
    beside the notebook is another than the one the notebook writes, or where there is too much.
    """
    folder = notebook_path.parent.resolve()
    search = _Search(search_path(folder, notebook), _written(folder, notebook))
    cells: dict[str, int] = {}
    for cell in notebook.code_cells:
        for module in imported(cell.tree) if cell.tree else ():
            cells.setdefault(module, cell.index)
    for module in cells:
        _resolve(module, search)
    waiting = list(search.found)
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            tree = ast.parse(search.content(path))
        except (SyntaxError, ValueError):
            continue  # taken along as it is: the run says what is wrong with it
        for module in (*imported(tree), *_relative(tree, search.found[path])):
            _resolve(module, search)
        if len(search.found) > _MOST_FILES:
            break
        waiting += [found for found in search.found if found not in seen]
    return _taken(search, cells)


def search_path(folder: Path, notebook: Notebook) -> tuple[Path, ...]:
    """Return the notebook's folder and the folders it adds to ``sys.path`` or changes to, in order of search."""
    here = folder
    # While a file is run its folder comes first.
    first = list(dict.fromkeys(Path(cell.path).resolve().parent for cell in notebook.cells if notebook.is_silent(cell)))
    last: list[Path] = []
    constants: dict[str, str] = {}
    for cell in notebook.code_cells:
        for magic in cell.magics:
            # A kernel looks for modules in the folder it is in.
            if magic.name == "cd" and magic.kind in {"line", "automagic"}:
                changed = _added(here, magic.argument.strip().strip("'\""))
                here = changed[0] if changed else here
                last += changed
        for node in ast.walk(cell.tree) if cell.tree else ():
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="chdir"), args=[argument]):
                    changed = _added(here, _path(argument, constants))
                    here = changed[0] if changed else here
                    last += changed
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if (
                    text := _path(value, constants)
                ) is not None:
                    constants[name] = text
                case ast.Call(func=ast.Attribute(value=value, attr="append"), args=[argument]) if _is_sys_path(value):
                    last += _added(folder, _path(argument, constants))
                case ast.Call(func=ast.Attribute(value=value, attr="insert"), args=[_, argument]) if _is_sys_path(
                    value
                ):
                    first = [*_added(folder, _path(argument, constants)), *first]
    # IPython puts the notebook's folder first; `insert(0, …)` goes before it.
    return tuple(dict.fromkeys((*first, folder, *last)))


def added_folder(node: ast.stmt, folder: Path) -> Path | None:
    """Return the folder that a statement adds to ``sys.path``, and nothing else; None for any other statement.

    folder  of the notebook; the one that is added has a literal relative path and exists
    """
    match node:
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=value, attr="append"), args=[argument])
            | ast.Call(func=ast.Attribute(value=value, attr="insert"), args=[ast.Constant(value=int()), argument])
        ) if _is_sys_path(value):
            return next(iter(_added(folder, _path(argument, {}))), None)
    return None


def _written(folder: Path, notebook: Notebook) -> dict[Path, bytes]:
    """Return the Python files that exactly one cell writes, whole and under a name that can be told."""
    written: dict[Path, list[bytes]] = {}
    for cell in notebook.code_cells:
        for magic in cell.magics:
            if magic.kind == "cell" and magic.name in {"writefile", "file"}:
                name = magic.argument.strip().strip("'\"")
                if name.endswith(".py") and re.fullmatch(r"[\w./-]+", name) and ".." not in name and name[0] != "/":
                    written.setdefault(folder / name, []).append(body(cell, magic).encode("utf-8", "replace"))
    return {path: texts[0] for path, texts in written.items() if len(texts) == 1}


def _added(folder: Path, text: str | None) -> list[Path]:
    if text is None or posixpath.isabs(text) or "\\" in text or ":" in text or text.startswith("~"):
        return []
    added = (folder / text).resolve()
    return [added] if added.is_dir() else []


def _is_sys_path(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "path"
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    )


def _path(node: ast.expr, constants: dict[str, str]) -> str | None:
    """Return the relative path an expression surely makes, absolute forms of it (``abspath``) included."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name)
        case ast.Call(func=ast.Attribute(attr="join"), args=[_, *_] as arguments):
            parts = [_path(argument, constants) for argument in arguments]
            return None if None in parts else posixpath.join(*(part or "" for part in parts))
        case ast.Call(func=ast.Attribute(attr="abspath" | "realpath" | "normpath"), args=[argument]):
            return _path(argument, constants)
        case ast.Call(func=ast.Attribute(attr="dirname"), args=[argument]):
            inner = _path(argument, constants)
            return (
                None
                if inner is None
                else posixpath.join(inner, "..")
                if inner in {"", "."}
                else posixpath.dirname(inner)
            )
        case ast.Call(func=ast.Name(id="str" | "Path") | ast.Attribute(attr="Path"), args=[argument]):
            return _path(argument, constants)
        case ast.Call(func=ast.Attribute(attr="getcwd" | "cwd"), args=[]):
            return ""
        case ast.Call(func=ast.Attribute(value=value, attr="resolve" | "absolute" | "as_posix"), args=[]):
            return _path(value, constants)
        case ast.Attribute(value=value, attr="parent"):
            inner = _path(value, constants)
            return None if inner is None else posixpath.normpath(posixpath.join(inner, ".."))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            pair = _path(left, constants), _path(right, constants)
            return None if None in pair else posixpath.join(*(part or "" for part in pair))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            pair = _path(left, constants), _path(right, constants)
            return None if None in pair else "".join(part or "" for part in pair)
    return None


def _relative(tree: ast.AST, target: str) -> Iterator[str]:
    """Yield absolute names for the relative imports of a module (they matter where its package has no ``__init__``)."""
    package = target.removeprefix("src/").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            stem = [*base, *(node.module.split(".") if node.module else ())]
            yield from (".".join([*stem, alias.name]).removesuffix(".*") for alias in node.names if stem)


def _resolve(module: str, search: _Search) -> None:
    if module.partition(".")[0] in sys.stdlib_module_names:
        return
    for root in search.roots:
        if _take(root, module.split("."), search):
            return


def _take(root: Path, parts: list[str], search: _Search) -> bool:
    """Follow a dotted name below ``root``; return whether it leads to a module there."""
    folder = root
    for count, part in enumerate(parts, 1):
        here = folder / part
        if search.is_module(here / "__init__.py"):
            below = [path for path in search.written if path.is_relative_to(here)]
            for path in dict.fromkeys((*(_python_files(here) if here.is_dir() else ()), *below)):
                _add(root, path, search)
            return True
        if search.is_module(folder / f"{part}.py"):
            _add(root, folder / f"{part}.py", search)
            return True
        if count == len(parts) or not (here.is_dir() or any(path.is_relative_to(here) for path in search.written)):
            return False
        folder = here
    return False


def _python_files(package: Path) -> Iterator[Path]:
    """Yield a package's Python files, sorted; hidden folders and caches are no part of it."""
    for path in sorted(package.iterdir()):
        if path.name.startswith(".") or path.name in {"__pycache__", "node_modules"}:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _python_files(path)
        elif path.suffix == ".py" and path.is_file():
            yield path


def _add(root: Path, path: Path, search: _Search) -> None:
    target = f"src/{path.relative_to(root).as_posix()}"
    name = target.removeprefix("src/")
    if not path.resolve().is_relative_to(root.resolve()):
        search.refused[target] = f"{name} is a link to outside its folder; copy the file to where it is imported from"
    elif path in search.written and path.is_file() and path.read_bytes() != search.written[path]:
        search.refused[target] = f"{name} beside the notebook is not what the notebook writes there; delete the file"
    else:
        search.found.setdefault(path, target)


def _taken(search: _Search, cells: dict[str, int]) -> tuple[LocalFile, ...]:
    def cell_of(target: str) -> int:
        top = target.split("/")[1].removesuffix(".py")
        return next((cell for module, cell in cells.items() if module.partition(".")[0] == top), min(cells.values()))

    reasons = [f"cell {cell_of(target)}: {why}" for target, why in sorted(search.refused.items())]
    size = sum(len(search.content(path)) for path in search.found)
    if len(search.found) > _MOST_FILES or size > _MOST_BYTES:
        first = min(search.found.values())
        reasons.append(
            f"cell {cell_of(first)}: the modules imported from beside the notebook are {len(search.found)} files"
            f" with {size} bytes; install them as a package instead"
        )
    if reasons:
        raise RefusedError(tuple(reasons))
    files = [LocalFile(path, target, search.content(path)) for path, target in search.found.items()]
    return tuple(sorted(files, key=lambda file: file.target))
