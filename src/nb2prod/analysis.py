"""What checks and passes are given: the notebook, its flow in both orders, and what its calls do."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from nb2prod.dataflow.flow import Flow, Order, analyse, collect_statements
from nb2prod.dataflow.local_values import LocalValues, local_values
from nb2prod.dataflow.summaries import add_changes
from nb2prod.dataflow.unbound import unbound_names
from nb2prod.notebook.tree import nodes
from nb2prod.records import NamedTuple
from nb2prod.starred import starred_modules, starred_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from nb2prod.config import Settings
    from nb2prod.dataflow.local_values import Given
    from nb2prod.dataflow.model import Definition, Statement, Use
    from nb2prod.dataflow.unbound import Unbound
    from nb2prod.libraries import CallInfo, Libraries
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell, Notebook
    from nb2prod.project import Project

T = TypeVar("T")
N = TypeVar("N", bound=ast.AST)

# How far types are followed through assignments before they count as unknown.
_DEPTH = 12


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


@dataclass(slots=True, eq=False, repr=False)
class Analysis:
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
    _use_at: dict[int, Use] | None = field(default=None)
    _calls: tuple[Call, ...] | None = field(default=None)
    _effective: Sequence[Call] = ()
    _calls_of: dict[str | None, list[Call]] | None = field(default=None)
    _unbound: tuple[Unbound, ...] | None = field(default=None)
    _names: dict[int, str | None] = field(default_factory=dict)
    _once: dict[object, object] = field(default_factory=dict)
    _nodes: dict[int, Sequence[ast.AST]] = field(default_factory=dict)
    _nodes_of: dict[int, dict[type[ast.AST], list[ast.AST]]] = field(default_factory=dict)

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
        if self._use_at is None:
            self._use_at = {id(use.node): use for statement in self.flow.statements for use in statement.uses}
        return self._use_at.get(id(node))

    def qualified_name(self, node: ast.expr) -> str | None:
        """Return the dotted name of what ``node`` evaluates to, or None where that is unknown.

        For a module, function or class its own name (``numpy.random.rand``); for an instance the
        name of its class, as far as the library tables know it (``pandas.DataFrame``).
        """
        return _class_name(self._qualified(node, _DEPTH))

    def class_of(self, definition: Definition) -> str | None:
        """Return the dotted name of what ``definition`` binds, as ``qualified_name`` does for an expression."""
        return _class_name(self._defined(definition, _DEPTH))

    def object_class(self, definition: Definition) -> str | None:
        """Return the class of the object that ``definition`` binds; None for modules, functions and the unknown."""
        name = self._defined(definition, _DEPTH)
        return name.removesuffix("()") if name is not None and name.endswith("()") else None

    def _qualified(self, node: ast.expr, depth: int) -> str | None:
        """Return the name of a module, function or class, or a class with ``()`` behind it for its objects."""
        names, key = self._names, id(node)
        if key in names:
            return names[key]
        names[key] = None  # what refers to itself is unknown
        names[key] = found = self._resolve(node, depth) if depth else None
        return found

    def _resolve(self, node: ast.expr, depth: int) -> str | None:
        match node:
            case ast.Name(id=name):
                use = self.use_at(node)
                if use is None:
                    return self._local(node, depth) if self.local_types else None
                reaching = self.flow.reaching(use)
                if len(reaching) == 1 and reaching[0].kind == "import":
                    return reaching[0].qualified  # so are most names that something is called of
                found = [each for each in reaching if each.kind not in ("mutate", "augment")]
                if not found:
                    return f"builtins.{name}" if hasattr(builtins, name) else self._starred(use)
                names = {self._defined(each, depth - 1) for each in found}
                return names.pop() if len(names) == 1 else None
            case ast.Attribute(value=value, attr=attr):
                base = _class_name(self._column(value, depth - 1) or self._qualified(value, depth - 1))
                return None if base is None else f"{base}.{attr}"
            case ast.Call(func=func):
                name_called = _callee(self._qualified(func, depth - 1))
                if name_called is None:
                    return self._returned(func, None, depth) if self.local_types else None
                info = self.libraries.call(name_called)
                if info is None or info.returns is None:
                    return None
                return "builtins.tuple()" if isinstance(info.returns, tuple) else f"{info.returns}()"
            case ast.Subscript(value=value, slice=ast.Constant(value=str())):
                base = self._qualified(value, depth - 1)
                known = (
                    self.libraries.klass(base.removesuffix("()")) if base is not None and base.endswith("()") else None
                )
                return None if known is None or known.items is None else f"{known.items}()"
            case ast.Subscript(value=value, slice=index) if _is_selection(index):
                return self._selected(value, depth - 1)
            case ast.Constant(value=value) if value is not None:
                return f"builtins.{type(value).__name__}()"
            case ast.JoinedStr():
                return "builtins.str()"
            case ast.List() | ast.ListComp():
                return "builtins.list()"
            case ast.Dict() | ast.DictComp():
                return "builtins.dict()"
            case ast.Set() | ast.SetComp():
                return "builtins.set()"
            case ast.Tuple():
                return "builtins.tuple()"
            case ast.NamedExpr(value=value) | ast.Await(value=value):
                return self._qualified(value, depth - 1)
            case _:
                return None

    def _starred(self, use: Use) -> str | None:
        """Return the dotted name of what a star import brought."""
        modules = self.once(_starred_modules)
        return starred_name(use, modules, self.libraries) if modules else None

    def _column(self, node: ast.expr, depth: int) -> str | None:
        """Return the class of a column that is read as an attribute, of which something is asked: ``table.price``."""
        if not self.local_types or not isinstance(node, ast.Attribute) or node.attr.startswith("_"):
            return None
        owner = self._qualified(node.value, depth)
        known = self.libraries.klass(owner[:-2]) if owner is not None and owner.endswith("()") else None
        if known is None or known.items is None or self.libraries.attribute(known.qualified_name, node.attr)[0]:
            return None
        return None if self.libraries.call(f"{known.qualified_name}.{node.attr}") is not None else f"{known.items}()"

    def _selected(self, value: ast.expr, depth: int) -> str | None:
        """Return the class of ``table[["a", "b"]]``, ``table[mask]`` and ``table.loc[mask]``: a table again."""
        if isinstance(value, ast.Attribute) and value.attr in ("loc", "iloc"):
            value = value.value
        base = self._qualified(value, depth)
        known = self.libraries.klass(base.removesuffix("()")) if base is not None and base.endswith("()") else None
        return base if known is not None and known.items is not None else None

    def _defined(self, definition: Definition, depth: int) -> str | None:
        """Return the dotted name of what a definition binds."""
        if definition.kind == "import":
            return definition.qualified
        if definition.kind == "magic" or depth <= 0:
            return None
        statement = self.flow.statements[definition.statement].node
        match statement:
            case ast.Assign(value=value, targets=targets) if definition.node in targets:
                return None if _is_mask(value, definition.cell) else self._qualified(value, depth)
            case ast.Assign(value=ast.Call() as call, targets=[ast.Tuple(elts=elements)]) if (
                definition.node in elements
            ):
                return self._unpacked(call, elements.index(definition.node), depth)
            case ast.AnnAssign(value=ast.expr() as value):
                return self._qualified(value, depth)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is definition.node:
                        return self._qualified(item.context_expr, depth)
        return None

    def _unpacked(self, call: ast.Call, position: int, depth: int) -> str | None:
        name = _callee(self._qualified(call.func, depth))
        if name is None and self.local_types:
            return self._returned(call.func, position, depth)
        info = None if name is None else self.libraries.call(name)
        if info is not None and isinstance(info.returns, tuple) and position < len(info.returns):
            return f"{info.returns[position]}()"
        return None

    def _local(self, node: ast.Name, depth: int) -> str | None:
        """Return the dotted name of what a name of a function's own has, if it has the same on every way there."""
        given = self.once(_local_values).given.get(id(node), ())
        names = {self._given(each, depth - 1) for each in given}
        return names.pop() if len(names) == 1 else None

    def _given(self, given: Given, depth: int) -> str | None:
        if depth <= 0 or given.imported is not None:
            return given.imported
        if given.parameter is not None:
            return self._argument(*given.parameter, depth)
        match given.value:
            case None:
                return None
            case value if given.position is None:
                return self._qualified(value, depth)
            case ast.Call() as call:
                return self._unpacked(call, given.position, depth)
            case ast.Tuple(elts=elements) if given.position < len(elements):
                return self._qualified(elements[given.position], depth)
        return None

    def _argument(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, depth: int) -> str | None:
        """Return the dotted name of what every call in the notebook passes for a parameter."""
        positional = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        names: set[str | None] = set()
        for call in self.once(_calls_of_functions).get(id(function), ()):
            arguments, starred = _arguments(call, positional)
            argument = arguments.get(name)
            names.add(None if starred or argument is None else self._qualified(argument, depth))
        return names.pop() if len(names) == 1 else None

    def _returned(self, func: ast.expr, position: int | None, depth: int) -> str | None:
        """Return the dotted name of what a function of the notebook returns, or of one of the values."""
        function = self.own_function(func)
        returned = None if function is None else self.once(_local_values).returned.get(id(function))
        names: set[str | None] = set()
        for each in returned or ():
            value = each
            if position is not None:
                value = each.elts[position] if isinstance(each, ast.Tuple) and position < len(each.elts) else None
            names.add(None if value is None else self._qualified(value, depth - 1))
        return names.pop() if len(names) == 1 else None

    def own_function(self, func: ast.expr) -> ast.FunctionDef | None:
        """Return the function of the notebook that a name, where it is called, surely stands for."""
        use = self.use_at(func)
        found = self.flow.reaching(use) if use is not None else ()
        node = self.flow.statements[found[0].statement].node if len(found) == 1 else None
        return node if isinstance(node, ast.FunctionDef) and found[0].kind == "function" else None

    def _call(self, node: ast.Call, statement: Statement, *, deferred: bool) -> Call:
        qualified = _callee(self._qualified(node.func, _DEPTH))
        info = None if qualified is None else self.libraries.call(qualified)
        arguments, starred = _arguments(node, info.parameters if info is not None else ())
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


