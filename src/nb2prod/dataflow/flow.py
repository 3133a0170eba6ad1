"""Which definition reaches which use, over the top-level statements of a notebook in one order.

Reaching definitions as in Aho, Lam, Sethi and Ullman, "Compilers", section 9.2, with the top-level
statement as the block: a statement's surely bound names kill, everything else it binds is added
(``propagate``).
"""

from __future__ import annotations

import ast
import builtins
from enum import Enum
from typing import TYPE_CHECKING

from nb2prod.dataflow.facts import statement_facts
from nb2prod.dataflow.model import Definition
from nb2prod.dataflow.propagate import Propagation
from nb2prod.notebook.magic_table import magic_table
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nb2prod.dataflow.model import Statement, Use
    from nb2prod.notebook.model import CodeCell, Magic, Notebook

# Names every cell finds although nobody defines them: builtins of the newest Python we know, and
# what IPython puts into the user's namespace (https://ipython.readthedocs.io, "Output caching").
PREDEFINED = frozenset(dir(builtins)) | {
    "In", "Out", "PythonFinalizationError", "WindowsError", "_", "__", "___", "__builtin__", "__builtins__", "__doc__",
    "__name__", "_dh", "_exit_code", "_i", "_ih", "_ii", "_iii", "_oh", "display", "exit", "get_ipython", "open",
    "quit",
}  # fmt: skip


_SETTING = lazy_pattern(r"""ast_node_interactivity\s*=\s*["'](\w+)["']""")


class Order(Enum):
    """The order cells are taken in: top to bottom, or by saved execution count."""

    WRITTEN = "written"
    RECORDED = "recorded"


class Flow:
    """The dataflow of one notebook in one order.

    statements  in document order; ``order`` lists those that run, in the order they run
    """

    __slots__ = ("_after", "_reaching", "_reads", "_unsure", "_uses", "order", "statements")

    def __init__(self, statements: tuple[Statement, ...], order: tuple[Statement, ...], found: Propagation) -> None:
        """Keep what was found along ``order``."""
        self.statements = statements
        self.order = order
        self._reaching = found.reaching
        self._unsure = found.unsure
        self._after = found.state
        # By statement: what functions read that run in it, or that may run at any time from it on.
        self._reads = found.reads
        self._uses: dict[Definition, list[Use]] | None = None

    def reaching(self, use: Use) -> tuple[Definition, ...]:
        """Return the definitions whose value ``use`` may read, in document order; empty where there is none."""
        return self._reaching.get(use, ())

    def maybe_unbound(self, use: Use) -> bool:
        """Return whether some path leads to ``use`` on which its name is not bound."""
        return use in self._unsure

    def uses(self, definition: Definition) -> tuple[Use, ...]:
        """Return the uses that ``definition`` may reach."""
        if self._uses is None:
            self._uses = {}
            for statement in self.order:
                for use in statement.uses:
                    for each in self._reaching.get(use, ()):
                        self._uses.setdefault(each, []).append(use)
        return tuple(self._uses.get(definition, ()))

    def after(self) -> Mapping[str, tuple[Definition, ...]]:
        """Return the definitions that reach the end of the notebook, by name."""
        return self._after

    def live_after(self, statement: Statement) -> frozenset[str]:
        """Return the names whose value after ``statement`` a later statement may read."""
        live: set[str] = set()
        position = self.order.index(statement)
        for later in reversed(self.order[position + 1 :]):
            live.difference_update(
                definition.name
                for definition in later.definitions
                if definition.certain and definition.kind != "mutate"
            )
            live.update(use.name for use in later.uses if use.exposed)
            calls = self._reads.get(later.index)
            if calls is not None:
                live |= calls.here | calls.ever
        for earlier in self.order[: position + 1]:
            calls = self._reads.get(earlier.index)
            if calls is not None:
                live |= calls.ever
        return frozenset(live)


