"""What running a statement may do beside binding names: change objects, and what all statements share."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nb2prod.libraries import UNKNOWN, effects_given
from nb2prod.names import arguments_of

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement
    from nb2prod.libraries import CallInfo

# What all statements share, and what of it the tables' effects read and write. What is written is read too:
# a draw moves the generator on from where the last one left it.
_SHARED = {
    "random": "random", "seed": "random", "read-file": "files", "write-file": "files", "model-load": "files",
    "model-save": "files", "network": "outside", "input": "outside", "shell": "outside", "draw": "figures",
    "display": "figures",
}  # fmt: skip
_HARMLESS = frozenset({"pure", "does-not-retain", "names-in-strings", "score", "predict"})
_ONLY_READ = frozenset({"read-file", "model-load"})
_EVERYTHING = frozenset({"random", "files", "outside", "figures", "settings", "style"})
# Libraries whose settings only drawing reads.
_DRAWING = frozenset({"matplotlib", "seaborn"})
# Builtins that take from what they are given until it is used up, if it is an iterator.
_CONSUMERS = frozenset({
    "all", "any", "dict", "enumerate", "filter", "frozenset", "list", "map", "max", "min", "next", "set", "sorted",
    "sum", "tuple", "zip",
})  # fmt: skip
# An object nobody knows that has a method of theirs is taken to be one of them.
_USUAL_CLASSES = (
    "pandas.DataFrame", "pandas.Series", "pandas.Index", "numpy.ndarray", "builtins.str", "builtins.list",
    "builtins.dict", "builtins.set", "sklearn.linear_model.LogisticRegression",
)  # fmt: skip
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Effects:
    """What a statement may do.

    changes  names whose object it may change in place
    deep     it may also change what those objects hold
    reads, writes  of what all statements share: ``random`` ``files`` ``outside`` ``figures`` ``settings``,
                   and ``style``, the settings that only drawing reads
    """

    changes: frozenset[str]
    deep: bool
    reads: frozenset[str]
    writes: frozenset[str]


@dataclass(slots=True)
class EffectsOf:
    """The effects of a notebook's statements; an unknown call may do anything to what it can reach."""

    analysis: Analysis
    _calls: dict[int, list[Call]] = field(default_factory=dict)
    _own_methods: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Sort the calls by statement."""
        for call in self.analysis.calls():
            self._calls.setdefault(call.statement.index, []).append(call)
        self._own_methods = frozenset(
            each.name
            for cell in self.analysis.notebook.code_cells
            if cell.tree is not None
            for node in ast.walk(cell.tree)
            if isinstance(node, ast.ClassDef)
            for each in ast.walk(node)
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
        )

    def of(self, statement: Statement) -> Effects:
        """Return what running ``statement`` may do, in the functions it may call as well."""
        if statement.dynamic or _has_magic(statement):
            return Effects(_names(statement), True, _EVERYTHING, _EVERYTHING)  # noqa: FBT003
        changes = self._changed_by_name(statement)
        modules = {name: root for name in changes if (root := self.module(name))}
        shared: set[str] = set()
        written = {_setting(root) for root in modules.values()}
        deep = bool(changes) and _reaches_inside(statement.node)
        for call in self._run_by(statement):
            effects = self.of_call(call)
            if effects is None:
                return Effects(_names(statement) | changes, True, _EVERYTHING, _EVERYTHING)  # noqa: FBT003
            if "mutates-argument" in effects or "fit" in effects:
                changes |= _names(statement) if call.statement is not statement else _names_in(call.node)
            if "draw" in effects:
                changes |= _drawn_on(call)
            if "global-setting" in effects:
                written.add(_setting(call.library or ""))
                effects -= {"global-setting"}
            shared |= {_SHARED[each] for each in effects if each in _SHARED}
            written |= {_SHARED[each] for each in effects if each in _SHARED and each not in _ONLY_READ}
        for each in self.functions(statement):
            changes |= {written.name for written in each.global_writes}
            if _stores(each):
                changes |= _names(statement)
                deep = True
        changes |= self._consumed(statement)
        changes = {name for name in changes if not self.module(name)}
        if isinstance(statement.node, (ast.Import, ast.ImportFrom)) and not self.is_pure_import(statement.node):
            written |= {_setting(each.qualified.partition(".")[0]) for each in statement.definitions if each.qualified}
        read = shared | {"settings"} | ({"style"} if "figures" in shared else set())
        return Effects(frozenset(changes), deep, frozenset(read), frozenset(written))

    def _changed_by_name(self, statement: Statement) -> set[str]:
        """Return what the dataflow says is changed in place; it takes any call on its own to change its object."""
        changed = {each.name for each in statement.definitions if each.kind == "mutate"}
        is_call = isinstance(statement.node, ast.Expr) and not _stores(statement)
        known = all(self.of_call(call) is not None for call in self._calls.get(statement.index, []))
        return set() if is_call and known else changed

    def module(self, name: str) -> str:
        """Return the library a name is imported from, empty where it is, or may be, anything else."""
        every = (each for statement in self.analysis.statements() for each in statement.definitions)
        definitions = [each for each in every if each.name == name and each.kind != "mutate"]
        if not definitions or any(each.kind != "import" for each in definitions):
            return ""
        return (definitions[0].qualified or name).partition(".")[0]

    def are_harmless(self, statement: Statement) -> bool:
        """Return whether everything ``statement`` calls is known to have no effect: its value is all it makes."""
        return all(
            (effects := self.of_call(call)) is not None and effects <= _HARMLESS for call in self._run_by(statement)
        ) and not any(_stores(each) for each in self.functions(statement))

    def functions(self, statement: Statement) -> list[Statement]:
        """Return the statements that define functions and classes ``statement`` may run, transitively."""
        found: dict[int, Statement] = {}
        waiting = [statement]
        statements = self.analysis.statements()
        while waiting:
            current = waiting.pop()
            for use in current.uses:
                if use.deferred and current is statement and isinstance(current.node, _DEFINITIONS):
                    continue  # a definition runs nothing of its body
                for definition in self.analysis.flow.reaching(use):
                    made = statements[definition.statement]
                    if _is_code(made) and made.index not in found and made is not statement:
                        found[made.index] = made
                        waiting.append(made)
        return list(found.values())

    def _run_by(self, statement: Statement) -> list[Call]:
        own = self._calls.get(statement.index, [])
        if isinstance(statement.node, _DEFINITIONS):
            own = [call for call in own if not call.deferred]
        return [*own, *(call for each in self.functions(statement) for call in self._calls.get(each.index, []))]

    def of_call(self, call: Call) -> frozenset[str] | None:
        """Return the effects of a call, None where they are not known; an own function's are those of its body."""
        if call.info is not None:
            values = {
                name: value.value if isinstance(value, ast.Constant) else UNKNOWN
                for name, value in call.arguments.items()
            }
            effects = effects_given(call.info, values, if_unknown=True)
            if "random" in effects and self._is_seeded(call):
                effects -= {"random"}
            # An estimator that was made without a seed draws when it is fitted.
            return effects | {"random"} if effects & {"fit", "split"} and not self._repeats(call) else effects
        func = call.node.func
        use = self.analysis.use_at(func)
        reaching = self.analysis.flow.reaching(use) if use is not None else ()
        if reaching and all(_is_code(self.analysis.statements()[each.statement]) for each in reaching):
            return frozenset()
        if isinstance(func, ast.Attribute) and call.qualified_name is None and func.attr not in self._own_methods:
            known = [self.analysis.libraries.call(f"{name}.{func.attr}") for name in _USUAL_CLASSES]
            effects_of = [_effects_of_method(call, each) for each in known if each]
            if effects_of and all("pure" in each or each <= {"predict", "score"} for each in effects_of):
                return frozenset()
        return None

    def _is_seeded(self, call: Call) -> bool:
        """Return whether the call's seed is given, as a number."""
        given = call.arguments.get(call.info.seed) if call.info is not None and call.info.seed else None
        if isinstance(given, ast.Constant):
            return isinstance(given.value, int)
        use = self.analysis.use_at(given) if given is not None else None
        definitions = self.analysis.flow.reaching(use) if use is not None else ()
        return bool(definitions) and all(self.analysis.object_class(each) == "builtins.int" for each in definitions)

    def _repeats(self, call: Call) -> bool:
        """Return whether the object of a call was made so that it draws nothing, or by a seed of its own."""
        made = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
        if made is None:
            return True  # a function: its own effects say whether it draws
        use = self.analysis.use_at(made)
        definitions = self.analysis.flow.reaching(use) if use is not None else ()
        nodes = [self.analysis.statements()[each.statement].node for each in definitions if each.kind != "mutate"]
        makers = [made] if isinstance(made, ast.Call) else [getattr(node, "value", None) for node in nodes]
        calls = {id(each.node): each for each in self.analysis.calls()} if makers else {}
        found = [calls.get(id(maker)) for maker in makers]
        return bool(found) and all(
            each is not None and "random" not in (self.of_call(each) or {"random"}) for each in found
        )

    def _consumed(self, statement: Statement) -> set[str]:
        """Return the names that may hold an iterator which the statement uses up."""
        if isinstance(statement.node, _DEFINITIONS):
            return set()
        taken: list[ast.expr] = []
        for node in ast.walk(statement.node):
            match node:
                case ast.For(iter=source) | ast.AsyncFor(iter=source) | ast.comprehension(iter=source):
                    taken.append(source)
                case ast.Starred(value=source) | ast.Assign(targets=[ast.Tuple() | ast.List()], value=source):
                    taken.append(source)
                case ast.Call(func=ast.Name(id=name), args=args) if name in _CONSUMERS:
                    taken += args
                case ast.Call(func=ast.Attribute(attr="join" | "extend" | "update"), args=args):
                    taken += args
                case _:
                    pass
        return {each.id for each in taken if isinstance(each, ast.Name) and not self._is_collection(each)}

    def _is_collection(self, node: ast.Name) -> bool:
        """Return whether a name holds something that can be gone through again and again."""
        use = self.analysis.use_at(node)
        definitions = self.analysis.flow.reaching(use) if use is not None else ()
        return bool(definitions) and all(
            self.analysis.object_class(each) is not None or _is_literal(self.analysis.statements()[each.statement])
            for each in definitions
            if each.kind != "mutate"
        )

    def is_pure_import(self, node: ast.Import | ast.ImportFrom) -> bool:
        """Return whether the tables say that importing does nothing beyond loading."""
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or "."]
        return all(self.analysis.libraries.pure_import(name) for name in names)


