"""Follows ``%run``: the cells of the file that is run stand in the notebook, behind the cell that runs it.

As the kernel has it: a notebook's cells, and a script with ``-i``, run in the namespace of the notebook; what a
script binds is copied there when it has ended. Nothing of what they would display is shown, and paths are those
of the folder the outermost notebook runs in. The file is read and never executed.
"""

from __future__ import annotations

import ast
import shlex
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path, PurePath
from posixpath import normpath
from typing import TYPE_CHECKING

from nb2prod.convert.magics import body
from nb2prod.convert.scripts import namespace_problem, program_problem
from nb2prod.errors import UnreadableNotebookError
from nb2prod.generated import digest
from nb2prod.notebook.code import read_code
from nb2prod.notebook.model import CodeCell, MarkdownCell
from nb2prod.notebook.parse import silenced
from nb2prod.notebook.read import parse_notebook
from nb2prod.notebook.runs import Included, Run
from nb2prod.project import Project
from nb2prod.saved_outputs import has_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.notebook.model import Cell, Magic, Notebook

_ALONE = "write the %run in a cell of its own"
_IMPORT = "import what is needed from a module"
_APPENDING = frozenset({"-a", "--append"})
# More than anybody runs from a notebook: files that run each other again and again.
_MOST_CELLS = 1000


def include_runs(notebook: Notebook) -> Notebook:
    """Return the notebook with the cells of what it runs behind each ``%run`` that can be followed.

    Why one cannot stands in ``notebook.runs``, and its cell stays as it is.
    """
    if not any(magic.name == "run" for cell in notebook.code_cells for magic in cell.magics):
        return notebook
    follower = _Follower(notebook, count(len(notebook.cells) + 1))
    cells: list[Cell] = []
    for cell in notebook.cells:
        if isinstance(cell, CodeCell):
            cells += follower.followed(cell)
        else:
            cells.append(cell)
    followed = notebook._replace(cells=tuple(cells), runs=tuple(follower.runs), included=follower.included)
    scripts = follower.with_own_names.items()
    clashes = {name: problem for name, path in scripts if (problem := _clash(path, followed))}
    runs = (each._replace(problem=clashes.get(each.file, each.problem)) for each in followed.runs)
    return followed._replace(runs=tuple(runs)) if clashes else followed


def _clash(path: Path, notebook: Notebook) -> tuple[str, str] | None:
    """Return why a script with names of its own cannot stand among the other cells."""
    own = [cell for cell in notebook.code_cells if cell.path == path]
    others = [cell for cell in notebook.code_cells if cell.path != path]
    return namespace_problem(own[0], others) if own else None


@dataclass(slots=True)
class _Piece:
    """A cell in its place; ``ends``: the kernel closes figures at its end."""

    cell: Cell
    ends: bool = False


@dataclass(slots=True)
class _Place:
    """Where cells are included: the notebook's own cell, its statement, and the files that are being run there."""

    own: CodeCell
    statement: int
    files: tuple[tuple[Path, str], ...] = ()


