"""What happens to models: where each is fitted, used, changed, saved and loaded, in written order."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from nb2prod.operations import imports_any, operations
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Definition

EventKind = Literal["fit", "use", "change", "save", "load"]

# How far an object is followed through names, `a = b`, and its own methods, `a = a.fit(X)`.
_DEPTH = 8
# Functions that make a model and fit it.
_TRAIN = ("lightgbm.train", "xgboost.train", "catboost.train")
# What a call that fits is written as.
_FITS = (".fit", ".fit_generator", ".partial_fit", ".train")
# What a network is fitted with if it is to be scored at once.
_VALIDATION = frozenset({"validation_data", "validation_split"})
# Their result is written by somebody else.
_SERIALIZE = ("pickle.dumps", "cloudpickle.dumps", "dill.dump", "dill.dumps")


class Event(NamedTuple):
    """One thing that happens to one model.

    origin  the definitions that made the object: two events of one model share one; empty in a function,
            where only its callers know which model it is
    name    the variable, as the call spells it
    model   its class; None where nobody knows
    call    what does it; for a function of the notebook that does it to its argument, the call of the function
    within  for such a call, the one in the function; else the same as ``call``
    """

    kind: EventKind
    origin: frozenset[int]
    name: str
    model: str | None
    call: Call
    within: Call

    def same_model(self, other: Event) -> bool:
        """Whether both happen to one object."""
        return not self.origin.isdisjoint(other.origin)


class _Finder:
    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        # By function and parameter: what its body does to that argument, and by which call.
        self.parameters: dict[tuple[int, str], list[tuple[EventKind, Call]]] = {}
        self.functions: dict[int, ast.FunctionDef] = {}

    def events(self) -> Iterator[Event]:
        for statement in self.analysis.statements():
            if isinstance(statement.node, ast.FunctionDef):
                self.functions[statement.index] = statement.node
        calls = list(self.analysis.calls())
        for call in calls:
            if call.statement.index in self.functions:
                self._note_parameter(call)
        for call in calls:
            for kind, node in self._direct(call):
                name = _root_name(node)
                origin = frozenset() if call.deferred else self.origins(node, _DEPTH)
                if not origin and not call.deferred:
                    made = _made_here(call)
                    origin = frozenset(id(each) for each in made)
                    name = made[0].name if made else name
                yield Event(kind, origin, name or "the model", self._class(node), call, call)
            if call.qualified_name in _TRAIN and call.info is not None and isinstance(call.info.returns, str):
                for each in _made_here(call):
                    yield Event("fit", frozenset({id(each)}), each.name, call.info.returns, call, call)
            if not call.deferred:
                yield from self._through(call)

    def _class(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Attribute) and _is_part(node):
            node = node.value
        name = self.analysis.qualified_name(node)
        return None if name is None else self.analysis.libraries.canonical(name)

    def _direct(self, call: Call) -> Iterator[tuple[EventKind, ast.expr]]:
        """Yield what the call itself does, and the expressions of the models it does it to."""
        func, effects = call.node.func, call.effects
        saved = call.qualified_name in _SERIALIZE or "model-save" in effects
        if call.info is not None or saved:
            given = call.arguments.get((call.info and call.info.model) or "0")
            if saved and given is not None:
                yield from (("save", each) for each in _parts(given))
            elif isinstance(func, ast.Attribute) and self._is_object(func.value):
                kind = _kind_of(effects, func.attr)
                if kind is not None:
                    yield kind, func.value
        elif isinstance(func, ast.Attribute) and (_is_part(func.value) or self._class(func.value) is None):
            kind = _kind_by_name(func.attr, call)
            if kind is not None:
                yield kind, func.value

    def _is_object(self, node: ast.expr) -> bool:
        name = self._class(node)
        return name is not None and self.analysis.libraries.klass(name) is not None

    def _note_parameter(self, call: Call) -> None:
        function = self.functions[call.statement.index]
        names = {each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
        for kind, node in self._direct(call):
            name = _root_name(node)
            if name in names:
                self.parameters.setdefault((call.statement.index, name), []).append((kind, call))

    def _through(self, call: Call) -> Iterator[Event]:
        """Yield what a function of the notebook does to the models it is given."""
        use = self.analysis.use_at(call.node.func)
        for definition in self.analysis.flow.reaching(use) if use is not None else ():
            function = self.functions.get(definition.statement)
            if function is None or not self.parameters:
                continue
            names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
            given = dict(zip(names, call.node.args, strict=False))
            given |= {each.arg: each.value for each in call.node.keywords if each.arg is not None}
            for name, node in given.items():
                for kind, within in self.parameters.get((definition.statement, name), ()):
                    origin = self.origins(node, _DEPTH)
                    yield Event(kind, origin, _root_name(node) or name, self._class(node), call, within)

    def origins(self, node: ast.expr, depth: int) -> frozenset[int]:
        """Return the definitions that made the object ``node`` is, or is a part of; empty where nobody knows."""
        if depth <= 0:
            return frozenset()
        match node:
            case ast.Name():
                use = self.analysis.use_at(node)
                found = self.analysis.flow.reaching(use) if use is not None else ()
                return frozenset().union(
                    *(self._made(each, depth - 1) for each in found if each.kind not in ("mutate", "augment"))
                )
            case ast.Attribute(value=value, attr=attr) if attr in operations().parts:
                return self.origins(value, depth - 1)
            case ast.Call(func=ast.Attribute(value=value, attr="fit" | "set_params" | "state_dict" | "partial_fit")):
                return self.origins(value, depth - 1)
            case _:
                return frozenset()

    def _made(self, definition: Definition, depth: int) -> frozenset[int]:
        node = self.analysis.statements()[definition.statement].node
        if isinstance(node, ast.Assign) and definition.node in node.targets:
            found = self.origins(node.value, depth)
            if found:
                return found
        return frozenset({id(definition)})


def _made_here(call: Call) -> list[Definition]:
    """Return what a call binds that fits a new object: `model = Ridge().fit(X, y)`."""
    node = call.statement.node
    if not isinstance(node, ast.Assign) or node.value is not call.node:
        return []
    return [each for each in call.statement.definitions if each.node in node.targets]


def _kind_of(effects: frozenset[str], method: str) -> EventKind | None:
    """Return what a method of a known class does to its object."""
    if "model-save" in effects:
        return "save"
    if "model-load" in effects:
        return "load"
    if "fit" in effects:
        # The models of statsmodels stay as they are and return what was fitted.
        return "fit" if "mutates-argument" in effects else None
    if effects & {"predict", "score"}:
        return "use"
    return "change" if method in operations().changing else None


def _kind_by_name(method: str, call: Call) -> EventKind | None:
    """Return what a method of an unknown class does, as far as its name tells."""
    known = operations()
    if method in known.fitting and call.node.args + call.node.keywords:
        return "fit"
    if method in known.using:
        return "use"
    if method in known.saving:
        return "save"
    if method in known.loading:
        return "load"
    return "change" if method in known.changing else None


def _is_part(node: ast.expr) -> bool:
    """Whether a node is a model's own part, whatever the tables know of the attribute: ``model.booster_``."""
    return isinstance(node, ast.Attribute) and node.attr in operations().parts


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return what a saved object is made of, where it is put together in the call."""
    match node:
        case ast.Dict(values=values):
            return values
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return elements
        case _:
            return [node]


def _root_name(node: ast.expr) -> str | None:
    """Return the variable a model stands in: `model` for `model.state_dict()`."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
            return None
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def events(analysis: Analysis) -> Sequence[Event]:
    """Return what happens to models and transformers, in written order."""
    return analysis.once(_events)