def _effects_of_method(call: Call, method: CallInfo) -> frozenset[str]:
    """Return what a call does if it is one of ``method``: ``df.to_csv(out)`` is given a path, whatever ``df`` is."""
    given, starred = arguments_of(call.node, method.parameters)
    return effects_given(method, dict.fromkeys(method.parameters if starred else given, UNKNOWN), if_unknown=True)


def _drawn_on(call: Call) -> set[str]:
    """Return the names of the figure or its parts that a call draws on; a table's ``plot`` leaves the table alone."""
    given = [call.arguments[name] for name in ("ax", "axes", "fig", "figure") if name in call.arguments]
    if isinstance(call.node.func, ast.Attribute) and (call.qualified_name or "").startswith("matplotlib."):
        given.append(call.node.func.value)
    return {name for each in given for name in _names_in(each)}


def _reaches_inside(node: ast.stmt) -> bool:
    """Return whether a statement may change what its names hold, not only what they name: ``b["k"].append(2)``."""
    changed = [
        each.func.value
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
    ]
    changed += [
        each.value
        for each in ast.walk(node)
        if isinstance(each, (ast.Subscript, ast.Attribute)) and isinstance(each.ctx, (ast.Store, ast.Del))
    ]
    return any(not isinstance(each, ast.Name) for each in changed)