@dataclass(slots=True)
class _Follower:
    """Follows the ``%run`` lines of one notebook; what it finds is in ``runs`` and ``included``."""

    notebook: Notebook
    indices: Iterator[int]
    runs: list[Run] = field(default_factory=list)
    included: dict[int, Included] = field(default_factory=dict)
    with_own_names: dict[str, Path] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return Path(self.notebook.path).parent

    def followed(self, cell: CodeCell) -> list[Cell]:
        """Return what stands in place of a cell of the notebook: itself, and what it runs."""
        pieces = self.pieces(cell, _Place(cell, 0))
        pieces[-1].ends = True
        closes = 0
        for piece in reversed(pieces):
            if piece.ends:
                closes = piece.cell.index
            if isinstance(piece.cell, CodeCell) and len(pieces) > 1:
                known = self.included.get(piece.cell.index, Included(cell.index, 0, "", 0, 0))
                self.included[piece.cell.index] = known._replace(closes=closes)
        return [piece.cell for piece in pieces]

    def pieces(self, cell: CodeCell, place: _Place) -> list[_Piece]:
        """Return the part of a cell down to its first ``%run`` that can be followed, what that runs, and the rest."""
        for magic in cell.magics:
            if magic.name != "run" or "*" not in magic.binds:
                continue
            statement = _number_of(magic, cell)
            name = _named(magic.argument)
            run = Run(cell.index, magic.range.start.line, name)
            # What a file runs in turn belongs to the statement of the notebook that runs the file.
            here = place if place.files else replace(place, statement=place.statement + statement)
            cells, problem, sha = self.cells_of(magic, cell, here, name, has_place=statement > 0)
            if problem is not None:
                self.runs.append(run._replace(problem=problem))
                continue
            self.runs.append(run._replace(digest=sha))
            pieces = [_Piece(_part(cell, magic, above=True)), *cells]
            rest = _part(cell, magic, above=False)
            if rest.tree is not None and rest.tree.body:
                rest = rest._replace(index=next(self.indices), run_by=here.own.index)
                known = self.included.get(cell.index)
                file, number = (known.file, known.number) if known is not None else ("", 0)
                self.included[rest.index] = Included(here.own.index, here.statement, file, number, 0)
                pieces += self.pieces(rest, here)
            return pieces
        return [_Piece(cell)]

    def cells_of(
        self, magic: Magic, cell: CodeCell, place: _Place, name: str, *, has_place: bool
    ) -> tuple[list[_Piece], tuple[str, str] | None, str]:
        """Return the cells a ``%run`` runs, or why it cannot be followed, and the digest of its file."""
        problem = self.where_problem(cell, has_place=has_place) or _how_problem(magic.argument)
        written = None if problem else self.written_above(name, cell)
        path = None if problem else self.folder / name if written is not None else self.path_of(name)
        problem = problem or self.file_problem(path, name, place)
        if problem or path is None:
            return [], problem, ""
        try:
            content = path.read_bytes() if written is None else written.encode()
            cells = list(_cells(content, path))
        except (OSError, UnreadableNotebookError) as error:
            return [], (str(error), "mend the file, or delete the line"), ""
        if path.suffix == ".py":
            problems = (program_problem(each) for each in cells if isinstance(each, CodeCell))
            if problem := next(filter(None, problems), None):
                return [], problem, ""
            if "-i" not in shlex.split(magic.argument):
                self.with_own_names[name] = path
        inner = replace(place, files=(*place.files, (path.resolve(), name)))
        pieces: list[_Piece] = []
        for each in cells:
            index = next(self.indices)
            if isinstance(each, CodeCell):
                self.included[index] = Included(place.own.index, place.statement, name, each.index, 0)
                # What the file was saved with is of runs of its own; the pictures of this one may be of any cell.
                as_run = each._replace(
                    index=index,
                    id=None,
                    metadata={},
                    outputs=tuple(filter(has_image, place.own.outputs)),
                    execution_count=place.own.execution_count,
                    run_by=place.own.index,
                )
                found = self.pieces(as_run, inner)
                found[-1].ends = path.suffix == ".ipynb"
                pieces += found
            elif isinstance(each, MarkdownCell):
                self.included[index] = Included(place.own.index, place.statement, name, each.index, 0)
                pieces.append(_Piece(each._replace(index=index, id=None, run_by=place.own.index)))
        return pieces, None, digest(content)

    def where_problem(self, cell: CodeCell, *, has_place: bool) -> tuple[str, str] | None:
        """Return why a ``%run`` in this cell cannot be followed whatever it runs."""
        if not has_place or any(magic.kind == "cell" and magic.name != "time" for magic in cell.magics):
            return "it stands inside of something else", _ALONE
        if "raises-exception" in cell.tags:
            return "the cell goes on when it fails", "delete the tag raises-exception"
        if len(self.included) > _MOST_CELLS:
            return f"it is one of more than {_MOST_CELLS} cells that are run", _IMPORT
        for each in self.notebook.code_cells:
            if any(magic.name == "cd" for magic in each.magics) or "chdir" in each.source:
                return f"cell {each.index} changes the folder it is looked for in", f"delete that, or {_IMPORT}"
        return None

    def written_above(self, name: str, cell: CodeCell) -> str | None:
        """Return the text a ``%%writefile`` above a cell gives to the file of that name; None where there is none."""
        found: str | None = None
        for each in self.notebook.code_cells:
            if each.index >= cell.index:
                break
            for magic in each.magics[:1]:
                if magic.kind != "cell" or magic.name not in ("writefile", "file"):
                    continue
                words = magic.argument.split()
                if normpath(words[-1] if words else ".") != normpath(name):
                    continue
                is_more = found is not None and not _APPENDING.isdisjoint(words)
                found = (found or "") + body(each, magic) if is_more else body(each, magic)
        return found

    def path_of(self, name: str) -> Path | None:
        """Return the file a name means to the kernel, None where there is none."""
        path = self.folder / name
        if path.is_file():
            return path
        with_suffix = path.with_name(f"{path.name}.py")
        return with_suffix if not name.endswith(".py") and with_suffix.is_file() else None

    def file_problem(self, path: Path | None, name: str, place: _Place) -> tuple[str, str] | None:
        """Return why a file cannot be run from here."""
        if PurePath(name).is_absolute() or name.startswith("~"):
            return f"{name} is a place on one machine", "name it by its path from the notebook's folder"
        if path is None:
            return f"there is no file {name}", "its path counts from the folder of the notebook that is converted"
        resolved = path.resolve()
        root = Project.for_path(Path(self.notebook.path)).root
        if not resolved.is_relative_to(root.resolve()):
            return f"{name} is outside of the project", "copy it into the project"
        if path.suffix not in (".ipynb", ".py"):
            return f"{name} is neither a notebook nor a Python script", _IMPORT
        files = (Path(self.notebook.path).resolve(), *(file for file, _ in place.files))
        if resolved in files:
            way = " → ".join([self.notebook.path.name, *(each for _, each in place.files), name])
            return f"it runs itself ({way})", "delete one of these lines"
        return None


