"""The notebook as data: frozen, as the file says it, with IPython syntax made parseable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from nb2prod.notebook.location import Location, Position, Range, node_range, split_lines
from nb2prod.records import NamedTuple, Record, made

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping, Sequence
    from pathlib import PurePath

    from nb2prod.notebook.runs import Included, Run

MagicKind = Literal["line", "cell", "shell", "help", "automagic", "autocall"]


class Magic(NamedTuple):
    """A piece of IPython syntax that was masked out of a code cell.

    kind       ``line`` (``%name``), ``cell`` (``%%name``), ``shell`` (``!``, ``!!``, ``%%bash`` is a
               cell magic), ``help`` (``?x``, ``x?``), ``automagic`` (a bare ``ls`` or
               ``pip install x``), ``autocall`` (``/f x``, ``,f x``, ``;f x``)
    name       the magic's name without ``%``; ``!`` or ``!!`` for shell; ``?`` or ``??`` for help;
               the character for autocall. ``%time`` with its second ``%`` where a cell magic does
               not start its cell: IPython then looks for a line magic of that name
    argument   the text after the name, as written, continuation lines joined; for a cell magic the
               rest of its first line (the body is the cell's other lines)
    binds      names the magic binds in the user's namespace (``x = !ls`` binds x, ``%%capture c`` c);
               names bound by Python code that stays visible (``%time z = 3``) are not listed.
               ``*``: it binds names that cannot be known (``%run``, ``%pylab``)
    range      where it stands in the cell, from the escape character to the end of its text
    """

    kind: MagicKind
    name: str
    argument: str
    binds: tuple[str, ...]
    range: Range


class Cell(Record):
    """What all cells share.

    index   counts all cells of the notebook from 1
    id      the nbformat 4.5 cell id, or None where the file has none
    source  the text as saved, list entries joined
    run_by  the index of the notebook's own cell on whose account it stands there (see ``Included``); 0: it is one
    """

    path: Final[PurePath]
    index: Final[int]
    id: Final[str | None]
    source: Final[str]
    metadata: Final[Mapping[str, Any]]
    run_by: Final[int] = 0

    @property
    def number(self) -> int:
        """The number readers know: its own, or that of the notebook's cell that runs it."""
        return self.run_by or self.index

    @property
    def lines(self) -> Sequence[str]:
        r"""The source's lines, as ``ast`` counts them (ends at \n, \r\n and \r only)."""
        return split_lines(self.source)

    @property
    def tags(self) -> frozenset[str]:
        """The cell's tags (``metadata.tags``), empty where missing or malformed."""
        tags = self.metadata.get("tags")
        return frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset()

    def location(
        self, line: int = 1, column: int = 1, end_line: int | None = None, end_column: int | None = None
    ) -> Location:
        """Return a location in this cell; lines and columns from 1, the end exclusive."""
        end = Position(end_line or line, end_column or column)
        return Location(self.path, self.index, Range(Position(line, column), end))


class MarkdownCell(Cell):
    """A markdown cell."""

    __slots__ = ()


class RawCell(Cell):
    """A raw cell: neither code nor markdown."""

    __slots__ = ()


class CodeCell(Cell):
    """A code cell.

    execution_count  as saved; None where cleared or never run
    outputs          nbformat output dicts as saved, texts whole; image payloads are never looked at
    magics           the IPython syntax found, in order of position
    python           ``source`` with every magic masked: same number of lines, same width of each
                     line, so a position in one is a position in the other. The masks are ``0``
                     expression statements or spaces. Empty of code for ``%%bash`` and the like.
    tree             ``python`` parsed; None where it could not be parsed
    problem          why ``tree`` is None: message and range; None where it parsed
    """

    execution_count: Final[int | None] = None
    outputs: Final[tuple[Mapping[str, Any], ...]] = ()
    magics: Final[tuple[Magic, ...]] = ()
    python: Final[str] = ""
    tree: Final[ast.Module | None] = None
    problem: Final[SyntaxProblem | None] = None

    @property
    def python_lines(self) -> Sequence[str]:
        """The lines of ``python``: the text ``tree`` was parsed from, whose bytes ``ast`` counts."""
        return split_lines(self.python)

    def locate(self, node: ast.AST) -> Location:
        """Return the location of a node of ``tree``."""
        return Location(self.path, self.index, node_range(() if self.source.isascii() else self.python_lines, node))


class SyntaxProblem(NamedTuple):
    """Why a cell could not be parsed.

    kind  ``error`` (not Python in any version we know), ``python2`` (valid Python 2), or
          ``unsupported`` (valid in a newer Python, or too deeply nested, for this interpreter)
    """

    kind: Literal["error", "python2", "unsupported"]
    message: str
    range: Range


class Notebook(Record):
    """A notebook as read.

    path      as the user gave it
    language  lower-case kernel language, ``python`` where the file does not say
    nbformat  (major, minor) as saved, before any upgrade
    text      the file's decoded text, for raw locations; never printed
    cell_starts  where its cells start in ``text``, if that was noted when it was read
    runs      each ``%run``, where they have been followed
    included  by index the cells that stand here because a ``%run`` was followed, behind the cell that has it;
              their indices go on where those of the notebook's own cells end
    """

    path: Final[PurePath]
    cells: Final[tuple[Cell, ...]]
    language: Final[str]
    nbformat: Final[tuple[int, int]]
    metadata: Final[Mapping[str, Any]]
    text: Final[str] = ""
    cell_starts: Final[Sequence[int]] = ()
    runs: Final[tuple[Run, ...]] = ()
    included: Final[Mapping[int, Included]] = made(factory=dict)
    _code_cells: tuple[CodeCell, ...] = made(init=False)

    def __post_init__(self) -> None:
        self._code_cells = tuple(cell for cell in self.cells if isinstance(cell, CodeCell))

    def cell_at(self, index: int) -> Cell:
        """Return the cell with this index."""
        if not self.included:
            return self.cells[index - 1]
        return next(cell for cell in self.cells if cell.index == index)

    def is_silent(self, cell: Cell) -> bool:
        """Return whether the kernel displays nothing of the cell: a ``%run`` runs it."""
        return cell.index in self.included and self.included[cell.index].file != ""

    @property
    def code_cells(self) -> tuple[CodeCell, ...]:
        """The code cells, in document order."""
        return self._code_cells