def _setting(library: str) -> str:
    return "style" if library in _DRAWING else "settings"


def _has_magic(statement: Statement) -> bool:
    place = statement.location.range
    return statement.magic is not None or any(
        magic.kind == "cell" or place.start <= magic.range.start < place.end for magic in statement.cell.magics
    )


def _is_code(statement: Statement) -> bool:
    node = statement.node
    return isinstance(node, _DEFINITIONS) or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda))


def _is_literal(statement: Statement) -> bool:
    displays = (
        ast.List,
        ast.Dict,
        ast.Set,
        ast.Tuple,
        ast.Constant,
        ast.ListComp,
        ast.DictComp,
        ast.SetComp,
        ast.JoinedStr,
    )
    return isinstance(statement.node, (ast.Assign, ast.AnnAssign)) and isinstance(statement.node.value, displays)


def _names(statement: Statement) -> frozenset[str]:
    return frozenset(use.name for use in statement.uses)


def _names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _stores(statement: Statement) -> bool:
    """Return whether a function's body changes something in place without a call: ``d["a"] = 1``, ``x += 1``."""
    return bool(statement.global_writes) or any(
        isinstance(each, ast.AugAssign)
        or (isinstance(each, (ast.Subscript, ast.Attribute)) and isinstance(each.ctx, (ast.Store, ast.Del)))
        for each in ast.walk(statement.node)
    )