def _number_of(magic: Magic, cell: CodeCell) -> int:
    """Return the number of the top-level statement that a magic is, from 1; 0 where it stands inside of one."""
    start = magic.range.start
    for number, node in enumerate(cell.tree.body if cell.tree is not None else (), start=1):
        if isinstance(node, ast.Expr) and cell.locate(node).range.start == start:
            return number
    return 0


def _named(argument: str) -> str:
    try:
        words = [word for word in shlex.split(argument) if not word.startswith("-")]
    except ValueError:
        return ""
    return words[0] if words else ""


def _how_problem(argument: str) -> tuple[str, str] | None:
    """Return why what is asked of a ``%run`` cannot be told or kept."""
    try:
        words = shlex.split(argument)
    except ValueError:
        return "its quotes do not close", "close them"
    if not words or "{" in argument or "$" in argument:
        return "which file it runs only a run can tell", "name the file"
    options = [word for word in words if word.startswith("-") and word != "-i"]
    files = [word for word in words if not word.startswith("-")]
    if options:
        return f"nobody here knows what {options[0]} changes", f"delete the option, or {_IMPORT}"
    if len(files) != 1:
        return "it passes arguments on", _IMPORT
    return None


def _cells(content: bytes, path: Path) -> Iterator[Cell]:
    """Yield the cells of a notebook, or the one that a script is."""
    if path.suffix == ".ipynb":
        notebook = parse_notebook(content, path)
        if notebook.language != "python":
            raise UnreadableNotebookError(f"{path}: its language is {notebook.language}")
        yield from notebook.cells
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableNotebookError(f"{path}: not a text file") from None
    with silenced():
        yield read_code(path, 0, None, text, {})


def _part(cell: CodeCell, magic: Magic, *, above: bool) -> CodeCell:
    """Return a cell without the lines below a magic, or without those down to it; the lines keep their numbers."""
    last = magic.range.end.line
    source, python = (_kept(lines, last, above=above) for lines in (cell.lines, cell.python_lines))
    body = [node for node in cell.tree.body if (node.lineno <= last) == above] if cell.tree is not None else []
    magics = [each for each in cell.magics if (each.range.start.line <= last) == above]
    # What the magic binds is known now: what the cells behind it bind.
    magics = [each._replace(binds=()) if each is magic else each for each in magics]
    outputs = () if above else tuple(each for each in cell.outputs if each.get("output_type") == "execute_result")
    return cell._replace(
        source=source,
        python=python,
        tree=ast.Module(body, []),
        magics=tuple(magics),
        outputs=outputs,
    )


def _kept(lines: Sequence[str], last: int, *, above: bool) -> str:
    return "\n".join(lines[:last]) if above else "\n".join([*([""] * last), *lines[last:]])
