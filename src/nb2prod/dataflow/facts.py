"""The facts of one top-level statement: which module-level names it defines and uses, and how surely.

One walk in evaluation order. While it runs, ``_Walker.bound`` holds the names that are surely bound
at that point by this statement alone; a use of any other name is exposed: its value can come from
before the statement. Scopes follow the language reference, "Resolution of names"
(https://docs.python.org/3/reference/executionmodel.html#resolution-of-names).
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Literal

from nb2prod.dataflow.model import Definition, DefinitionKind, Statement, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nb2prod.notebook.model import CodeCell, Magic

# Methods that change their object wherever the call stands, not only as a statement of its own.
# They are the language's own containers; what libraries mutate is in rules/libraries.
_MUTATORS = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem", "popleft",
    "remove", "reverse", "setdefault", "sort", "update", "fit", "fit_transform", "partial_fit",
})  # fmt: skip

# Calls that see or change the namespace in ways no analysis can follow.
_DYNAMIC = frozenset({"exec", "globals", "locals", "get_ipython"})

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_QUERY_NAME = re.compile(r"@([^\W\d]\w*)")


class _Scope:
    """A scope below the module: function (also lambda), class or comprehension."""

    __slots__ = ("global_names", "kind", "loads", "nonlocal_names", "parent", "stores")

    def __init__(self, kind: Literal["function", "class", "comprehension"], parent: _Scope | None) -> None:
        self.kind = kind
        self.parent = parent
        self.stores: set[str] = set()
        self.loads: list[tuple[str, ast.AST]] = []
        self.global_names: set[str] = set()
        self.nonlocal_names: set[str] = set()


def statement_facts(
    cell: CodeCell, node: ast.stmt, index: int, *, displayed: bool = False, magic: Magic | None = None
) -> Statement:
    """Return the facts of ``node``, the top-level statement number ``index`` of its notebook."""
    walker = _Walker()
    walker.statement(node)
    finished = walker.bound
    definitions = tuple(
        Definition(name, kind, name in finished if kind != "delete" else name in walker.deleted, index, cell, at, full)
        for name, kind, at, full in walker.definitions
    )
    uses = tuple(
        Use(name, deferred, exposed, not exposed or made or (looping and name in walker.made), index, cell, at, owner)
        for name, deferred, exposed, made, looping, at, owner in walker.uses
    )
    return Statement(
        index,
        cell,
        node,
        definitions,
        uses,
        tuple(Definition(name, "assign", False, index, cell, at) for name, at in walker.global_writes),  # noqa: FBT003
        walker.dynamic,
        magic,
        displayed,
        tuple(walker.calls),
    )


class _Walker:
    """Walks one top-level statement; see the module's docstring."""

    def __init__(self) -> None:
        self.definitions: list[tuple[str, DefinitionKind, ast.AST, str | None]] = []
        self.uses: list[tuple[str, bool, bool, bool, bool, ast.AST, str | None]] = []
        self.made: set[str] = set()
        self.calls: list[tuple[ast.Call, bool]] = []
        self.global_writes: list[tuple[str, ast.AST]] = []
        self.bound: set[str] = set()
        self.deleted: set[str] = set()
        self.dynamic = False
        self.owner: str | None = None
        self._scope: _Scope | None = None
        self._deferred = False
        self._breaks: list[list[set[str]]] = []
        self._loops = 0
        self._consumed: ast.AST | None = None

    # Names

    def _load(self, name: str, node: ast.AST) -> None:
        scope = self._scope
        if scope is None:
            self._use(name, node)
        elif scope.kind == "function":
            scope.loads.append((name, node))
        elif name not in scope.stores or name in scope.global_names:
            self._load_outside(scope, name, node)

    def _use(self, name: str, node: ast.AST) -> None:
        exposed = self._deferred or name not in self.bound
        self.uses.append((name, self._deferred, exposed, name in self.made, self._loops > 0, node, self.owner))

    def _load_outside(self, scope: _Scope, name: str, node: ast.AST) -> None:
        """Look ``name`` up in what encloses ``scope``; class scopes are invisible from inside."""
        outer = scope.parent
        while outer is not None:
            if outer.kind == "function":
                outer.loads.append((name, node))
                return
            if outer.kind == "comprehension" and name in outer.stores:
                return
            outer = outer.parent
        self._use(name, node)

    def _store(self, name: str, node: ast.AST, kind: DefinitionKind, qualified: str | None = None) -> None:
        scope = self._scope
        while scope is not None and scope.kind == "comprehension":
            scope = scope.parent
        if scope is None:
            self._define(name, node, kind, qualified)
        elif name in scope.global_names:
            if self._deferred:
                self.global_writes.append((name, node))
            else:
                self._define(name, node, kind, qualified)
        elif name not in scope.nonlocal_names:
            scope.stores.add(name)

    def _define(self, name: str, node: ast.AST, kind: DefinitionKind, qualified: str | None) -> None:
        self.definitions.append((name, kind, node, qualified))
        if kind == "delete":
            self.bound.discard(name)
            self.deleted.add(name)
        elif kind not in ("mutate", "star"):
            self.bound.add(name)
            self.made.add(name)
            self.deleted.discard(name)

    def _mutate(self, target: ast.expr) -> None:
        """Record that the object behind ``target`` changes in place."""
        while isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
            target = target.value
        scope = self._scope
        if not isinstance(target, ast.Name):
            return
        while scope is not None and scope.kind == "comprehension" and target.id not in scope.stores:
            scope = scope.parent
        if scope is None:
            self.definitions.append((target.id, "mutate", target, None))

    # Statements

    def block(self, body: Iterable[ast.stmt]) -> bool:
        """Walk a suite; return whether control surely leaves it before its end."""
        return any(self.statement(statement) for statement in body)

    def statement(self, node: ast.stmt) -> bool:
        """Walk a statement; return whether control surely does not continue after it."""
        handler = _STATEMENTS.get(type(node))
        if handler is None:
            self._children(node)
            return False
        return bool(handler(self, node))

    def _branches(self, *branches: Callable[[], bool]) -> bool:
        """Walk alternatives from the same start; bound afterwards is what every surviving one binds."""
        before, deleted_before = self.bound, self.deleted
        survivors: list[set[str]] = []
        deleted: list[set[str]] = []
        for branch in branches:
            self.bound, self.deleted = set(before), set(deleted_before)
            if not branch():
                survivors.append(self.bound)
                deleted.append(self.deleted)
        if not survivors:
            self.bound, self.deleted = set(before), set(deleted_before)
            return True
        self.bound = set.intersection(*survivors)
        self.deleted = set.intersection(*deleted)
        return False

    def if_(self, node: ast.If) -> bool:
        self.expression(node.test)
        return self._branches(lambda: self.block(node.body), lambda: self.block(node.orelse))

    def while_(self, node: ast.While) -> bool:
        self.expression(node.test)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        before, deleted = set(self.bound), set(self.deleted)
        breaks = self._loop(node.body)
        self.bound, self.deleted = before, deleted
        if endless:
            if not breaks:
                return True
            self.bound = set.intersection(*breaks)
            return False
        self._orelse(node.orelse, breaks)
        return False

    def for_(self, node: ast.For | ast.AsyncFor) -> bool:
        self.expression(node.iter)
        before, deleted = set(self.bound), set(self.deleted)
        self._target(node.target, "loop")
        breaks = self._loop(node.body)
        self.bound, self.deleted = before, deleted
        self._orelse(node.orelse, breaks)
        return False

    def _loop(self, body: list[ast.stmt]) -> list[set[str]]:
        """Walk a loop's body; return what is bound at each of its breaks."""
        self._breaks.append([])
        self._loops += 1
        self.block(body)
        self._loops -= 1
        return self._breaks.pop()

    def _orelse(self, orelse: list[ast.stmt], breaks: list[set[str]]) -> None:
        before = set(self.bound)
        left = self.block(orelse)
        if left and breaks:
            self.bound = set.intersection(*breaks)
        elif breaks:
            self.bound = set.intersection(self.bound, *(before | found for found in breaks))

    def break_(self, _node: ast.Break) -> bool:
        if self._breaks and self._scope is None:
            self._breaks[-1].append(set(self.bound))
        return True

    def leave(self, node: ast.stmt) -> bool:
        self._children(node)
        return True

    def try_(self, node: ast.Try) -> bool:
        before, deleted_before = set(self.bound), set(self.deleted)

        def body() -> bool:
            return self.block(node.body) or self.block(node.orelse)

        def handler(clause: ast.ExceptHandler) -> Callable[[], bool]:
            def walk() -> bool:
                # The body may have failed anywhere: nothing it binds is sure here.
                self.bound, self.deleted = set(before), set(deleted_before)
                if clause.type is not None:
                    self.expression(clause.type)
                if clause.name is None:
                    return self.block(clause.body)
                self._store(clause.name, clause, "except")
                left = self.block(clause.body)
                # "except … as e" deletes e at its end, whether or not e was bound before.
                self._store(clause.name, clause, "delete")
                return left

            return walk

        left = self._branches(body, *(handler(clause) for clause in node.handlers))
        return self.block(node.finalbody) or left

    def with_(self, node: ast.With | ast.AsyncWith) -> bool:
        for item in node.items:
            self.expression(item.context_expr)
            if item.optional_vars is not None:
                self._target(item.optional_vars, "with")
        return self.block(node.body)

    def match_(self, node: ast.Match) -> bool:
        self.expression(node.subject)

        def case(clause: ast.match_case) -> Callable[[], bool]:
            def walk() -> bool:
                self._pattern(clause.pattern)
                if clause.guard is not None:
                    self.expression(clause.guard)
                return self.block(clause.body)

            return walk

        last = node.cases[-1]
        covered = last.guard is None and isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        walks = [case(clause) for clause in node.cases]
        return self._branches(*walks) if covered else self._branches(*walks, lambda: False)

    def _pattern(self, node: ast.pattern) -> None:
        for child in ast.walk(node):
            match child:
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                    self._store(name, child, "assign")
                case ast.MatchValue(value=value):
                    self.expression(value)
                case ast.MatchMapping(keys=keys):
                    self._all(keys)
                case ast.MatchClass(cls=cls):
                    self.expression(cls)
                case _:
                    pass
            if isinstance(child, ast.MatchMapping) and child.rest is not None:
                self._all(child.keys)

    def assign(self, node: ast.Assign) -> None:
        named = node.targets[0] if len(node.targets) == 1 else None
        if self._scope is None and isinstance(node.value, ast.Lambda) and isinstance(named, ast.Name):
            self._owned(named.id, lambda: self.expression(node.value))
        else:
            self.expression(node.value)
        for target in node.targets:
            self._target(target, "assign")

    def annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.expression(node.value)
        # Annotations of local variables are never evaluated (PEP 526).
        if self._scope is None or self._scope.kind == "class":
            self.expression(node.annotation)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self._target(node.target, "assign")
        elif self._scope is not None:
            self._store(node.target.id, node.target, "assign")

    def augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._load(node.target.id, node.target)
        self.expression(node.value)
        self._target(node.target, "augment")

    def delete_(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._target(target, "delete")

    def _target(self, node: ast.expr, kind: DefinitionKind) -> None:
        if isinstance(node, ast.Name):
            if kind == "delete" and self._scope is None:
                self._load(node.id, node)
            self._store(node.id, node, kind)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for element in node.elts:
                self._target(element, kind)
        elif isinstance(node, ast.Starred):
            self._target(node.value, kind)
        else:
            self.expression(node)
            self._mutate(node)

    def import_(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname is not None:
                self._store(alias.asname, alias, "import", alias.name)
            else:
                top = alias.name.partition(".")[0]
                self._store(top, alias, "import", top)

    def import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                if self._scope is None:
                    self._define("*", alias, "star", module)
            else:
                separator = "" if module.endswith(".") else "."
                self._store(alias.asname or alias.name, alias, "import", f"{module}{separator}{alias.name}")

    def global_(self, node: ast.Global) -> None:
        if self._scope is not None:
            self._scope.global_names.update(node.names)

    def nonlocal_(self, node: ast.Nonlocal) -> None:
        if self._scope is not None:
            self._scope.nonlocal_names.update(node.names)

    def function_(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._all(node.decorator_list)

        def rest() -> None:
            self._signature(node.args, annotations=True)
            if node.returns is not None:
                self._annotation(node.returns)
            self._body(node.args, lambda: self.block(node.body))

        self._owned(node.name, lambda: self._with_type_parameters(node, rest))
        self._store(node.name, node, "function")

    def _signature(self, arguments: ast.arguments, *, annotations: bool) -> None:
        self._all(arguments.defaults)
        self._all(default for default in arguments.kw_defaults if default is not None)
        if annotations:
            for argument in _arguments(arguments):
                if argument.annotation is not None:
                    self._annotation(argument.annotation)

    def _annotation(self, node: ast.expr) -> None:
        self.expression(node)

    def _body(self, arguments: ast.arguments, walk: Callable[[], object]) -> None:
        """Walk what runs only when called, in a function scope of its own."""
        scope = _Scope("function", self._scope)
        scope.stores.update(argument.arg for argument in _arguments(arguments))
        state = self._scope, self._deferred, self.bound, self.deleted, self._breaks
        self._scope, self._deferred, self.bound, self.deleted, self._breaks = scope, True, set(), set(), []
        walk()
        for name, node in scope.loads:
            if name in scope.global_names:
                self._use(name, node)
            elif name not in scope.stores:
                self._load_outside(scope, name, node)
        self._scope, self._deferred, self.bound, self.deleted, self._breaks = state

    def _with_type_parameters(self, node: ast.stmt, walk: Callable[[], None]) -> None:
        parameters = getattr(node, "type_params", ())  # from Python 3.12
        if not parameters:
            walk()
            return
        scope = _Scope("comprehension", self._scope)
        scope.stores.update(parameter.name for parameter in parameters)
        outer, self._scope = self._scope, scope
        for parameter in parameters:
            bound = getattr(parameter, "bound", None)
            if bound is not None:
                self._lazily(bound)
        walk()
        self._scope = outer

    def _lazily(self, node: ast.expr) -> None:
        deferred, self._deferred = self._deferred, True
        self.expression(node)
        self._deferred = deferred

    def type_alias(self, node: ast.stmt) -> None:
        name: ast.Name = node.name  # type: ignore[attr-defined]
        self._with_type_parameters(node, lambda: self._lazily(node.value))  # type: ignore[attr-defined]
        self._store(name.id, name, "assign")

    def class_(self, node: ast.ClassDef) -> None:
        self._all(node.decorator_list)

        def rest() -> None:
            self._all(node.bases)
            self._all(keyword.value for keyword in node.keywords)
            outer, self._scope = self._scope, _Scope("class", self._scope)
            bound = set(self.bound)
            self.block(node.body)
            self.bound = bound
            self._scope = outer

        self._owned(node.name, lambda: self._with_type_parameters(node, rest))
        self._store(node.name, node, "class")

    def _owned(self, name: str, walk: Callable[[], None]) -> None:
        """Walk with ``name`` as the owner of deferred uses, if nothing outside owns them already."""
        outer = self.owner
        if outer is None and self._scope is None:
            self.owner = name
        walk()
        self.owner = outer

    def expression_statement(self, node: ast.Expr) -> bool:
        call = node.value
        self.expression(call)
        if isinstance(call, ast.Await):
            call = call.value
        if not isinstance(call, ast.Call):
            return False
        if isinstance(call.func, ast.Attribute):
            if call.func.attr not in _MUTATORS:
                self._mutate(call.func.value)
            return (
                call.func.attr in ("exit", "_exit")
                and isinstance(call.func.value, ast.Name)
                and call.func.value.id in ("sys", "os")
            )
        return isinstance(call.func, ast.Name) and call.func.id in ("exit", "quit")

    # Expressions

    def _all(self, nodes: Iterable[ast.expr | None]) -> None:
        for node in nodes:
            if node is not None:
                self.expression(node)

    def expression(self, node: ast.expr) -> None:
        """Walk an expression in evaluation order."""
        handler = _EXPRESSIONS.get(type(node))
        if handler is None:
            self._children(node)
        else:
            handler(self, node)

    def _children(self, node: ast.AST) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.expr):
                self.expression(value)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.expr):
                        self.expression(item)
                    elif isinstance(item, ast.AST):
                        self._children(item)

    def name_(self, node: ast.Name) -> None:
        self._load(node.id, node)

    def constant(self, node: ast.Constant) -> None:
        pass

    def attribute(self, node: ast.Attribute) -> None:
        self.expression(node.value)

    def subscript(self, node: ast.Subscript) -> None:
        self.expression(node.value)
        self.expression(node.slice)

    def binary(self, node: ast.BinOp) -> None:
        self.expression(node.left)
        self.expression(node.right)

    def call_(self, node: ast.Call) -> None:
        self.calls.append((node, self._deferred))
        function = node.func
        self.expression(function)
        for argument in node.args:
            # A generator handed to a call is taken to be consumed by it.
            self._consumed = argument
            self.expression(argument)
        for keyword in node.keywords:
            self.expression(keyword.value)
        if isinstance(function, ast.Name):
            self._called_by_name(function.id, node)
        elif isinstance(function, ast.Attribute):
            if function.attr in _MUTATORS:
                self._mutate(function.value)
            self._names_in_strings(function.attr, node)

    def _called_by_name(self, name: str, node: ast.Call) -> None:
        if name in _DYNAMIC or (name == "vars" and not node.args) or (name == "eval" and not _is_text(node.args[:1])):
            self.dynamic = True
        self._names_in_strings(name, node)

    def _names_in_strings(self, called: str, node: ast.Call) -> None:
        """Record reads that hide in strings: pandas ``query("a > @t")``, ``eval("x + 1")``, patsy ``"y ~ f(x)"``.

        They may be column names as well; a use whose node is no ``ast.Name`` is a maybe.
        """
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            text = argument.value if isinstance(argument, ast.Constant) else None
            if not isinstance(text, str):
                continue
            if called == "query":
                names = _QUERY_NAME.findall(text)
            elif called == "eval" or "~" in text:
                names = _IDENTIFIER.findall(text)
            else:
                continue
            for name in dict.fromkeys(names):
                self._load(name, argument)

    def lambda_(self, node: ast.Lambda) -> None:
        self._signature(node.args, annotations=False)
        self._body(node.args, lambda: self.expression(node.body))

    def named(self, node: ast.NamedExpr) -> None:
        self.expression(node.value)
        self._store(node.target.id, node.target, "assign")

    def bool_(self, node: ast.BoolOp) -> None:
        self.expression(node.values[0])
        self._maybe(lambda: self._all(node.values[1:]))

    def conditional(self, node: ast.IfExp) -> None:
        self.expression(node.test)

        def branch(value: ast.expr) -> Callable[[], bool]:
            return lambda: bool(self.expression(value))  # type: ignore[func-returns-value]

        self._branches(branch(node.body), branch(node.orelse))

    def compare(self, node: ast.Compare) -> None:
        self.expression(node.left)
        self.expression(node.comparators[0])
        if len(node.comparators) > 1:
            self._maybe(lambda: self._all(node.comparators[1:]))

    def _maybe(self, walk: Callable[[], None]) -> None:
        """Walk what may not be evaluated: nothing it binds is sure."""
        before, deleted = set(self.bound), set(self.deleted)
        walk()
        self.bound, self.deleted = before, deleted

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> None:
        self._generate(node.generators, [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])

    def generator(self, node: ast.GeneratorExp) -> None:
        if self._consumed is node or self._deferred:
            self._generate(node.generators, [node.elt])
            return
        # Only the first iterable is evaluated now; the rest runs when somebody iterates.
        self.expression(node.generators[0].iter)
        bound, self._deferred = set(self.bound), True
        self._generate(node.generators, [node.elt], first_done=True)
        self.bound, self._deferred = bound, False

    def _generate(
        self, generators: Sequence[ast.comprehension], results: Sequence[ast.expr], *, first_done: bool = False
    ) -> None:
        if not first_done:
            self.expression(generators[0].iter)
        scope = _Scope("comprehension", self._scope)
        for generator in generators:
            scope.stores.update(
                child.id
                for child in ast.walk(generator.target)
                if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)
            )
        outer, self._scope = self._scope, scope
        before, deleted = set(self.bound), set(self.deleted)
        for number, generator in enumerate(generators):
            if number:
                self.expression(generator.iter)
            if not isinstance(generator.target, ast.Name):
                self._loads_in_target(generator.target)
            self._all(generator.ifs)
        self._all(results)
        self.bound, self.deleted = before, deleted
        self._scope = outer

    def _loads_in_target(self, target: ast.expr) -> None:
        """Walk the parts of a target that are evaluated (``for a[i] in …``)."""
        for child in ast.walk(target):
            if isinstance(child, (ast.Attribute, ast.Subscript)):
                self.expression(child.value)
                if isinstance(child, ast.Subscript):
                    self.expression(child.slice)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _is_text(nodes: Sequence[ast.expr]) -> bool:
    return bool(nodes) and isinstance(nodes[0], ast.Constant) and isinstance(nodes[0].value, str)


