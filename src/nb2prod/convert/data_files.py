"""Data files beside the notebook that it names: what the generated tests need to run it."""

from __future__ import annotations

import ast
import os
import posixpath
import re
from collections import Counter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nb2prod.convert.plan import MOST_TEST_DATA

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nb2prod.convert.plan import LocalFile
    from nb2prod.notebook.model import Notebook

_LONGEST_NAME = 500
# Data is looked for so many folders above the notebook's at most, and never above the top of a project.
_UP = 3
_TOPS = (".git", "pyproject.toml", "setup.py", "setup.cfg")
_URL = re.compile(r"https?://\S+\Z")
_LISTINGS = frozenset({"listdir", "scandir", "walk", "iterdir", "glob", "rglob", "load_files", "ImageFolder"})
_PATHS = ("path", "file", "fname", "buf")
_PATH_NODES = (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Name)
_WRITERS = ("to_", "save", "write", "dump", "mkdir", "makedirs", "export")


def find_data_files(
    notebook: Notebook, folder: Path, local_files: Collection[LocalFile] = (), most_bytes: int = MOST_TEST_DATA
) -> tuple[PurePath, ...]:
    """Return the files that texts in the code name, relative to ``folder``, sorted.

    They are under ``folder`` or, as ``../data/a.csv``, under one of the folders above it that belong to the same
    project. A text names a file by its relative path, as a glob pattern, or as a folder the code lists;
    paths put together from literals (``os.path.join``, ``/``, ``+``, names bound once to a literal)
    count, and of an address its last part: the file it was fetched to. What is only written to does
    not, nor does a name bound to such a text. Nothing outside those folders is returned, hidden files and
    notebooks are not, and nothing at all where the files are more than ``most_bytes`` together.
    """
    root = folder.resolve()
    up = _levels(root)
    trees: list[ast.AST] = [cell.tree for cell in notebook.code_cells if cell.tree]
    for file in local_files:
        try:
            trees.append(ast.parse(file.content))
        except (SyntaxError, ValueError):
            continue  # no Python we can read: it names nothing
    constants = constants_of(trees)
    written = _only_written(trees)
    found: set[Path] = set()
    for tree in trees:
        for text, listed in _texts(tree, constants, written):
            found.update(_named(root, text, up, listed=listed))
    kept = sorted(path for path in found if path.suffix != ".ipynb")
    if sum(path.stat().st_size for path in kept) > most_bytes:
        return ()
    return tuple(PurePath(os.path.relpath(path, root)) for path in kept)


def place_in_test_data(folder: Path, data_files: Collection[PurePath]) -> PurePath:
    """Return where the notebook's folder stands in the test data: ``.`` unless a file above it is among them."""
    up = max((file.parts.count("..") for file in data_files), default=0)
    return PurePath(*folder.resolve().parts[-up:]) if up else PurePath()


def _levels(folder: Path) -> int:
    """Return how many folders above ``folder`` data may be in: not above a project's top, nor the home folder."""
    home = Path.home().resolve()
    for level, here in enumerate((folder, *folder.parents[:_UP])):
        above = here.parent
        if any((here / name).exists() for name in _TOPS) or home.is_relative_to(above) or above == here:
            return level
    return _UP


def named_folders(notebook: Notebook, folder: Path) -> tuple[str, ...]:
    """Return the folders that files named in the code are in, relative to ``folder``: what is written needs them.

    They are below ``folder``, or below one of the folders above it that data may be in: ``../reports``.
    """
    root = folder.resolve()
    up = _levels(root)
    trees: list[ast.AST] = [cell.tree for cell in notebook.code_cells if cell.tree]
    constants = constants_of(trees)
    texts = {
        text
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.expr) and (text := fold(node, constants)) is not None and len(text) <= _LONGEST_NAME
    }
    parents = {posixpath.normpath(posixpath.dirname(text)) for text in texts if "/" in text and "\n" not in text}
    inside = {parent for parent in parents if not posixpath.isabs(parent) and parent.split("/").count("..") <= up}
    further = (each for each in inside if each.rpartition("/")[2] not in {".", ".."} and "\0" not in each)
    return tuple(sorted(each for each in further if (root / each).is_dir()))


def _inside(path: Path, top: Path) -> bool:
    """Return whether a file is below ``top`` after every link, and not hidden there."""
    hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
    return not hidden and path.resolve().is_relative_to(top)