def collect_statements(notebook: Notebook) -> tuple[Statement, ...]:
    """Return the facts of every top-level statement of ``notebook``, in document order."""
    statements: list[Statement] = []
    interactivity = "last_expr"
    for cell in notebook.code_cells:
        if cell.tree is None:
            continue
        magics = {(magic.range.start.line, magic.range.start.column): magic for magic in cell.magics}
        body = cell.tree.body
        isolated = _is_isolated(cell)
        for number, node in enumerate(body):
            last = number == len(body) - 1
            displayed = (
                _is_displayed(node, interactivity, last=last)
                and not _ends_with_semicolon(cell, node, last=last)
                and not (notebook.included and notebook.is_silent(cell))
                and not (magics and _is_measured(cell, node))
            )
            magic = _mask_of(cell, node, magics)
            found = statement_facts(cell, node, len(statements), displayed=displayed and magic is None, magic=magic)
            # A %%timeit body runs in a namespace of its own.
            statements.append(found._replace(definitions=(), displayed=False) if isolated else found)
            if magic is not None:
                statements[-1] = _with_magic(statements[-1], magic)
        interactivity = _interactivity(cell) or interactivity
    return tuple(statements)


def _is_isolated(cell: CodeCell) -> bool:
    """Return whether a cell magic runs the body without binding its names (``%%timeit``)."""
    first = cell.magics[0] if cell.magics else None
    if first is None or first.kind != "cell":
        return False
    entry = magic_table().cell.get(first.name)
    return entry is not None and entry.python == "isolated"


def _is_measured(cell: CodeCell, node: ast.stmt) -> bool:
    """Return whether a statement stands behind ``%timeit`` or its like, which hands no value on."""
    line = cell.locate(node).line
    return any(
        magic.kind == "line"
        and magic.range.start.line == line
        and (entry := magic_table().line.get(magic.name)) is not None
        and entry.python == "isolated"
        for magic in cell.magics
    )


def _mask_of(cell: CodeCell, node: ast.stmt, magics: Mapping[tuple[int, int], Magic]) -> Magic | None:
    """Return the magic that ``node`` is the mask of: an expression ``0`` standing where a magic stood."""
    if not magics or not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return None
    start = cell.locate(node).range.start
    return magics.get((start.line, start.column))


def _with_magic(statement: Statement, magic: Magic) -> Statement:
    """Return ``statement``, the mask of ``magic``, with what the magic itself does to names."""
    bound = tuple(
        Definition(name, "magic", True, statement.index, statement.cell, statement.node)  # noqa: FBT003
        for name in magic.binds
        if name != "*"
    )
    return statement._replace(definitions=bound, uses=(), dynamic="*" in magic.binds)


def _ends_with_semicolon(cell: CodeCell, node: ast.stmt, *, last: bool) -> bool:
    """Return whether IPython would suppress the display: the cell's last token is a semicolon."""
    if ";" not in cell.python:
        return False
    end = cell.locate(node).range.end
    rest = cell.python.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tail = [rest[end.line - 1][end.column - 1 :], *(rest[end.line :] if last else ())]
    return any(line.strip().startswith(";") for line in tail)


def _is_displayed(node: ast.stmt, interactivity: str, *, last: bool) -> bool:
    """Return whether the kernel displays the value of ``node`` (IPython's ``ast_node_interactivity``)."""
    match interactivity:
        case "all":
            return isinstance(node, ast.Expr)
        case "none":
            return False
        case "last_expr_or_assign" if isinstance(node, ast.Assign):
            return last and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        case _:
            return last and isinstance(node, ast.Expr)


def _interactivity(cell: CodeCell) -> str | None:
    """Return what a cell sets ``InteractiveShell.ast_node_interactivity`` to, from the next cell on."""
    if "ast_node_interactivity" not in cell.source:
        return None
    found = [text for magic in cell.magics if magic.name == "config" for text in _SETTING.findall(magic.argument)]
    for node in cell.tree.body if cell.tree is not None else ():
        match node:
            case ast.Assign(
                targets=[ast.Attribute(attr="ast_node_interactivity")], value=ast.Constant(value=str(text))
            ):
                found.append(text)
            case _:
                pass
    return found[-1] if found else None


def analyse(statements: Sequence[Statement], order: Order = Order.WRITTEN) -> Flow:
    """Return the flow of ``statements`` (from ``collect_statements``) in ``order``.

    In recorded order the cells that have no execution count have not run and are left out.
    """
    chosen: Iterable[Statement] = statements
    if order is Order.RECORDED:
        ran = [statement for statement in statements if statement.cell.execution_count is not None]
        chosen = sorted(ran, key=lambda statement: (statement.cell.execution_count or 0, statement.index))
    order_of_statements = tuple(chosen)
    found = Propagation(statements, order_of_statements)
    found.run()
    return Flow(tuple(statements), order_of_statements, found)
