"""Which definition reaches which use, over the top-level statements of a notebook in one order.

Reaching definitions as in Aho, Lam, Sethi and Ullman, "Compilers", section 9.2, with the top-level
statement as the block: a statement's surely bound names kill, everything else it binds is added.
Function bodies run when their function is used; what they read is resolved there, transitively.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from nb2prod.dataflow.facts import statement_facts
from nb2prod.dataflow.model import Definition
from nb2prod.notebook.magic_table import magic_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nb2prod.dataflow.model import Statement, Use
    from nb2prod.notebook.model import CodeCell, Magic, Notebook

# Names every cell finds although nobody defines them: builtins of the newest Python we know, and
# what IPython puts into the user's namespace (https://ipython.readthedocs.io, "Output caching").
PREDEFINED = frozenset(dir(builtins)) | {
    "In", "Out", "PythonFinalizationError", "WindowsError", "_", "__", "___", "__builtins__", "__doc__", "__name__",
    "_dh", "_exit_code", "_i", "_ih", "_ii", "_iii", "_oh", "display", "exit", "get_ipython", "open", "quit",
}  # fmt: skip


class Order(Enum):
    """The order cells are taken in: top to bottom, or by saved execution count."""

    WRITTEN = "written"
    RECORDED = "recorded"


@dataclass(slots=True)
class Flow:
    """The dataflow of one notebook in one order.

    statements  in document order; ``order`` lists those that run, in the order they run
    """

    statements: tuple[Statement, ...]
    order: tuple[Statement, ...]
    _reaching: dict[Use, tuple[Definition, ...]] = field(default_factory=dict, repr=False)
    _unsure: set[Use] = field(default_factory=set, repr=False)
    _after: Mapping[str, tuple[Definition, ...]] = field(default_factory=dict, repr=False)

    def reaching(self, use: Use) -> tuple[Definition, ...]:
        """Return the definitions whose value ``use`` may read, in document order; empty where there is none."""
        return self._reaching.get(use, ())

    def maybe_unbound(self, use: Use) -> bool:
        """Return whether some path leads to ``use`` on which its name is not bound."""
        return use in self._unsure

    def uses(self, definition: Definition) -> tuple[Use, ...]:
        """Return the uses that ``definition`` may reach."""
        return tuple(
            use
            for statement in self.order
            for use in statement.uses
            if use.name == definition.name and definition in self._reaching.get(use, ())
        )

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
        return frozenset(live)

    def unbound(self) -> Iterator[Use]:
        """Yield the uses of names that nothing defines, in the order they would fail.

        A star import, ``%run`` or ``exec`` before it makes "undefined" unknowable; such uses and
        names that may be column names (reads inside strings) are not yielded.
        """
        unknowable = False
        for statement in self.order:
            unknowable = unknowable or _opens_namespace(statement)
            for use in statement.uses:
                if (
                    not unknowable
                    and use not in self._reaching
                    and use.name not in PREDEFINED
                    and isinstance(use.node, ast.Name)
                ):
                    yield use


def collect_statements(notebook: Notebook) -> tuple[Statement, ...]:
    """Return the facts of every top-level statement of ``notebook``, in document order."""
    statements: list[Statement] = []
    all_displayed = False
    for cell in notebook.code_cells:
        if cell.tree is None:
            continue
        magics = {(magic.range.start.line, magic.range.start.column): magic for magic in cell.magics}
        body = cell.tree.body
        isolated = _is_isolated(cell)
        for number, node in enumerate(body):
            displayed = (
                isinstance(node, ast.Expr)
                and (all_displayed or number == len(body) - 1)
                and not _ends_with_semicolon(cell, node, last=number == len(body) - 1)
            )
            magic = _mask_of(cell, node, magics)
            found = statement_facts(cell, node, len(statements), displayed=displayed and magic is None, magic=magic)
            # A %%timeit body runs in a namespace of its own.
            statements.append(replace(found, definitions=(), displayed=False) if isolated else found)
            if magic is not None:
                statements[-1] = _with_magic(statements[-1], magic)
        all_displayed = all_displayed or any(_displays_all(node) for node in body)
    return tuple(statements)


def _is_isolated(cell: CodeCell) -> bool:
    """Return whether a cell magic runs the body without binding its names (``%%timeit``)."""
    first = cell.magics[0] if cell.magics else None
    if first is None or first.kind != "cell":
        return False
    entry = magic_table().cell.get(first.name)
    return entry is not None and entry.python == "isolated"


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
    return replace(statement, definitions=bound, uses=(), dynamic="*" in magic.binds)


def _ends_with_semicolon(cell: CodeCell, node: ast.stmt, *, last: bool) -> bool:
    """Return whether IPython would suppress the display: the cell's last token is a semicolon."""
    end = cell.locate(node).range.end
    rest = cell.python.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tail = [rest[end.line - 1][end.column - 1 :], *(rest[end.line :] if last else ())]
    return any(line.strip().startswith(";") for line in tail)