def _named(root: Path, text: str, up: int, *, listed: bool) -> Iterator[Path]:
    """Yield the files a text names: itself, the files it matches, or those of a folder that is listed.

    up  how far above ``root`` they may be
    """
    if _URL.match(text):  # a file that was fetched once, and is fetched again only where it is missing
        text = posixpath.basename(text.partition("?")[0])
    text = posixpath.normpath(text) if text else ""
    if (
        not text
        or len(text) > _LONGEST_NAME
        or "\0" in text
        or "\n" in text
        or posixpath.isabs(text)
        or text.split("/").count("..") > up
    ):
        return
    while text.startswith("../"):
        root, text = root.parent, text[3:]
    yield from (path for path in _matching(root, text, listed=listed) if _inside(path, root))


def _matching(root: Path, text: str, *, listed: bool) -> Iterator[Path]:
    if any(character in text for character in "*?["):
        try:
            yield from (path for path in root.glob(text) if path.is_file() and not path.is_symlink())
        except (ValueError, NotImplementedError, OSError):
            return  # a text with a star in it that is no pattern
        return
    path = root / text
    try:
        if path.is_file():
            yield path
        elif listed and path.is_dir() and text not in {".", ".."}:
            yield from (inner for inner in path.rglob("*") if inner.is_file() and not inner.is_symlink())
    except OSError:
        return  # no name of a file at all


def _texts(tree: ast.AST, constants: Mapping[str, str], written: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Yield every text the code makes of literals, and whether a call lists it as a folder.

    written  names of texts that are only written to
    """
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, listed = waiting.pop()
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if name in constants and name in written:
                continue
        text = fold(node, constants) if isinstance(node, ast.expr) else None
        if text is not None:
            yield text, listed
        name = _called(node)
        if isinstance(node, ast.Call) and (targets := _targets(node)):
            # What it is called on, and what else it is given, may still be read.
            waiting += [(child, False) for child in (node.func, *_arguments(node)) if child not in targets]
            continue
        waiting += [(child, listed or name in _LISTINGS) for child in ast.iter_child_nodes(node)]


def _only_written(trees: Collection[ast.AST]) -> frozenset[str]:
    """Return the names that are used nowhere but as what a call writes to."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    targets = [target for node in nodes if isinstance(node, ast.Call) for target in _targets(node)]
    written = Counter(node.id for each in targets for node in ast.walk(each) if isinstance(node, ast.Name))
    used = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return frozenset(name for name, count in written.items() if count == used[name])


def _targets(call: ast.Call) -> list[ast.expr]:
    """Return the arguments that may say what a call writes to; empty for a call that writes nothing.

    It is the first; of a method and of ``dump`` also what else makes a path: ``joblib.dump(model, "a.pkl")``.
    """
    name = _called(call)
    if not name.startswith(_WRITERS) and not _opens_for_writing(call, name):
        return []
    others = call.args[1:] if isinstance(call.func, ast.Attribute) or name in ("dump", "save") else []
    others += [word.value for word in call.keywords if (word.arg or "").startswith(_PATHS)]
    paths = [each for each in others if isinstance(each, _PATH_NODES) or _called(each) in ("join", "Path")]
    return [*call.args[:1], *paths]


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(word.value for word in call.keywords)]


def _called(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return name
    return ""


def _opens_for_writing(call: ast.Call, name: str) -> bool:
    if name != "open":
        return False
    modes = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value)) for mode in modes)


def constants_of(trees: Collection[ast.AST]) -> dict[str, str]:
    """Return the names bound exactly once in all the code, to a text made of literals."""
    bound: dict[str, int] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound[node.id] = bound.get(node.id, 0) + 1
    constants: dict[str, str] = {}
    for tree in trees:
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if bound[name] == 1:
                    text = fold(value, constants)
                    if text is not None:
                        constants[name] = text
    return constants


def fold(node: ast.expr, constants: Mapping[str, str]) -> str | None:
    """Return the text an expression surely makes, paths in POSIX form; None where it may make another."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = fold(left, constants), fold(right, constants)
            return None if first is None or second is None else first + second
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            first, second = fold(left, constants), fold(right, constants)
            return None if first is None or second is None else posixpath.join(first, second)
        case ast.Call(func=ast.Name(id="Path" | "PurePath" | "str") | ast.Attribute(attr="Path"), args=[argument]):
            return fold(argument, constants)
        case ast.Call(func=ast.Attribute(attr="join", value=ast.Attribute(attr="path")), args=[_, *_] as arguments):
            parts = [fold(argument, constants) for argument in arguments]
            return None if None in parts else posixpath.join(*(part or "" for part in parts))
        case ast.JoinedStr(values=values):
            pieces = [
                fold(value.value, constants) if isinstance(value, ast.FormattedValue) else fold(value, constants)
                for value in values
            ]
            return None if None in pieces else "".join(piece or "" for piece in pieces)
    return None
