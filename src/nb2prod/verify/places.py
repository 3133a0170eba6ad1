"""Where a difference is: the cell of the notebook, the step, and the line of the package."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nb2prod.verify.observer import cells_of, module_of  # one package, one mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nb2prod.verify.subject import Subject
    from nb2prod.verify.tally import Found

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_KINDS = ("failure", "value", "printed", "displayed", "figure", "file", "error output")


@dataclass(frozen=True, slots=True)
class Located:
    """A difference and where it is, as far as that is known; ``file`` is relative to the package's folder."""

    found: Found
    step: str | None
    cell: int | None
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Places:
    """The steps of a package and the cells they come from.

    files      step → the file it is in, relative to the package's folder
    functions  step → its function
    ranges     step → its lines: first, last, and the cell they come from
    settings   field of the configuration → the text it is without options
    """

    files: Mapping[str, str]
    order: tuple[str, ...]
    functions: Mapping[str, _Function]
    ranges: Mapping[str, Sequence[tuple[int, int, int]]]
    step_of_cell: Mapping[int, str]
    settings: Mapping[str, str]

    def locate(self, found: Found, cell: int | None = None) -> Located:
        """Return where a difference is; ``cell`` where it is known from elsewhere."""
        cell = cell or found.cell
        if found.kind == "file" and (place := self._naming(found.name.rpartition("/")[2])):
            return Located(found, place[0], self._cell(*place) or cell, self.files[place[0]], place[1])
        step = found.step or (self.step_of_cell.get(cell) if cell is not None else None)
        function = self.functions.get(step or "")
        if function is None:
            return Located(found, step, cell, None, None)
        line: int | None = None
        if found.kind == "value":
            line = _last_change(function, found.name)
            cell = self._cell(step or "", line) or cell
        if line is None:
            line = self._line(step or "", cell, found.kind)
        return Located(found, step, cell, self.files[step or ""], line or function.lineno)

    def ordered(self, located: Sequence[Located]) -> tuple[Located, ...]:
        """Return differences in the order in which the run came upon them, as far as that is known."""
        return tuple(sorted(located, key=self._rank))

    def _rank(self, each: Located) -> tuple[int, int, int]:
        step = self.order.index(each.step) if each.step in self.order else len(self.order)
        cell = each.cell if each.cell is not None else 0
        # What no step is known for comes last: it says least.
        return step, cell, _KINDS.index(each.found.kind)

    def _naming(self, file: str) -> tuple[str, int] | None:
        """Return the step, and its line, in which the name of a file ends a string or a setting."""
        fields = {field for field, text in self.settings.items() if text.endswith(file)}
        for step, function in self.functions.items():
            for node in ast.walk(function):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(file):
                    return step, node.lineno
                if isinstance(node, ast.Name) and node.id in fields:
                    return step, node.lineno
        return None

    def _cell(self, step: str, line: int | None) -> int | None:
        if line is None:
            return None
        return next((cell for first, last, cell in self.ranges[step] if first <= line <= last), None)

    def _line(self, step: str, cell: int | None, kind: str) -> int | None:
        lines = [(first, last) for first, last, of in self.ranges[step] if of == cell]
        if not lines:
            return None
        start, end = min(lines)[0], max(last for _, last in lines)
        wanted = {"printed": ("print",), "displayed": ("show", "display"), "figure": ("end_of_cell", "show", "save")}
        for node in ast.walk(self.functions[step]):
            if isinstance(node, ast.Call) and start <= node.lineno <= end:
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in wanted.get(kind, ()):
                    return node.lineno
        return start


def places_of(subject: Subject) -> Places:
    """Return the places of a package; without the steps of a module that cannot be read as Python."""
    folder: Path = subject.source.joinpath(*subject.package.split("."))
    rows: dict[str, Mapping[str, Any]] = {row["name"]: row for row in subject.manifest["steps"]}
    files = {name: folder / f"{module_of(row)}.py" for name, row in rows.items()}
    own: dict[str, _Function] = {}
    for file in dict.fromkeys(files.values()):
        functions = (node for node in _tree(file).body if isinstance(node, _Function))
        own.update((node.name, node) for node in functions if files.get(node.name) == file)
    ranges = {name: cells_of(function, dict(subject.manifest), dict(rows[name])) for name, function in own.items()}
    step_of_cell: dict[int, str] = {}
    for row in subject.manifest["statements"]:
        if row["kind"] == "step":
            step_of_cell.setdefault(row["cell"], row["name"])
    names = {name: file.relative_to(subject.folder).as_posix() for name, file in files.items()}
    return Places(names, tuple(rows), own, ranges, step_of_cell, _settings(folder / "config.py"))


def _tree(file: Path) -> ast.Module:
    """Return a module's syntax tree, an empty one where it is missing or no Python any more."""
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _settings(file: Path) -> dict[str, str]:
    found = {}
    for node in ast.walk(_tree(file)):
        match node:
            case ast.AnnAssign(target=ast.Name(id=field), value=ast.Constant(value=str(text))):
                found[field] = text
    return found


def _last_change(function: _Function, name: str) -> int | None:
    """Return the line of the last statement of a function that binds a name, or may change what it stands for."""
    lines = [line for node in ast.walk(function) for line in _changes(node, name)]
    return max(lines, default=None)


def _changes(node: ast.AST, name: str) -> Iterator[int]:
    match node:
        case ast.Name(id=found, ctx=ast.Store() | ast.Del()) if found == name:
            yield node.lineno
        case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()) if _root(node) == name:
            yield node.lineno
        case ast.Expr(value=ast.Call(func=ast.Attribute() as called)) if _root(called) == name:
            yield node.lineno
        case ast.FunctionDef(name=found) | ast.ClassDef(name=found) if found == name:
            yield node.lineno


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
