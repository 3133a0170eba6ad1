"""What checks and passes are given: the notebook, its flow in both orders, and what its calls do."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar, cast

from nb2prod.dataflow.flow import Flow, Order, analyse, collect_statements
from nb2prod.dataflow.summaries import add_changes
from nb2prod.dataflow.unbound import unbound_names
from nb2prod.names import Names, arguments_of
from nb2prod.notebook.tree import nodes
from nb2prod.records import NamedTuple, Record, made

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from nb2prod.config import Settings
    from nb2prod.dataflow.model import Definition, Statement, Use
    from nb2prod.dataflow.unbound import Unbound
    from nb2prod.libraries import CallInfo, Libraries
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell, Notebook
    from nb2prod.project import Project

T = TypeVar("T")
N = TypeVar("N", bound=ast.AST)


class Call(NamedTuple):
    """A call somewhere in the notebook's code.

    name            as written: ``np.random.rand``, ``df.sample``; calls and subscripts in it are
                    shown as ``…()`` and ``…[]``
    qualified_name  what is called, through imports, assignments and light types
                    (``pandas.DataFrame.sample``), or None where it is unknown
    library         top-level import name of ``qualified_name``
    effects         from the library tables; empty for an unknown call, which may do anything
    arguments       parameter name → argument, for keyword arguments and for positional ones whose
                    name the tables know; other positional arguments under ``"0"``, ``"1"``, …
    deferred        inside a function body
    has_star_arguments  ``*args`` or ``**kwargs`` are passed: what is missing may be in there
    """

    name: str
    qualified_name: str | None
    library: str | None
    effects: frozenset[str]
    info: CallInfo | None
    node: ast.Call
    cell: CodeCell
    statement: Statement
    arguments: Mapping[str, ast.expr]
    deferred: bool
    has_star_arguments: bool

    @property
    def location(self) -> Location:
        """Where the call stands."""
        return self.cell.locate(self.node)


class Analysis(Record):
    """One reading of one notebook, shared by everything that asks about it.

    flow      in written order
    recorded  in the order of the saved execution counts, or None where they say nothing (cleared,
              or one count twice)
    local_types  whether names inside functions have types too: checks want them, the converter asks the flow
    """

    notebook: Notebook
    flow: Flow
    recorded: Flow | None
    libraries: Libraries
    project: Project | None = None
    settings: Settings | None = None
    local_types: bool = False
    _calls: tuple[Call, ...] | None = None
    _effective: Sequence[Call] = ()
    _calls_of: dict[str | None, list[Call]] | None = None
    _unbound: tuple[Unbound, ...] | None = None
    _names: Names = made(init=False)
    _once: dict[object, object] = made(factory=dict)
    _nodes: dict[int, Sequence[ast.AST]] = made(factory=dict)
    _nodes_of: dict[int, dict[type[ast.AST], list[ast.AST]]] = made(factory=dict)

    def __post_init__(self) -> None:
        """Make what resolves names: it reads nothing before it is asked."""
        self._names = Names(self.notebook, self.flow, self.libraries, self.nodes, local_types=self.local_types)

    def statements(self) -> tuple[Statement, ...]:
        """Return the top-level statements in written order."""
        return self.flow.statements

    def calls(self, effects: Collection[str] | None = None) -> Iterator[Call]:
        """Return the notebook's calls in written order, those with one of ``effects`` if given."""
        if self._calls is None:
            self._calls = tuple(
                self._call(node, statement, deferred=deferred)
                for statement in self.flow.statements
                for node, deferred in statement.calls
            )
            self._effective = [call for call in self._calls if call.effects]
        if effects is None:
            return iter(self._calls)
        wanted = frozenset(effects)
        return (call for call in self._effective if not wanted.isdisjoint(call.effects))

    def calls_of(self, *qualified_names: str) -> Iterator[Call]:
        """Yield the calls of what has one of these names, name by name, in written order each."""
        if self._calls_of is None:
            self._calls_of = {}
            for call in self.calls():
                self._calls_of.setdefault(call.qualified_name, []).append(call)
        for name in qualified_names:
            yield from self._calls_of.get(name, ())

    def once(self, build: Callable[[Analysis], T]) -> T:
        """Return what ``build`` makes of this analysis, made when it is first asked for: several checks share it."""
        if build not in self._once:
            self._once[build] = build(self)
        return cast("T", self._once[build])

    def code(self) -> str:
        """Return the text of all code cells."""
        return self.once(_code)

    def mentions(self, *words: str) -> bool:
        """Return whether one of ``words`` is in the code anywhere, be it in a longer word, a text or a comment.

        For checks that can find something only where a certain word is written: most notebooks have none of it. Only
        words that every spelling has count: a name may be imported under another, but only where it is written once.
        """
        code = self.code()
        return any(word in code for word in words)

    def nodes(self, root: ast.AST) -> Sequence[ast.AST]:
        """Return ``root``, a node of the notebook's code, and what stands below it, as ``notebook.tree.nodes``.

        For cells and statements, which several checks walk.
        """
        found = self._nodes.get(id(root))
        if found is None:
            found = self._nodes[id(root)] = nodes(root)
        return found

    def nodes_of(self, root: ast.AST, kind: type[N]) -> Sequence[N]:
        """Return those of ``nodes(root)`` that are a ``kind`` (a class of nodes, not a base of several), in order."""
        return cast("Sequence[N]", self.nodes_by_kind(root).get(kind, ()))

    def nodes_by_kind(self, root: ast.AST) -> Mapping[type[ast.AST], Sequence[ast.AST]]:
        """Return ``nodes(root)`` by their class, in order each; what there is none of is no key."""
        found = self._nodes_of.get(id(root))
        if found is None:
            found = self._nodes_of[id(root)] = {}
            for node in self.nodes(root):
                found.setdefault(node.__class__, []).append(node)
        return found

    def unbound(self) -> tuple[Unbound, ...]:
        """Return the names a run from top to bottom reads before anything binds them, each once."""
        if self._unbound is None:
            self._unbound = unbound_names(self.notebook, self.flow)
        return self._unbound

    def use_at(self, node: ast.AST) -> Use | None:
        """Return the use that ``node`` is, or None where it reads no module-level name."""
        return self._names.use_at(node)

    def qualified_name(self, node: ast.expr) -> str | None:
        """Return the dotted name of what ``node`` evaluates to; see ``Names``."""
        return self._names.qualified_name(node)

    def class_of(self, definition: Definition) -> str | None:
        """Return the dotted name of what ``definition`` binds; see ``Names``."""
        return self._names.class_of(definition)

    def object_class(self, definition: Definition) -> str | None:
        """Return the class of the object that ``definition`` binds; see ``Names``."""
        return self._names.object_class(definition)

    def own_function(self, func: ast.expr) -> ast.FunctionDef | None:
        """Return the function of the notebook that a name, where it is called, surely stands for."""
        return self._names.own_function(func)

    def _call(self, node: ast.Call, statement: Statement, *, deferred: bool) -> Call:
        qualified = self._names.callee(node)
        info = None if qualified is None else self.libraries.call(qualified)
        arguments, starred = arguments_of(node, info.parameters if info is not None else ())
        return Call(
            written_name(node.func),
            self.libraries.canonical(qualified) if info is not None and qualified is not None else qualified,
            qualified.partition(".")[0] if qualified is not None else None,
            info.effects if info is not None else frozenset(),
            info,
            node,
            statement.cell,
            statement,
            arguments,
            deferred,
            starred,
        )


