"""What a program really does, cell by cell as a kernel runs it, held against what the analysis says.

The interpreter is the oracle: every instruction that reads, binds or deletes a module-level name is
seen as it happens, with the position of the name in its cell, on every path the program has. What
must agree is listed at ``CHECKS``.
"""

from __future__ import annotations

import ast
import builtins
import dis
import json
import sys
import types
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from programs import FLAGS, NAMES

from nb2prod.dataflow.flow import PREDEFINED
from nb2prod.libraries import Libraries
from nb2prod.notebook.read import parse_notebook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from types import CodeType, FrameType

    from programs import Program

    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Statement, Use
    from nb2prod.notebook.model import Notebook

CHECKS = {
    "use unknown": "the interpreter looked up a module-level name where the flow has no use",
    "definition unknown": "the interpreter bound or deleted a module-level name where the flow has no definition",
    "scope wrong": "the flow has a use or definition of a module-level name where the compiler has none",
    "unbound unseen": "a NameError at a use that is neither unbound nor maybe unbound in the flow",
    "bound unseen": "a value at a use that the flow calls unbound",
    "does not reach": "the value came from a definition that does not reach the use in the flow",
    "change does not reach": "an object was changed in place by a definition that does not reach the use in the flow",
    "change unseen": "a list the module holds was changed in place by a statement of which the flow does not say so",
    "not certain": "a certain definition that did not hold after its statement",
    "not live": "a value was read although the flow calls its name dead on the way",
}
_LIBRARIES = Libraries()
_STEPS = 2_000
_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_STORES = {"STORE_NAME", "STORE_GLOBAL"}
_DELETES = {"DELETE_NAME", "DELETE_GLOBAL"}
# CPython 3.12 up to 3.12.1 takes the a of the second for the target of the first, once both are
# inlined: "[[a for a in x], [a for i in x]]". Later versions read the global, as the language says.
_MISTAKEN = {"LOAD_FAST_CHECK"} if sys.version_info[:2] == (3, 12) else set[str]()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing the analysis says that the interpreter refutes."""

    check: str
    name: str
    statement: int
    text: str


@dataclass(slots=True)
class Result:
    """What came of one program.

    cautious  claims that held on no path although all were run: not wrong, but weaker than the truth
    """

    disagreements: list[Disagreement] = field(default_factory=list)
    runs: int = 0
    reads: int = 0
    errors: int = 0
    cautious: Counter[str] = field(default_factory=Counter)


class _EndlessError(BaseException):
    """A path is left: it would go on for ever."""


class _Choices:
    """Answers ``choose()``: a given beginning, then yes and no as they come, so that every loop ends."""

    def __init__(self) -> None:
        self.given: tuple[bool, ...] = ()
        self.taken: list[bool] = []

    def __call__(self) -> bool:
        at = len(self.taken)
        # Knuth's multiplicative hash: no loop asks in step with it for long.
        answer = self.given[at] if at < len(self.given) else bool((at * 2654435761 >> 13) & 1)
        self.taken.append(answer)
        return answer


choose = _Choices()


def _some() -> Iterator[int]:
    for value in (1, 2):
        if not choose():
            return
        yield value


async def _asome() -> AsyncIterator[int]:
    for value in _some():
        yield value


@contextmanager
def _context() -> Iterator[tuple[int, int]]:
    yield 1, 2


class _AsyncContext:
    async def __aenter__(self) -> int:
        return 1

    async def __aexit__(self, *_: object) -> None:
        return None


def _fail() -> None:
    if choose():
        raise ValueError


def _modules() -> dict[str, types.ModuleType]:
    """Return the modules programs import."""
    names = types.ModuleType("names")
    harness = types.ModuleType("harness")
    found = {"names": names, "harness": harness}
    for number, name in enumerate(NAMES):
        setattr(names, name, number)
        found[name] = types.ModuleType(name)
        found[f"{name}.sub"] = types.ModuleType(f"{name}.sub")
    harness.__dict__.update({
        "choose": choose,
        "some": _some,
        "asome": _asome,
        "pairs": lambda: ((value, (value)) for value in _some()),
        "pick": lambda value, other=None: value if choose() else other,
        "context": _context,
        "acontext": _AsyncContext,
        "fail": _fail,
        "suppress": suppress,
        "same": lambda value: value,
        "use": lambda *_values: [0],
        "run": lambda function: function(),
    })  # fmt: skip
    return found


class _Code:
    """What to watch in a code object: offset → (what, name, position)."""

    def __init__(self, code: CodeType) -> None:
        self.watched: dict[int, tuple[str, str, tuple[int, int, int, int]]] = {}
        for step in dis.get_instructions(code):
            kind = _kind(step.opname)
            at = step.positions
            if kind is None or at is None or at.lineno is None or str(step.argval).startswith("__"):
                continue
            span = (at.lineno, at.col_offset or 0, at.end_lineno or 0, at.end_col_offset or 0)
            self.watched[step.offset] = kind, step.argval, span
        # A class body looks into its own namespace first, a function has none of that kind.
        self.own_namespace = not code.co_flags & 1


def _kind(opname: str) -> str | None:
    if opname in _LOADS:
        return "load"
    if opname in _STORES:
        return "store"
    if opname in _DELETES:
        return "delete"
    return "other" if opname in _MISTAKEN else None


def unbound(flow: Flow) -> Iterator[Use]:
    """Yield the uses that no definition reaches, in the order they would fail.

    After a star import, ``%run`` or ``exec`` that is not known; reads inside strings may be column names.
    """
    opening = [each for each in flow.order if each.dynamic or any(made.kind == "star" for made in each.definitions)]
    opened = False
    for statement in flow.order:
        opened = opened or statement in opening
        for use in statement.uses:
            # A function may be called after what makes it unknowable.
            unknowable = bool(opening) if use.deferred else opened
            known = unknowable or flow.reaching(use) or use.name in PREDEFINED
            if not known and isinstance(use.node, ast.Name):
                yield use


class _Claims:
    """What the flow of a program says, by statement and position."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.uses: list[dict[tuple[int, int], list[Use]]] = []
        self.made: list[dict[str, list[Definition]]] = []
        for statement in flow.statements:
            at: dict[tuple[int, int], list[Use]] = {}
            for use in statement.uses:
                if isinstance(use.node, ast.Name):
                    at.setdefault((use.node.lineno, use.node.col_offset), []).append(use)
            made: dict[str, list[Definition]] = {}
            for each in (*statement.definitions, *statement.global_writes):
                made.setdefault(each.name, []).append(each)
            self.uses.append(at)
            self.made.append(made)
        self.unbound = set(unbound(flow))
        self.live = [flow.live_after(statement) for statement in flow.statements]
        self.stars = [each for statement in flow.statements for each in statement.definitions if each.name == "*"]

    def writers(self, index: int, name: str, span: tuple[int, int, int, int], kind: str) -> frozenset[Definition]:
        """Return the definitions an instruction may be, the closest by position."""
        found = [
            each
            for each in self.made[index].get(name, ())
            if each.kind != "mutate" and (each.kind == "delete") == (kind == "delete")
        ]
        exact = [each for each in found if _span(each.node) == span]
        return frozenset(exact or found)