def _displays_all(node: ast.stmt) -> bool:
    """Return whether ``node`` is ``InteractiveShell.ast_node_interactivity = "all"``."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and node.targets[0].attr == "ast_node_interactivity"
        and isinstance(node.value, ast.Constant)
        and node.value.value == "all"
    )


def analyse(statements: Sequence[Statement], order: Order = Order.WRITTEN) -> Flow:
    """Return the flow of ``statements`` (from ``collect_statements``) in ``order``.

    In recorded order the cells that have no execution count have not run and are left out.
    """
    chosen: Iterable[Statement] = statements
    if order is Order.RECORDED:
        ran = [statement for statement in statements if statement.cell.execution_count is not None]
        chosen = sorted(ran, key=lambda statement: (statement.cell.execution_count or 0, statement.index))
    flow = Flow(tuple(statements), tuple(chosen))
    _Propagation(flow).run()
    return flow


class _Propagation:
    """One pass over the statements in order, filling the flow's tables."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.state: dict[str, tuple[Definition, ...]] = {}
        self.sure: set[str] = set()
        self.deferred = {
            statement.index: tuple(use for use in statement.uses if use.deferred) for statement in flow.statements
        }

    def run(self) -> None:
        flow = self.flow
        for statement in flow.order:
            inner: dict[str, list[Definition]] = {}
            for definition in statement.definitions:
                if definition.kind not in ("delete", "star"):
                    inner.setdefault(definition.name, []).append(definition)
            called: set[int] = set()
            for use in statement.uses:
                if not use.deferred:
                    self._reach(use, inner)
                    self._call(use, called)
            self._apply(statement, inner)
            # Lambdas and generators of this very statement may run within it or any time later.
            for use in self.deferred[statement.index]:
                if use.owner is None:
                    self._merge(use)
        flow._after = dict(self.state)  # noqa: SLF001
        for statement in flow.order:
            for use in self.deferred[statement.index]:
                # Never called as far as we see, or a method, which runs when nobody can tell: at the end, at best.
                if use not in flow._reaching or isinstance(statement.node, ast.ClassDef):  # noqa: SLF001
                    self._merge(use)

    def _reach(self, use: Use, inner: Mapping[str, Sequence[Definition]]) -> None:
        own = tuple(inner.get(use.name, ())) if use.own else ()
        found = (*self.state.get(use.name, ()), *own) if use.exposed else own
        if found:
            self.flow._reaching[use] = found  # noqa: SLF001
        if use.exposed and use.name not in self.sure:
            self.flow._unsure.add(use)  # noqa: SLF001

    def _call(self, use: Use, called: set[int]) -> None:
        """Resolve what the functions that ``use`` may name read and write, as of now."""
        for definition in self.flow.reaching(use):
            if definition.kind not in ("function", "class", "assign") or definition.statement in called:
                continue
            called.add(definition.statement)
            for written in self.flow.statements[definition.statement].global_writes:
                known = self.state.get(written.name, ())
                if written not in known:
                    self.state[written.name] = (*known, written)
            for inner in self.deferred[definition.statement]:
                if inner.owner == definition.name:
                    self._merge(inner)
                    self._call(inner, called)

    def _merge(self, use: Use) -> None:
        """Add what reaches now to what a deferred use may read."""
        now = self.state.get(use.name, ())
        known = self.flow._reaching.get(use, ())  # noqa: SLF001
        added = tuple(definition for definition in now if definition not in known)
        if added or known:
            self.flow._reaching[use] = known + added  # noqa: SLF001
        if use.name not in self.sure:
            self.flow._unsure.add(use)  # noqa: SLF001

    def _apply(self, statement: Statement, inner: Mapping[str, Sequence[Definition]]) -> None:
        for name, found in inner.items():
            # "except … as e" has unbound e again by the end of the handler.
            definitions = [definition for definition in found if definition.kind != "except"]
            if not definitions:
                continue
            binding = [definition for definition in definitions if definition.kind != "mutate"]
            if any(definition.certain for definition in binding):
                self.state[name] = tuple(definitions)
                self.sure.add(name)
            else:
                self.state[name] = (*self.state.get(name, ()), *definitions)
        for definition in statement.definitions:
            if definition.kind == "delete":
                self.sure.discard(definition.name)
                if definition.certain:
                    self.state.pop(definition.name, None)


def _opens_namespace(statement: Statement) -> bool:
    return statement.dynamic or any(definition.kind == "star" for definition in statement.definitions)
