"""How draws from one generator are made repeatable: by an argument of each call, or one call that seeds them all."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Edit, Fix
from nb2prod.edits import argument_added, newline, replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement

_SEED = "0"
_TAKES_A_NUMBER = re.compile(r"random_state$|seed$")
_REPEATS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_END_OF_LINE = re.compile(r"[ \t]*(?:#.*)?$")


def seeding(analysis: Analysis, draws: Sequence[Call]) -> Fix | None:
    """Return the fix that makes ``draws``, all of one generator, repeatable; None where it is not certain how."""
    arguments = [_argument(call) for call in draws]
    if all(arguments):
        names = " and ".join(sorted({str(call.info.seed) for call in draws if call.info}))
        edits = tuple(edit for edit in arguments if edit is not None)
        return Fix(f"pass `{names}={_SEED}`", edits, Applicability.UNSAFE)
    seeders = draws[0].info.seeded_by if draws[0].info else ()
    # Where several would do, which of them does depends on the library's version: Keras.
    edit = _seed_call(analysis, draws, seeders[0]) if len(seeders) == 1 else None
    return Fix(f"call `{edit.text.strip()}` below the imports", (edit,), Applicability.UNSAFE) if edit else None


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
        call.node is inner
        for loop in ast.walk(call.statement.node)
        if isinstance(loop, _REPEATS)
        for inner in ast.walk(loop)
    )


def _seed_call(analysis: Analysis, draws: Sequence[Call], seeder: str) -> Edit | None:
    """Return the edit that calls ``seeder`` below the import of its module, before anything is drawn."""
    if any(call.info is None or seeder not in call.info.seeded_by for call in draws):
        return None
    if any(call.info is not None and seeder in call.info.seeds and _is_unset(call) for call in analysis.calls()):
        return None
    # `tf.placeholder` is of a TensorFlow that seeds otherwise.
    library = seeder.partition(".")[0]
    if any(call.info is not None and call.info.until and call.library == library for call in analysis.calls()):
        return None
    first = min(call.statement.index for call in draws)
    for statement, name in _imports(analysis, seeder):
        if statement.index < first:
            last = _last_of_imports(analysis, statement)
            line = last.location.range.end.line
            behind = last.cell.lines[line - 1][last.location.range.end.column - 1 :]
            if not _END_OF_LINE.match(behind):
                return None
            place = last.cell.location(line, len(last.cell.lines[line - 1]) + 1)
            return Edit(place, f"{newline(last.cell)}{name}({_SEED})")
    return None


def _is_unset(call: Call) -> bool:
    """Whether it seeds from the clock, which undoes every seed before: `random.seed()`, `random.seed(None)`."""
    return all(isinstance(each, ast.Constant) and each.value is None for each in call.arguments.values())


def _imports(analysis: Analysis, seeder: str) -> Iterator[tuple[Statement, str]]:
    """Yield the imports that bind a module ``seeder`` is in, and what ``seeder`` is called then."""
    for statement in analysis.statements():
        if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
            for definition in statement.definitions:
                module = definition.qualified
                if module is not None and seeder.startswith(f"{module}."):
                    yield statement, f"{definition.name}{seeder.removeprefix(module)}"


def _last_of_imports(analysis: Analysis, statement: Statement) -> Statement:
    """Return the last import of those that follow ``statement`` in its cell without anything between."""
    for following in analysis.statements()[statement.index + 1 :]:
        if following.cell is not statement.cell or not isinstance(following.node, (ast.Import, ast.ImportFrom)):
            break
        statement = following
    return statement
