"""What expressions stand for: the dotted names of modules, functions and classes, and the classes of objects."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from nb2prod.dataflow.local_values import local_values
from nb2prod.grouped_names import groups_of_names, member
from nb2prod.starred import starred_modules, starred_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.local_values import Given, LocalValues
    from nb2prod.dataflow.model import Definition, Use
    from nb2prod.libraries import Libraries
    from nb2prod.notebook.model import CodeCell, Notebook

# How many assignments and calls a name is followed through.
_DEPTH = 12
# Statements that hold others, whose definitions are theirs; what a loop makes is one of many.
_BLOCKS = (ast.With, ast.AsyncWith, ast.Try, ast.If)
# What gives tables or columns, by what it is given.
_JOINS = ("pandas.concat",)


class Names:
    """The names of one notebook, each resolved when it is first asked for.

    nodes  gives a tree and what stands below it; others ask for the same trees
    local_types  whether names inside functions have types too
    """

    __slots__ = ("_calls_of_functions", "_groups", "_local_values", "_names", "_star_modules", "_use_at", "flow",
                 "libraries", "local_types", "nodes", "notebook")  # fmt: skip

    def __init__(
        self,
        notebook: Notebook,
        flow: Flow,
        libraries: Libraries,
        nodes: Callable[[ast.AST], Iterable[ast.AST]],
        *,
        local_types: bool,
    ) -> None:
        self.notebook = notebook
        self.flow = flow
        self.libraries = libraries
        self.nodes = nodes
        self.local_types = local_types
        self._use_at: dict[int, Use] | None = None
        self._names: dict[int, str | None] = {}
        self._star_modules: tuple[tuple[int, str], ...] | None = None
        self._local_values: LocalValues | None = None
        self._calls_of_functions: dict[int, list[ast.Call]] | None = None
        self._groups: dict[int, ast.expr] | None = None

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

    def callee(self, call: ast.Call) -> str | None:
        """Return the dotted name of what a call calls: for an object its class's ``__call__``."""
        return _callee(self._qualified(call.func, _DEPTH))

    def own_function(self, func: ast.expr) -> ast.FunctionDef | None:
        """Return the function of the notebook that a name, where it is called, surely stands for."""
        use = self.use_at(func)
        found = self.flow.reaching(use) if use is not None else ()
        node = self.flow.statements[found[0].statement].node if len(found) == 1 else None
        return node if isinstance(node, ast.FunctionDef) and found[0].kind == "function" else None

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
                    return self._joined(node, depth) if name_called in _JOINS and self.local_types else None
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
        if self._star_modules is None:
            self._star_modules = starred_modules(self.flow.statements)
        return starred_name(use, self._star_modules, self.libraries) if self._star_modules else None

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
        statement: ast.AST = self.flow.statements[definition.statement].node
        if self.local_types and isinstance(statement, _BLOCKS):
            statement = self._inside(statement, definition)
        match statement:
            case ast.Assign(value=value, targets=targets) if definition.node in targets:
                return None if _is_mask(value, definition.cell) else self._qualified(value, depth)
            case ast.Assign(value=ast.Call() as call, targets=[ast.Tuple(elts=elements)]) if (
                definition.node in elements
            ):
                return self._unpacked(call, elements.index(definition.node), depth)
            case ast.AnnAssign(value=ast.expr() as value):
                return self._qualified(value, depth)
            case ast.For(iter=groups) if self.local_types and member(statement) is definition.node:
                return self._member(groups, depth)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is definition.node:
                        return self._qualified(item.context_expr, depth)
        return None

    def _inside(self, block: ast.AST, definition: Definition) -> ast.AST:
        """Return the assignment in a block that makes a definition; the block itself where no assignment does."""
        for node in self.nodes(block):
            if isinstance(node, ast.Assign) and any(
                definition.node is each for target in node.targets for each in (target, *getattr(target, "elts", ()))
            ):
                return node
        return block

    def _joined(self, call: ast.Call, depth: int) -> str | None:
        """Return the class of what is put together of a list of tables: a table as soon as one of them is."""
        match call.args:
            case [ast.List(elts=parts), *_]:
                pass
            case [ast.ListComp(elt=part), *_]:
                parts = [part]
            case _:
                return None
        names = {self._qualified(each, depth - 1) for each in parts}
        return next((name for name in names if name is not None and name.endswith(".DataFrame()")), None)

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
        given = self._of_functions().given.get(id(node), ())
        names = {self._given(each, depth - 1) for each in given}
        if not names and (groups := self._of_groups().get(id(node))) is not None:
            return self._member(groups, depth - 1)
        return names.pop() if len(names) == 1 else None

    def _member(self, groups: ast.expr, depth: int) -> str | None:
        """Return the class of each of what an expression gives, where it gives groups."""
        name = self._qualified(groups, depth)
        known = self.libraries.klass(name.removesuffix("()")) if name is not None and name.endswith("()") else None
        return None if known is None or known.members is None else f"{known.members}()"

    def _of_groups(self) -> dict[int, ast.expr]:
        if self._groups is None:
            cells = (cell for cell in self.notebook.code_cells if "groupby" in cell.source or "group_by" in cell.source)
            self._groups = groups_of_names([cell.tree for cell in cells if cell.tree is not None], self.nodes)
        return self._groups

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
        for call in self._calls().get(id(function), ()):
            arguments, starred = arguments_of(call, positional)
            argument = arguments.get(name)
            names.add(None if starred or argument is None else self._qualified(argument, depth))
        return names.pop() if len(names) == 1 else None

    def _returned(self, func: ast.expr, position: int | None, depth: int) -> str | None:
        """Return the dotted name of what a function of the notebook returns, or of one of the values."""
        function = self.own_function(func)
        returned = None if function is None else self._of_functions().returned.get(id(function))
        names: set[str | None] = set()
        for each in returned or ():
            value = each
            if position is not None:
                value = each.elts[position] if isinstance(each, ast.Tuple) and position < len(each.elts) else None
            names.add(None if value is None else self._qualified(value, depth - 1))
        return names.pop() if len(names) == 1 else None

    def _of_functions(self) -> LocalValues:
        """Return what the names inside the notebook's functions are given, and what those return."""
        if self._local_values is None:
            trees = [cell.tree for cell in self.notebook.code_cells if cell.tree is not None and "def " in cell.source]
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            self._local_values = local_values(
                [node for tree in trees for node in self.nodes(tree) if isinstance(node, functions)]
            )
        return self._local_values

    def _calls(self) -> Mapping[int, Sequence[ast.Call]]:
        """Return the calls of the notebook's functions, by the id of the function."""
        if self._calls_of_functions is None:
            self._calls_of_functions = {}
            for statement in self.flow.statements:
                for call, _ in statement.calls:
                    if isinstance(call.func, ast.Name) and (function := self.own_function(call.func)) is not None:
                        self._calls_of_functions.setdefault(id(function), []).append(call)
        return self._calls_of_functions


def arguments_of(node: ast.Call, parameters: Sequence[str]) -> tuple[dict[str, ast.expr], bool]:
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
