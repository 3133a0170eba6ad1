"""How draws from one generator are made repeatable: by an argument of each call, or one call that seeds them all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._import_block import below_imports
from nb2prod.diagnostics import Applicability, Fix
from nb2prod.edits import argument_added, newline, replaced
from nb2prod.literals import is_constant
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement
    from nb2prod.diagnostics import Edit

_SEED = "0"
_TENSORFLOW = "tensorflow.random.set_seed"
# What the libraries are imported as.
_USUAL = {"numpy": "np", "tensorflow": "tf"}
_TAKES_A_NUMBER = lazy_pattern(r"random_state$|seed$")
_REPEATS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def seeding(analysis: Analysis, draws: Sequence[Call], late: Call | None) -> Fix | None:
    """Return the fix that makes ``draws``, all of one generator, repeatable; None where it is not certain how.

    ``late`` sets a seed after the first of them: what it sets is set before.
    """
    seeder = _seeder(analysis, draws[0].info.seeded_by if draws[0].info else ())
    arguments = [_argument(call) for call in draws]
    call = _seed_call(analysis, draws, seeder, _value(late)) if seeder and (late or not all(arguments)) else None
    if call is not None:
        return Fix(f"call `{call.text.split()[-1]}` below the imports", (call,), Applicability.UNSAFE)
    if all(arguments):
        names = " and ".join(sorted({str(call.info.seed) for call in draws if call.info}))
        edits = tuple(edit for edit in arguments if edit is not None)
        return Fix(f"pass `{names}={_SEED}`", edits, Applicability.UNSAFE)
    return None


def _seeder(analysis: Analysis, seeders: Sequence[str]) -> str | None:
    """Return the call that sets the seed; where several would do, that of the library that is there."""
    if len(seeders) == 1:
        return seeders[0]
    # Keras by itself draws from NumPy, from TensorFlow 1 or 2, or from another library, by its version.
    modules = [each.qualified or "" for statement in analysis.statements() for each in statement.definitions
               if each.kind == "import"]  # fmt: skip
    if _TENSORFLOW in seeders and any(name.startswith("tensorflow.keras") for name in modules):
        return None if any(name.partition(".")[0] == "keras" for name in modules) else _TENSORFLOW
    return None


def _value(late: Call | None) -> str:
    """Return the seed to set: the number that is set later, or ours."""
    given = late.arguments.get(late.info.seed) if late is not None and late.info and late.info.seed else None
    return str(given.value) if isinstance(given, ast.Constant) and isinstance(given.value, int) else _SEED


def _argument(call: Call) -> Edit | None:
    """Return the edit that passes the seed; None where every pass through the call would then draw the same."""
    info = call.info
    if info is None or info.seed is None or info.seed_aliases or not _TAKES_A_NUMBER.search(info.seed):
        return None
    if call.deferred or call.has_star_arguments or _is_repeated(call):
        return None
    given = call.arguments.get(info.seed)
    if given is not None:  # None: it would not draw otherwise
        return replaced(call.cell, given, _SEED)
    return argument_added(call.cell, call.node, f"{info.seed}={_SEED}")


def _is_repeated(call: Call) -> bool:
    return any(
        call.node is inner for loop in nodes(call.statement.node) if isinstance(loop, _REPEATS) for inner in nodes(loop)
    )


def _seed_call(analysis: Analysis, draws: Sequence[Call], seeder: str, value: str) -> Edit | None:
    """Return the edit that calls ``seeder`` below the import of its library, before anything is drawn."""
    if any(call.info is None or seeder not in call.info.seeded_by for call in draws):
        return None
    if any(call.info is not None and seeder in call.info.seeds and _is_unset(call) for call in analysis.calls()):
        return None
    # `tf.placeholder` is of a TensorFlow that seeds otherwise.
    library = seeder.partition(".")[0]
    if any(call.info is not None and call.info.until and call.library == library for call in analysis.calls()):
        return None
    first = min(call.statement.index for call in draws)
    imports = [each for each in _imports(analysis, library) if each.index < first]
    for statement in imports:
        if name := _name_in(analysis, statement, seeder):
            return below_imports(analysis, statement, f"{name}({value})")
    for statement in imports[:1]:
        name = _free_name(analysis, library)
        if name is not None:
            bound = f" as {name}" if name != library else ""
            lines = f"import {library}{bound}{newline(statement.cell)}{name}{seeder.removeprefix(library)}({value})"
            return below_imports(analysis, statement, lines)
    return None


def _free_name(analysis: Analysis, library: str) -> str | None:
    """Return a name for the library that nothing else in the notebook has: the usual one, or its own."""
    bound = [each for statement in analysis.statements() for each in statement.definitions]
    own = {each.name for each in bound if each.qualified == library}
    others = {each.name for each in bound if each.qualified != library and each.kind != "mutate"}
    used = {use.name for statement in analysis.statements() for use in statement.uses}
    taken = others | (used - own)
    return next((name for name in (_USUAL.get(library, library), library) if name not in taken), None)


def _is_unset(call: Call) -> bool:
    """Whether it seeds from the clock, which undoes every seed before: `random.seed()`, `random.seed(int(time()))`."""
    return all(
        is_constant(each, value=None) or any(isinstance(part, ast.Call) for part in nodes(each))
        for each in call.arguments.values()
    )


def _imports(analysis: Analysis, library: str) -> Iterator[Statement]:
    """Yield the imports of ``library``, or from it."""
    for statement in analysis.statements():
        if isinstance(statement.node, (ast.Import, ast.ImportFrom)) and any(
            (each.qualified or "").partition(".")[0] == library for each in statement.definitions
        ):
            yield statement


def _name_in(analysis: Analysis, statement: Statement, seeder: str) -> str | None:
    """Return what ``seeder`` is called by what an import binds: a module it is in, or by itself after a star import."""
    for definition in statement.definitions:
        module = definition.qualified
        if module is not None and seeder.startswith(f"{module}."):
            name = seeder.removeprefix(f"{module}.")
            if definition.kind != "star":
                return f"{definition.name}.{name}"
            if not any(each.name == name.partition(".")[0] or (each.kind == "star" and each is not definition)
                       for other in analysis.statements() for each in other.definitions):  # fmt: skip
                return name
    return None