def _span(node: ast.AST) -> tuple[int, int, int, int]:
    return (
        getattr(node, "lineno", 0), getattr(node, "col_offset", 0),
        getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0),
    )  # fmt: skip


class _Run:
    """One path through a program."""

    def __init__(self, codes: Sequence[CodeType], claims: _Claims, result: Result) -> None:
        self.codes = codes
        self.claims = claims
        self.result = result
        self.names: dict[str, Any] = {name: None for name in PREDEFINED if not hasattr(builtins, name)}
        self.names.update(__name__="__main__", __builtins__=builtins)
        self.writers: dict[str, frozenset[Definition]] = {}
        self.written_at: dict[str, int] = {}
        self.changes: dict[str, set[Definition]] = {}
        self.pending: list[tuple[str, Definition]] = []
        self.tainted: set[str] = set()
        self.current = 0
        self.steps = 0
        self.watch = cache(_Code)
        self.bound_at: list[tuple[Use, bool, frozenset[Definition]]] = []

    def complain(self, check: str, name: str, text: str) -> None:
        self.result.disagreements.append(Disagreement(check, name, self.current, text))

    def go(self) -> None:
        """Run all statements; one that fails is left where it failed and the next goes on."""
        before = sys.gettrace()
        for index, code in enumerate(self.codes):
            self.current = index
            failed = False
            statement = self.claims.flow.statements[index]
            held = [(name, value, list(value)) for name, value in self.names.items() if isinstance(value, list)]
            sys.settrace(self.trace)
            try:
                value = eval(code, self.names)  # noqa: S307 - our own programs
                if isinstance(value, types.CoroutineType):
                    drive(value)
            except _EndlessError:
                sys.settrace(before)
                return
            except Exception:  # noqa: BLE001 - programs fail as they like; the checks saw why
                failed = True
                self.result.errors += 1
            finally:
                sys.settrace(before)
            self.after(statement, failed=failed)
            self._after_changes(statement, held)
        self.result.runs += 1

    def _after_changes(self, statement: Statement, held: list[tuple[str, list[Any], list[Any]]]) -> None:
        """Check that a statement says which lists it changed: by one of their names, or at any time from a function."""
        said = {each.name: each for each in statement.definitions if each.kind == "mutate"}
        at_any_time: dict[str, list[Definition]] = {}
        for every in self.claims.flow.statements:
            for each in every.global_changes:
                at_any_time.setdefault(each.name, []).append(each)
        for _, value, before in held:
            if value == before:
                continue
            names = {name for name, other, _ in held if other is value}
            if names.isdisjoint(said):
                for name in names & at_any_time.keys():
                    if len(at_any_time[name]) == 1 and self.names.get(name) is value:
                        self.changes.setdefault(name, set()).update(at_any_time[name])
            if names.isdisjoint(said) and names.isdisjoint(at_any_time):
                self.complain("change unseen", min(names), f"{sorted(names)} in statement {statement.index}")
            for name in names & said.keys():
                # What stands at a read was seen there.
                if not isinstance(said[name].node, ast.Name) and self.names.get(name) is value:
                    self.changes.setdefault(name, set()).add(said[name])

    def after(self, statement: Statement, *, failed: bool) -> None:
        """Check what the statement promised, or note that it could not keep it."""
        for each in statement.definitions:
            if not each.certain:
                continue
            if failed:
                self.tainted.add(each.name)
            elif (each.name in self.names) == (each.kind == "delete") and not self._bound_otherwise(statement, each):
                self.complain("not certain", each.name, f"{each.kind} {each.name}")
        for name, change in self.pending:
            if not failed and name in self.writers:
                self.changes.setdefault(name, set()).add(change)
        self.pending.clear()

    def _bound_otherwise(self, statement: Statement, definition: Definition) -> bool:
        """Whether a certain deletion is followed by a certain binding, or the other way round."""
        later = [each for each in statement.definitions if each.name == definition.name and each.kind != "mutate"]
        return later[-1] is not definition

    def trace(self, frame: FrameType, event: str, _argument: object) -> Callable[..., Any] | None:
        """Ask for single steps in the program's own frames."""
        name = frame.f_code.co_filename
        if event != "call" or not name.isdigit():
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self.step

    def step(self, frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        """Look at the instruction that runs next."""
        if event == "opcode":
            watched = self.watch(frame.f_code)
            found = watched.watched.get(frame.f_lasti)
            if found is not None:
                self.steps += 1
                if self.steps > _STEPS:
                    raise _EndlessError
                kind, name, span = found
                local = watched.own_namespace and frame.f_locals is not self.names
                if local and dis.opname[frame.f_code.co_code[frame.f_lasti]] not in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                    # What a class body binds is its own; what it reads may be.
                    local = kind != "load" or name in frame.f_locals
                else:
                    local = False
                if not local and kind != "other":
                    getattr(self, kind)(int(frame.f_code.co_filename), name, span)
        return self.step

    def load(self, index: int, name: str, span: tuple[int, int, int, int]) -> None:
        """Check a read against the use at its position."""
        uses = self.claims.uses[index].get(span[:2], ())
        use = next((each for each in uses if each.name == name), None)
        bound = name in self.names
        self.result.reads += 1
        if use is None:
            self.complain("use unknown", name, f"line {span[0]}")
            return
        flow, where = self.claims.flow, f"{name} in statement {index}, line {span[0]}"
        reaching = flow.reaching(use)
        mutated = [each for each in self.claims.made[index].get(name, ()) if each.node is use.node]
        self.pending += [(name, each) for each in mutated if each.kind == "mutate" and not use.deferred]
        if name in self.tainted:
            return
        writers = self.writers.get(name, frozenset())
        self.bound_at.append((use, bound, writers))
        if not bound:
            if reaching and not flow.maybe_unbound(use):
                self.complain("unbound unseen", name, where)
            return
        if use in self.claims.unbound:
            self.complain("bound unseen", name, where)
        elif not writers.intersection(reaching) and not self._from_star(name, writers):
            kinds = ", ".join(sorted({f"{each.kind} in {each.statement}" for each in writers}))
            self.complain("does not reach", name, f"{where}: {kinds}")
        elif missing := self.changes.get(name, set()).difference(reaching):
            self.complain("change does not reach", name, f"{where}: {len(missing)}")
        since = self.written_at.get(name)
        if since is not None and not all(name in self.claims.live[at] for at in range(since, self.current)):
            self.complain("not live", name, where)

    def _from_star(self, name: str, writers: frozenset[Definition]) -> bool:
        return not writers or any(each.kind == "star" for each in writers) or name not in self.writers

    def store(self, index: int, name: str, span: tuple[int, int, int, int]) -> None:
        """Remember who bound a name."""
        found = self.claims.writers(index, name, span, "store")
        if not found:
            self.complain("definition unknown", name, f"in statement {index}, line {span[0]}")
        self.writers[name] = found
        self.written_at[name] = self.current
        self.changes.pop(name, None)
        self.tainted.discard(name)

    def delete(self, index: int, name: str, span: tuple[int, int, int, int]) -> None:
        """Remember that a name is gone."""
        if not self.claims.writers(index, name, span, "delete"):
            self.complain("definition unknown", name, f"del in statement {index}, line {span[0]}")
        if name in self.names:
            self.writers.pop(name, None)
            self.written_at.pop(name, None)
            self.tainted.discard(name)


def drive(coroutine: types.CoroutineType[Any, Any, Any]) -> None:
    """Run a coroutine that waits for nothing to its end."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


def notebook_of(cells: Sequence[str]) -> Notebook:
    """Return a notebook with these cells that never ran."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"language": "python", "name": "python3"}},
        "cells": [
            {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [], "source": source}
            | {"execution_count": None}
            for number, source in enumerate(cells)
        ],
    }  # fmt: skip
    return parse_notebook(json.dumps(document).encode(), Path("program.ipynb"))


