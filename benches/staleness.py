"""Predicts, from the dataflow alone, whether a value is stale; against sequences of cells labelled by others.

    python benches/staleness.py

Reads `truth/ipyflow_staleness.jsonl` of the corpus (NB2PROD_CORPUS, or `shared/corpus` beside the
checkout): cells in the order they were run, and for some of them whether what they use is stale: was
computed from something that has another value now. Prints precision and recall beside a baseline
that looks one name back, and every sequence the prediction gets wrong. The labels were made at run
time; nothing here runs.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.dataflow.flow import analyse, collect_statements  # noqa: E402
from nb2prod.notebook.read import parse_notebook  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Statement, Use

# Precision and recall of the baseline on the same file, as its README gives them.
BASELINE = (0.66, 0.45)

# What is asked of a name: the attributes and constant keys that follow it; None for a key nobody knows.
Access = tuple[str | None, ...]


def flow_of(cells: Sequence[str]) -> Flow:
    """Return the flow of a notebook with these code cells, in the order given."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
            for n, text in enumerate(cells)
        ],
    }
    return analyse(collect_statements(parse_notebook(json.dumps(document).encode(), Path("sequence.ipynb"))))


@dataclass
class Staleness:
    """Which definitions are stale when the last cell runs."""

    flow: Flow
    last: int
    accesses: dict[int, Access] = field(default_factory=dict)
    changes: dict[str, list[Definition]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Collect what every name is asked for, and every change of every name before the last cell."""
        for statement in self.flow.order:
            self.accesses.update(accesses(statement.node))
            if statement.cell.index < self.last:
                for definition in (*statement.definitions, *self.written_by_calls(statement)):
                    self.changes.setdefault(definition.name, []).append(definition)

    def is_stale(self) -> bool:
        """Return whether the last cell reads a value that would be another one if it were computed now."""
        return any(
            self.stale(definition, frozenset())
            for statement in self.flow.order
            if statement.cell.index == self.last
            for use in self.reads(statement)
            for definition in self.values(use)
        )

    def reads(self, statement: Statement) -> Iterator[Use]:
        """Yield what a statement reads when it runs: its own uses and those of the functions it calls."""
        yield from (use for use in statement.uses if not use.deferred)
        yield from self.called(statement, set())

    def called(self, statement: Statement, seen: set[int]) -> Iterator[Use]:
        """Yield the reads of notebook functions that a statement names, transitively."""
        for use in statement.uses:
            for definition in self.flow.reaching(use):
                callee = self.flow.statements[definition.statement]
                if definition.kind in ("function", "assign", "class") and callee.index not in seen:
                    inner = [each for each in callee.uses if each.deferred and each.owner == definition.name]
                    if inner:
                        seen.add(callee.index)
                        yield from inner
                        yield from self.called(callee, seen)

    def written_by_calls(self, statement: Statement) -> Iterator[Definition]:
        """Yield what a called function writes through `global`, as if the statement wrote it."""
        names = {call.func.id for call, deferred in statement.calls if not deferred and isinstance(call.func, ast.Name)}
        for use in statement.uses:
            if use.name in names and not use.deferred:
                for definition in self.flow.reaching(use):
                    for written in self.flow.statements[definition.statement].global_writes:
                        yield type(written)(written.name, "assign", True, statement.index, statement.cell, written.node)  # noqa: FBT003 as in the model

    def values(self, use: Use, before: int | None = None) -> list[Definition]:
        """Return the definitions whose value a read finds, without changes to other parts of the object."""
        wanted = self.accesses.get(id(use.node), ())
        found = [
            each
            for each in self.flow.reaching(use)
            if (each.kind != "mutate" or (related(self.part(each), wanted) and not self.is_module_call(each)))
            and (before is None or each.statement <= before)
        ]
        # A later change of exactly the same part replaces the earlier.
        last: dict[Access, Definition] = {self.part(each): each for each in found if each.kind == "mutate"}
        kept = [each for each in found if each.kind != "mutate" or last[self.part(each)] is each or not self.part(each)]
        replaced = any(part and part == wanted for part in last)
        return [each for each in kept if each.kind == "mutate"] if replaced else kept

    def is_module_call(self, definition: Definition) -> bool:
        """Return whether a change is a call on a module, or on a name nobody made: `logging.info(x)`."""
        statement = self.flow.statements[definition.statement].node
        made = {
            each.kind for found in self.flow.statements for each in found.definitions if each.name == definition.name
        }
        return isinstance(statement, ast.Expr) and made <= {"mutate", "import"}

    def part(self, definition: Definition) -> Access:
        """Return which part of its object a change in place changes; nothing for the whole."""
        return self.accesses.get(id(definition.node), ())

    def stale(self, definition: Definition, seen: frozenset[int]) -> bool:
        """Return whether something the definition was computed from has changed in a later cell."""
        if id(definition) in seen or definition.cell.index >= self.last:
            return False
        statement = self.flow.statements[definition.statement]
        computed = sources(statement.node, definition)
        alias = isinstance(computed, ast.Name)
        inside = None if computed is None else {id(node) for node in ast.walk(computed)}
        for use in self.reads(statement):
            own = use.name == definition.name and not use.deferred
            if (inside is not None and not use.deferred and id(use.node) not in inside) or (
                definition.kind in ("function", "class") and use.deferred
            ):
                continue
            if not own and self.changed(use, definition, alias=alias):
                return True
            for source in self.values(use, definition.statement):
                if source is not definition and self.stale(source, seen | {id(definition)}):
                    return True
        return False

    def changed(self, use: Use, since: Definition, *, alias: bool) -> bool:
        """Return whether what `use` read has another value than it had when `since` was computed."""
        wanted = self.accesses.get(id(use.node), ())
        for change in self.changes.get(use.name, ()):
            if change.cell.index <= since.cell.index or change is since or self.is_module_call(change):
                continue
            if change.kind == "mutate":
                if not alias and related(self.part(change), wanted) and not is_growth(change, wanted):
                    return True
            elif change.kind not in ("import", "delete", "star", "magic"):
                return True
        return False


def accesses(root: ast.AST) -> dict[int, Access]:
    """Return, by the id of a name's node, the attributes and keys that follow it."""
    found: dict[int, Access] = {}
    called = {id(node.func) for node in ast.walk(root) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(root) if isinstance(node, (ast.Attribute, ast.Subscript))}
    for node in ast.walk(root):
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Name)) and id(node) not in inner:
            parts: list[str | None] = []
            current: ast.expr = node
            while isinstance(current, (ast.Attribute, ast.Subscript)):
                if isinstance(current, ast.Attribute):
                    # The method that is called is no part of the object.
                    parts += [] if id(current) in called else [f".{current.attr}"]
                else:
                    parts.append(key_of(current.slice))
                current = current.value
            if isinstance(current, ast.Name):
                found[id(current)] = tuple(reversed(parts))
    return found