def _arguments(node: ast.Call, parameters: Sequence[str]) -> tuple[dict[str, ast.expr], bool]:
    """Return the arguments of a call as in ``Call.arguments``, and whether there are starred ones."""
    found: dict[str, ast.expr] = {}
    starred = False
    for number, argument in enumerate(node.args):
        if argument.__class__ is ast.Starred:
            starred = True
            break
        found[parameters[number] if number < len(parameters) else str(number)] = argument
    for keyword in node.keywords:
        if keyword.arg is None:
            starred = True
        else:
            found[keyword.arg] = keyword.value
    return found, starred


def _local_values(analysis: Analysis) -> LocalValues:
    trees = [cell.tree for cell in analysis.notebook.code_cells if cell.tree is not None and "def " in cell.source]
    return local_values(
        [
            function
            for tree in trees
            for function in analysis.nodes(tree)
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
    )


def _calls_of_functions(analysis: Analysis) -> dict[int, list[ast.Call]]:
    """Return the calls of the notebook's functions, by the id of the function."""
    found: dict[int, list[ast.Call]] = {}
    for statement in analysis.flow.statements:
        for call, _ in statement.calls:
            if isinstance(call.func, ast.Name) and (function := analysis.own_function(call.func)) is not None:
                found.setdefault(id(function), []).append(call)
    return found


def _code(analysis: Analysis) -> str:
    return "\n".join(cell.source for cell in analysis.notebook.code_cells)


def _starred_modules(analysis: Analysis) -> tuple[tuple[int, str], ...]:
    return starred_modules(analysis.statements())


def _is_selection(index: ast.expr) -> bool:
    """Return whether a subscript of a table surely selects columns or rows, not a single one."""
    return isinstance(index, (ast.List, ast.ListComp, ast.Compare, ast.Slice)) or (
        (isinstance(index, ast.BinOp) and isinstance(index.op, (ast.BitAnd, ast.BitOr)))
        or (isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.Invert))
    )


def _is_mask(value: ast.expr, cell: CodeCell) -> bool:
    """Return whether ``value`` is the ``0`` that stands for a magic: ``lines = !ls``."""
    if not cell.magics or not isinstance(value, ast.Constant):
        return False
    start = cell.locate(value).range.start
    return any(magic.range.start == start for magic in cell.magics)


def _class_name(name: str | None) -> str | None:
    return None if name is None else name.removesuffix("()")


def _callee(name: str | None) -> str | None:
    """Return what a call of ``name`` calls: for an object its class's ``__call__``."""
    return f"{name.removesuffix('()')}.__call__" if name is not None and name.endswith("()") else name


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