_STATEMENTS: dict[type, Callable[[_Walker, Any], bool | None]] = {
    ast.Expr: _Walker.expression_statement,
    ast.Assign: _Walker.assign,
    ast.AnnAssign: _Walker.annotated,
    ast.AugAssign: _Walker.augmented,
    ast.Delete: _Walker.delete_,
    ast.If: _Walker.if_,
    ast.While: _Walker.while_,
    ast.For: _Walker.for_,
    ast.AsyncFor: _Walker.for_,
    ast.With: _Walker.with_,
    ast.AsyncWith: _Walker.with_,
    ast.Try: _Walker.try_,
    ast.TryStar: _Walker.try_,
    ast.Match: _Walker.match_,
    ast.Import: _Walker.import_,
    ast.ImportFrom: _Walker.import_from,
    ast.Global: _Walker.global_,
    ast.Nonlocal: _Walker.nonlocal_,
    ast.FunctionDef: _Walker.function_,
    ast.AsyncFunctionDef: _Walker.function_,
    ast.ClassDef: _Walker.class_,
    ast.Break: _Walker.break_,
    ast.Continue: _Walker.leave,
    ast.Raise: _Walker.leave,
    ast.Return: _Walker.leave,
}
if hasattr(ast, "TypeAlias"):
    _STATEMENTS[ast.TypeAlias] = _Walker.type_alias

_EXPRESSIONS: dict[type, Callable[[_Walker, Any], None]] = {
    ast.Name: _Walker.name_,
    ast.Constant: _Walker.constant,
    ast.Attribute: _Walker.attribute,
    ast.Subscript: _Walker.subscript,
    ast.BinOp: _Walker.binary,
    ast.Call: _Walker.call_,
    ast.Lambda: _Walker.lambda_,
    ast.NamedExpr: _Walker.named,
    ast.BoolOp: _Walker.bool_,
    ast.IfExp: _Walker.conditional,
    ast.Compare: _Walker.compare,
    ast.ListComp: _Walker.comprehension,
    ast.SetComp: _Walker.comprehension,
    ast.DictComp: _Walker.comprehension,
    ast.GeneratorExp: _Walker.generator,
}