def flow_of(cells: Sequence[str]) -> Flow:
    """Return the flow of a notebook with these cells, in written order."""
    # Looked up here: the bench puts an analyser with a bug in its place.
    flow = import_module("nb2prod.dataflow.flow")
    notebook = notebook_of(cells)
    summaries = import_module("nb2prod.dataflow.summaries")
    statements = summaries.add_changes(flow.collect_statements(notebook), _LIBRARIES.mutates)
    found: Flow = flow.analyse(statements)
    return found


def compare(program: Program, paths: int = 24) -> Result:
    """Run ``program`` on all its paths, at most ``paths``, and return where the analysis is wrong."""
    # What is bound at the end is asked by reading it.
    flow = flow_of((*program.cells, *NAMES))
    result = Result()
    claims = _Claims(flow)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codes = [
            compile(ast.Module([statement.node], []), str(statement.index), "exec", FLAGS, dont_inherit=True)
            for statement in flow.statements
        ]
    for statement, code in zip(flow.statements, codes, strict=True):
        _compare_scopes(statement, code, result)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coroutines nobody awaits
        seen, complete = _run_all(codes, claims, result, paths)
    _count_caution(claims.flow, seen, result, complete=complete)
    return result


def _run_all(
    codes: Sequence[CodeType], claims: _Claims, result: Result, paths: int
) -> tuple[list[tuple[Use, bool, frozenset[Definition]]], bool]:
    """Run every path, up to a bound; return each read, and whether these were all paths."""
    seen: list[tuple[Use, bool, frozenset[Definition]]] = []

    def run() -> None:
        path = _Run(codes, claims, result)
        path.go()
        seen.extend(path.bound_at)

    return seen, every_path(run, paths)


