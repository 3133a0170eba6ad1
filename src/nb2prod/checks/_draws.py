"""What happens to the generators of random numbers: seeds and draws, in the order of a run from top to bottom."""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING

from nb2prod.libraries import UNKNOWN, effects_given
from nb2prod.literals import argument, is_constant
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis, Call

# What else than the time gives another seed in each run.
_CHANGING = frozenset({"os.getpid", "os.urandom"})
# Helpers that seed whatever is there, by the names people give them: set_seed, seed_everything, fix_all_seeds.
_SEEDS_ALL = lazy_pattern(
    r"(?:set|fix|init|setup|reset|control)_?\w*seeds?$|seed_?(?:everything|all|torch|it|worker)\w*$|setSeed$",
    re.IGNORECASE,
)


def draws_of(analysis: Analysis) -> Draws:
    """Return the seeds and the draws of a notebook that is run from top to bottom, functions followed.

    Nothing is followed in a notebook that draws nothing.
    """
    return analysis.once(_follow)


def _follow(analysis: Analysis) -> Draws:
    run = Draws(analysis)
    if next(analysis.calls({"random"}), None) is not None:
        run.notebook()
    return run


class Draws:
    """What happens to the generators when the notebook runs from top to bottom, functions followed.

    seeds         the first call that set each seed, by the name draws know it by
    unseeded      the draws no seed covers, by generator
    unknown_from  the statement, if any, from which on `%run` or its like may have set seeds
    """

    def __init__(self, analysis: Analysis) -> None:
        """Begin before the first statement of ``analysis``."""
        self.analysis = analysis
        self.seeds: dict[str, Call] = {}
        self.unseeded: dict[str, list[Call]] = {}
        self.all_seeded = False
        self.entered: set[int] = set()
        self.bodies: dict[int, list[Call]] = {}
        self.seeded_objects: set[str] = set()
        self.unfitted: list[Call] = []
        self.unknown_from = math.inf

    def notebook(self) -> None:
        """Go through all statements, then through what runs when nobody can tell."""
        # `%pylab` brings names and runs nothing.
        magics = (
            each.index
            for each in self.analysis.statements()
            if each.dynamic and each.magic is not None and each.magic.name != "pylab"
        )
        self.unknown_from = min(magics, default=self.unknown_from)
        immediate: list[Call] = []
        for call in self.analysis.calls():
            if call.deferred and _is_function(call.statement.node):
                self.bodies.setdefault(call.statement.index, []).append(call)
            else:
                immediate.append(call)
            if call.info is not None and "self" in call.info.seeds and self.is_given(call):
                self.seeded_objects.add(call.name.rpartition(".")[0])
        for call in immediate:
            self.call(call)
        self.fit()
        # Methods and functions that are only passed on run later than here, perhaps after every seed.
        for index in list(self.bodies):
            if any(self.analysis.flow.uses(each) for each in self.analysis.statements()[index].definitions):
                self.enter(index)

    def enter(self, index: int) -> None:
        """Go through the body of the function or class that is statement ``index``, once."""
        if index not in self.entered:
            self.entered.add(index)
            for call in self.bodies.get(index, ()):
                self.call(call)

    def call(self, call: Call) -> None:
        """Record what one call does to the generators."""
        if isinstance(call.node.func, ast.Name) and (use := self.analysis.use_at(call.node.func)):
            own = [each for each in self.analysis.flow.reaching(use) if each.kind in ("function", "assign")]
            for definition in own:
                if not isinstance(self.analysis.statements()[definition.statement].node, ast.ClassDef):
                    self.enter(definition.statement)
            if any(each.kind == "function" for each in own):
                return
        if call.name.rpartition(".")[2].startswith("fit") or call.effects & {"fit", "score", "split"}:
            self.fit()
        if call.info is None:
            self.all_seeded = self.all_seeded or _seeds_all(call)
        elif "seed" in call.effects:
            if call.info.seed is None or self.is_given(call):
                for seeded in call.info.seeds:
                    self.seeds.setdefault(seeded, call)
        elif "random" in call.effects and not isinstance(
            call.node.func, ast.Call
        ):  # Dense(3)(x): the layer drew before
            if self.is_estimator(call):
                self.unfitted.append(call)
            else:
                self.draw(call)

    def is_estimator(self, call: Call) -> bool:
        """Whether ``call`` makes an object that draws later: when it is fitted, or asked for splits."""
        return any(self.analysis.libraries.call(f"{call.qualified_name}.{method}") for method in ("fit", "split"))

    def fit(self) -> None:
        """Let the estimators made so far draw."""
        for call in self.unfitted:
            self.draw(call)
        self.unfitted.clear()

    def draw(self, call: Call) -> None:
        """Record a call that draws, unless something makes it repeatable."""
        if call.info is not None and self.draws(call):
            self.unseeded.setdefault(next(iter(call.info.seeded_by), call.qualified_name or ""), []).append(call)

    def draws(self, call: Call) -> bool:
        """Whether ``call`` surely draws, and nothing has seeded the generator it draws from."""
        info = call.info
        assert info is not None  # noqa: S101 it has an effect, so the tables know it
        if (
            self.all_seeded
            or call.statement.index > self.unknown_from
            or not self.seeds.keys().isdisjoint(info.seeded_by)
            or self.is_given(call)
        ):
            return False
        if info.seed is None and not info.seeded_by:  # uuid4, secrets: never meant to be repeatable
            return False
        if "self" in info.seeded_by or (call.has_star_arguments and (info.seed or info.conditions)):
            return False
        # A layer's initializer may have a seed of its own: kernel_initializer=glorot_uniform(seed=0).
        if any(
            name.endswith("initializer") and not isinstance(value, ast.Constant)
            for name, value in call.arguments.items()
        ):
            return False
        if _assigned(call) & self.seeded_objects or "draw" in call.effects or self.makes_a_name(call):
            return False
        if any(call.node is part for wait in self.analysis.calls_of("time.sleep") for part in nodes(wait.node)):
            return False  # how long to wait is no result
        values = {
            name: value.value if isinstance(value, ast.Constant) else UNKNOWN for name, value in call.arguments.items()
        }
        return "random" in effects_given(info, values, if_unknown=False)

    def is_given(self, call: Call) -> bool:
        """Whether the call's seed is given, and neither None, which means "from the operating system", nor the time."""
        seed = argument(self.analysis, call, call.info.seed) if call.info is not None and call.info.seed else None
        if seed is None or is_constant(seed, value=None):
            return False
        return not any(self.changes(each) for each in nodes(seed) if isinstance(each, ast.Call))

    def changes(self, node: ast.Call) -> bool:
        """Whether a call gives something else in each run: the time, or what the system draws."""
        name = self.analysis.qualified_name(node.func)
        info = None if name is None else self.analysis.libraries.call(name)
        return name in _CHANGING or (info is not None and "clock" in info.effects)

    def makes_a_name(self, call: Call) -> bool:
        """Whether letters are drawn: ``random.choices(string.ascii_lowercase, k=8)`` is meant to be unique."""
        parts = (part for argument in call.arguments.values() for part in nodes(argument))
        return any(
            isinstance(part, ast.Attribute) and (self.analysis.qualified_name(part) or "").startswith("string.")
            for part in parts
        )


def _seeds_all(call: Call) -> bool:
    """Whether an unknown function sets seeds, by its name; ``env.seed(1)`` seeds an object of its own."""
    name = call.name.rpartition(".")[2]
    is_method = isinstance(call.node.func, ast.Attribute) and call.qualified_name is None
    return ("seed" in name.lower() and _SEEDS_ALL.match(name) is not None) or (name == "seed" and not is_method)


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or (
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
    )


def _assigned(call: Call) -> set[str]:
    return {each.name for each in call.statement.definitions if each.kind == "assign"}