def _events(analysis: Analysis) -> tuple[Event, ...]:
    return tuple(_Finder(analysis).events())


def is_fitting(analysis: Analysis) -> bool:
    """Return whether anything may be fitted, by the names of calls: a look before ``events`` are asked for."""
    return any(call.name.endswith(_FITS) for call in analysis.calls())


def is_predictor(analysis: Analysis, name: str | None) -> bool:
    """Return whether a class is one of models that predict: no transformer, no cluster, no test of a theory."""
    if name is None:
        return False
    known = operations()
    ancestors = (name, *analysis.libraries.ancestors(name))
    return any(each in known.bases or each in known.composed for each in ancestors)


def fitted_predictors(analysis: Analysis, found: Sequence[Event], *, or_saved: bool = False) -> list[Event]:
    """Return the fits among ``found`` of models that predict and are put to use, in written order.

    What a function of the notebook returns is one if it is fitted on data and a target and then predicts, and so is an
    object of a class that no table knows. A fit that
    is given rows to validate on is a use, too; with ``or_saved`` so is keeping the model.
    """
    used = [each for each in found if each.kind == "use" or (or_saved and each.kind == "save")]
    return [
        each
        for each in found
        if each.kind == "fit"
        and (is_predictor(analysis, each.model) or _is_made_by_other(analysis, each))
        and (_validates(each) or any(each.same_model(use) for use in used))
    ]