def key_of(node: ast.expr) -> str | None:
    """Return a constant key as text."""
    try:
        return f"[{ast.literal_eval(node)!r}]"
    except ValueError:
        return None


def related(one: Access, other: Access) -> bool:
    """Return whether one access may be a part of the other, or the same."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=False))


def is_growth(change: Definition, wanted: Access) -> bool:
    """Return whether a change only adds elements, so that those with a key of their own stay as they were."""
    line = change.cell.lines[change.location.line - 1]
    return bool(wanted) and (".append(" in line or ".extend(" in line)


def sources(node: ast.stmt, definition: Definition) -> ast.expr | None:
    """Return the expression a definition's value comes from; None: any part of the statement."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values) | ast.List(elts=values)):
            position = next((n for n, each in enumerate(names) if holds(each, definition)), None)
            if position is None:
                return None
            stars = [n for n, each in enumerate(names) if isinstance(each, ast.Starred)]
            if stars and position >= stars[0]:
                behind = len(names) - position - 1
                if position > stars[0]:
                    return values[len(values) - behind - 1]
                return ast.Tuple(values[stars[0] : len(values) - behind], ast.Load())
            before = values[: position + 1]
            if any(isinstance(each, ast.Starred) for each in before) or position >= len(values):
                return next((each for each in before if isinstance(each, ast.Starred)), None)
            return values[position]
        case ast.Assign(value=ast.Name() as value):
            return value
        case _:
            return None


def holds(target: ast.expr, definition: Definition) -> bool:
    """Return whether a target is, or contains, what the definition binds or changes."""
    return any(node is definition.node for node in ast.walk(target))


def predict(cells: Sequence[str]) -> bool:
    """Return whether the last of these cells uses something stale."""
    return Staleness(flow_of(cells), len(cells)).is_stale()


def corpus() -> Path:
    """Return the folder of the corpus."""
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NB2PROD_CORPUS")
    return Path(named) if named else ROOT.parent / "shared" / "corpus"


def main() -> int:
    """Print the table; return the exit code."""
    path = corpus() / "truth" / "ipyflow_staleness.jsonl"
    if not path.is_file():
        print(f"no {path}: nothing measured")
        return 0
    outcomes: Counter[tuple[bool, bool]] = Counter()
    wrong: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for label in row["asserts"]:
            expected = label["label"].startswith("stale")
            found = predict(row["cells"][: label["after_cell"] + 1])
            outcomes[expected, found] += 1
            if expected != found:
                kind = "not seen" if expected else "wrongly stale"
                wrong.append(f"  {kind:13} {row['case']} cell {label['after_cell']}: {label['why']}")
    right, missed, false = outcomes[True, True], outcomes[True, False], outcomes[False, True]
    precision, recall = right / max(right + false, 1), right / max(right + missed, 1)
    print(f"{sum(outcomes.values())} labels: {right + missed} stale, {false + outcomes[False, False]} fresh")
    print(f"                    precision  recall\ndataflow            {precision:9.2f} {recall:7.2f}")
    print(f"one name back       {BASELINE[0]:9.2f} {BASELINE[1]:7.2f}")
    print("\n".join(wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