def every_path(run: Callable[[], None], paths: int) -> bool:
    """Call ``run`` for each way ``choose()`` can answer, at most ``paths`` times; return whether these were all."""
    before = {name: sys.modules.get(name) for name in _modules()}
    waiting: list[tuple[bool, ...]] = [()]
    tried = 0
    try:
        while waiting and tried < paths:
            # The paths that part latest first would never leave the last statement.
            choose.given, choose.taken = waiting.pop(0), []
            tried += 1
            sys.modules.update(_modules())
            run()
            start = len(choose.given)
            taken = tuple(choose.taken)
            waiting += [(*taken[:at], not taken[at]) for at in range(start, min(len(taken), 24))]
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
    return not waiting


def _compare_scopes(statement: Statement, code: CodeType, result: Result) -> None:
    """Compare which names are the module's with the compiler's own answer."""
    seen: dict[str, set[tuple[str, int, int]]] = {"load": set(), "store": set(), "delete": set(), "other": set()}
    stack = [code]
    while stack:
        each = stack.pop()
        stack += [constant for constant in each.co_consts if isinstance(constant, types.CodeType)]
        for kind, name, span in _Code(each).watched.values():
            seen[kind].add((name, *span[:2]))
    stored = {name for kind in ("store", "delete") for name, *_ in seen[kind]}
    for use in statement.uses:
        if isinstance(use.node, ast.Name) and (use.name, use.node.lineno, use.node.col_offset) not in seen["load"]:
            at = (use.name, use.node.lineno, use.node.col_offset)
            # "del a" looks a up by deleting it.
            if at not in seen["delete"] | seen["other"] and use.name in NAMES:
                text = f"use in line {use.node.lineno}"
                result.disagreements.append(Disagreement("scope wrong", use.name, statement.index, text))
    for definition in (*statement.definitions, *statement.global_writes):
        if definition.kind not in ("mutate", "star") and definition.name not in stored:
            text = f"{definition.kind} definition"
            result.disagreements.append(Disagreement("scope wrong", definition.name, statement.index, text))


def _count_caution(
    flow: Flow, seen: list[tuple[Use, bool, frozenset[Definition]]], result: Result, *, complete: bool
) -> None:
    if not complete or result.errors:
        return
    ways: dict[Use, list[bool]] = {}
    sources: dict[Use, set[Definition]] = {}
    for use, bound, writers in seen:
        if use.name in NAMES:
            ways.setdefault(use, []).append(bound)
            sources.setdefault(use, set()).update(writers)
    for use, found in ways.items():
        result.cautious["uses"] += 1
        if flow.maybe_unbound(use) and all(found):
            result.cautious["never unbound, though maybe"] += 1
        reaching = [each for each in flow.reaching(use) if each.kind not in ("mutate", "delete")]
        result.cautious["reaching"] += len(reaching)
        result.cautious["reaching, never seen"] += len([each for each in reaching if each not in sources[use]])
