"""What running a notebook may do beyond its own folder, as far as its code says so."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.model import CodeCell

_URL = re.compile(r"(?:https?|ftps?|s3a?|gs|gcs|abfss?|hdfs|az|wasbs?)://", re.IGNORECASE)
_ABSOLUTE = re.compile(r"/(?!dev/null$)|~[/\\]|~$|[A-Za-z]:[\\/]|\\\\\w|file://")
_REACHING = ("network", "shell")
_FILES = frozenset({"read-file", "write-file", "model-save", "model-load", "network"})
_SHELLS = frozenset({"!", "!!", "sx", "system", "sc"})


@dataclass(frozen=True, slots=True)
class Effect:
    """A place in the notebook that reaches out of its folder.

    kind  ``network``, ``shell`` or ``absolute path``
    text  what does it, as written
    """

    cell: int
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        """Return the effect as a line for the user."""
        return f"cell {self.cell}, line {self.line}: {self.kind}: {self.text}"


def outside_effects(analysis: Analysis) -> tuple[Effect, ...]:
    """Return what the notebook's code says it does to the network, the shell and absolute paths, in written order.

    What it imports is not looked at, and a call nobody knows may do anything: this is no fence.
    """
    found = dict.fromkeys([*_magics(analysis), *_calls(analysis), *_existing_paths(analysis)])
    said: dict[tuple[int, int, str], Effect] = {}
    for effect in sorted(found, key=lambda each: (each.cell, each.line)):
        said.setdefault((effect.cell, effect.line, effect.kind), effect)
    return tuple(said.values())


def _magics(analysis: Analysis) -> Iterator[Effect]:
    known = knowledge()
    shell = _SHELLS | known.scripts | known.installers | known.aliases.keys()
    for cell in analysis.notebook.code_cells:
        for magic in cell.magics:
            if magic.kind == "shell" or magic.name in shell:
                line = magic.range.start.line
                yield Effect(cell.index, line, "shell", _short(cell.lines[line - 1].strip()))


def _calls(analysis: Analysis) -> Iterator[Effect]:
    for call in analysis.calls():
        at = call.location.range
        line = at.start.line if at is not None else 1
        for kind in _REACHING:
            if kind in call.effects:
                yield Effect(call.cell.index, line, kind, call.name)
        paths = call.info.path if call.info is not None else ()
        for parameter in paths if not _FILES.isdisjoint(call.effects) else ():
            text = _literal(analysis, call, call.arguments.get(parameter))
            if text is not None and _URL.match(text):
                yield Effect(call.cell.index, line, "network", f"{call.name}({_short(text)!r})")
            elif text is not None and _ABSOLUTE.match(text):
                yield Effect(call.cell.index, line, "absolute path", f"{call.name}({_short(text)!r})")


def _literal(analysis: Analysis, call: Call, node: ast.expr | None) -> str | None:
    """Return the text an argument begins with, followed through the one assignment of a name."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=[first, *_]):
            return _literal(analysis, call, first)
        case ast.FormattedValue(value=value):
            return _literal(analysis, call, value)
        case ast.BinOp(left=left, op=ast.Add() | ast.Div() | ast.Mod()):
            return _literal(analysis, call, left)
        case ast.Call(args=[first, *_]) if ast.unparse(node.func).rpartition(".")[2] in {"join", "Path", "expanduser"}:
            return _literal(analysis, call, first)
        case ast.Name():
            use = analysis.use_at(node)
            made = analysis.flow.reaching(use) if use is not None else []
            values = [analysis.flow.statements[each.statement].node for each in made]
            if len(values) == 1 and isinstance(values[0], ast.Assign) and isinstance(values[0].targets[0], ast.Name):
                return None if values[0].value is node else _literal(analysis, call, _plain(values[0].value))
    return None


def _plain(node: ast.expr) -> ast.expr | None:
    """Return an assigned value unless it refers to names: following those could go in a circle."""
    return None if any(isinstance(each, ast.Name) for each in ast.walk(node)) else node


def _existing_paths(analysis: Analysis) -> Iterator[Effect]:
    """Yield absolute paths in strings of any use, where something is there to be read or written on this machine."""
    for cell in analysis.notebook.code_cells:
        for text, line in _strings(cell):
            if len(text) < 1000 and "\n" not in text and "\0" not in text and _ABSOLUTE.match(text):  # noqa: PLR2004 - no path
                path = os.path.expanduser(text)  # noqa: PTH111 - a text that may be no path
                parent = os.path.dirname(path.rstrip("/"))  # noqa: PTH120 - the same
                if path.strip("/") and (os.path.exists(path) or (parent.strip("/") and os.path.isdir(parent))):  # noqa: PTH110, PTH112 - the same
                    yield Effect(cell.index, line, "absolute path", repr(_short(text)))


def _strings(cell: CodeCell) -> Iterator[tuple[str, int]]:
    for node in ast.walk(cell.tree) if cell.tree is not None else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - what fits on a line