def _validates(fit: Event) -> bool:
    """Whether a model is scored while it is fitted: `model.fit(X, y, validation_split=0.2)`, and any search."""
    return (fit.model or "").endswith("SearchCV") or not _VALIDATION.isdisjoint(fit.within.arguments)


def _is_made_by_other(analysis: Analysis, event: Event) -> bool:
    """Whether a function of the notebook, or a class no table knows, gave what is fitted with data and a target."""
    if event.model is not None or len(event.within.arguments) < 2:  # noqa: PLR2004 X and y
        return False
    for statement in analysis.statements():
        value = getattr(statement.node, "value", None)
        if isinstance(value, ast.Call) and any(id(each) in event.origin for each in statement.definitions):
            # `model = CoxPHFitter().fit(…)`
            if value is event.call.node and isinstance(value.func, ast.Attribute):
                value = value.func.value
            if not isinstance(value, ast.Call):
                return False
            use = analysis.use_at(value.func)
            made = analysis.flow.reaching(use) if use is not None else ()
            return any(each.kind == "function" for each in made) or _is_unknown_class(analysis, value.func)
    return False


def _is_unknown_class(analysis: Analysis, func: ast.expr) -> bool:
    """Whether something is called that is written as classes are, of a library without a table."""
    library, _, rest = (analysis.qualified_name(func) or "").partition(".")
    if library in operations().drawing:
        return False
    return rest.rpartition(".")[2][:1].isupper() and analysis.libraries.library(library) is None


def saves_without(analysis: Analysis, libraries: Collection[str]) -> tuple[Sequence[Event], Sequence[Event]]:
    """Return all events, and the saves of models that predict; none where one of ``libraries`` is imported."""
    # Most notebooks save no model, and need no look at what happens to theirs.
    if next(analysis.calls({"model-save"}), None) is None and not any(
        ".save" in call.name for call in analysis.calls()
    ):
        return (), ()
    found = events(analysis)
    saved = _saved_models(analysis, found)
    return (found, saved) if saved and not imports_any(analysis, libraries) else ((), ())


def _saved_models(analysis: Analysis, found: Sequence[Event]) -> list[Event]:
    """Return the saves among ``found`` of models that predict, in written order.

    Those of scalers, vocabularies and tables are none. What is saved in a function is there once for each
    call of the function, where it is known what the call is given.
    """
    fitted = [each for each in found if each.kind in ("fit", "use") and each.origin]
    return [
        each
        for each in found
        if each.kind == "save"
        and (
            is_predictor(analysis, each.model)
            or _is_state(each.within)
            or _is_module(analysis, each)
            or (each.model is None and _is_trained(fitted, each))
        )
    ]


def _is_trained(fitted: list[Event], save: Event) -> bool:
    """Whether an object of unknown class is fitted and predicts."""
    kinds = {each.kind for each in fitted if each.same_model(save)}
    return kinds == {"fit", "use"}


def _is_module(analysis: Analysis, save: Event) -> bool:
    """Whether a network is saved whole: what an optimizer was given the parameters of."""
    return save.within.qualified_name == "torch.save" and any(
        call.name == f"{save.name}.parameters" for call in analysis.calls()
    )


def _is_state(call: Call) -> bool:
    """Whether a call saves weights: `torch.save(model.state_dict(), path)`, `model.save_weights(path)`."""
    given = call.node.args[0] if call.node.args else None
    weights = isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr == "state_dict"
    return weights or (isinstance(call.node.func, ast.Attribute) and call.node.func.attr == "save_weights")