def _code(analysis: Analysis) -> str:
    return "\n".join(cell.source for cell in analysis.notebook.code_cells)


def written_name(node: ast.expr) -> str:
    """Return a callee as written, short: what is no name, attribute, call or subscript is ``…``."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{written_name(value)}.{attr}"
        case ast.Call(func=func):
            return f"{written_name(func)}()"
        case ast.Subscript(value=value):
            return f"{written_name(value)}[]"
        case _:
            return "…"


def analyse_notebook(
    notebook: Notebook,
    *,
    project: Project | None = None,
    settings: Settings | None = None,
    libraries: Libraries | None = None,
    local_types: bool = False,
) -> Analysis:
    """Analyse ``notebook`` in both orders. ``libraries`` defaults to the tables that ship with us."""
    if libraries is None:
        from nb2prod.libraries import Libraries  # noqa: PLC0415 most callers share one

        libraries = Libraries()
    statements = add_changes(collect_statements(notebook), libraries.mutates)
    flow = analyse(statements)
    recorded = None
    if _recorded(notebook):
        # Most saved runs are the top-to-bottom run.
        recorded = flow if _in_order(statements) else analyse(statements, Order.RECORDED)
    return Analysis(notebook, flow, recorded, libraries, project, settings, local_types)


def _in_order(statements: Sequence[Statement]) -> bool:
    """Return whether every cell with statements has run, and each after those above it."""
    counts = [statement.cell.execution_count for statement in statements]
    return None not in counts and counts == sorted(count or 0 for count in counts)


def _recorded(notebook: Notebook) -> bool:
    """Return whether the saved execution counts tell an order: some are there, none twice."""
    own = [cell for cell in notebook.code_cells if cell.index not in notebook.included]
    counts = [cell.execution_count for cell in own if cell.execution_count is not None]
    return bool(counts) and len(counts) == len(set(counts))
