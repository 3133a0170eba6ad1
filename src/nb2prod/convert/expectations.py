"""What the notebook's saved outputs say about its steps: texts a run of the package must print and display again."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nb2prod.convert.expected_tables import table_as_now
from nb2prod.convert.expected_text import (
    Metric,
    classless,
    comparable,
    figures_open,
    merit_alone,
    whatever_is_drawn,
    without_figures,
    without_ties,
)
from nb2prod.convert.plan import Moved
from nb2prod.convert.saved_texts import (
    certain_words,
    displayed_text,
    is_older,
    is_table,
    named_in,
    raw_text,
    saved_python,
)
from nb2prod.convert.set_order import goes_through_set
from nb2prod.convert.slices import Slice, Slices
from nb2prod.saved_outputs import mismatch, output_kind, printed_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan, Step
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

ANYTHING = "..."
_NOTHING = ast.Module([], [])
_PYTHON_3, _ORDERED_DICTIONARIES = (3, 0), (3, 6)
# Where a notebook may go through a dictionary, or through what was one in a file.
_DICTIONARIES = frozenset(
    {"items", "keys", "values", "dict", "json", "loads", "load", "read_json", "from_dict", "to_dict", "Counter"}
    | {"defaultdict", "vars", "globals", "locals", "set", "frozenset", "unique"}
)
# What it says is the library's, or the machine's.
_FOREIGN = frozenset(
    {"help", "dir", "get_params", "__version__", "__doc__", "__dict__", "__file__", "show_versions"}
    | {"getsizeof", "memory_usage", "nbytes"}
)
# SymPy's, with which a displayed formula is drawn in characters, over several lines.
_DRAWS_FORMULAS = frozenset({"init_printing", "init_session"})
# Line magics that change nothing of what a cell prints.
_SILENT_MAGICS = frozenset({"matplotlib", "config", "load_ext", "reload_ext", "autoreload", "precision"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """A text that a run of one step must give again.

    step   the step's name
    kind   ``printed``: all the step prints; ``displayed``: one value
    label  the name a displayed value is logged under; None for what ``display`` shows
    cells  the cells the text was saved with
    text   as saved, with marks where it need not be the same (``scaffold/tests/notebook_text.py``)
    is_observed  it is not what the notebook was saved with, but what was seen when the package ran
    """

    step: str
    kind: Literal["printed", "displayed"]
    label: str | None
    cells: tuple[int, ...]
    text: str
    is_observed: bool = False


@dataclass(frozen=True, slots=True)
class Expectations:
    """What is expected of a package, and the figures of merit in it.

    deterministic  two runs of the notebook print the same, as far as anybody can tell
    figures        the names of the files a step's figures are saved to, by step
    """

    texts: tuple[Expectation, ...]
    metrics: tuple[Metric, ...]
    deterministic: bool
    figures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def saved_expectations(plan: Plan, analysis: Analysis) -> Expectations:
    """Return what the saved outputs let a test expect of each step of ``plan``.

    An output counts only where it follows from the notebook as written: its cell has run and shows no
    sign of having been edited since, and everything the output depends on had the same values, set in
    the same order, in the saved run. What draws random numbers without a seed, or depends on the time,
    keeps its words and loses its figures.
    """
    reader = _Reader(plan, analysis)
    texts: list[Expectation] = []
    for step in plan.steps:
        texts += reader.printed(step)
        texts += reader.displayed(step)
    withheld = [each.text for each in plan.withheld]
    kept = tuple(each for each in texts if not any(text in each.text for text in withheld))
    used = {name for each in kept for name in reader.metrics if f"{{{name}}}" in each.text}
    metrics = tuple(metric for name, metric in reader.metrics.items() if name in used)
    return Expectations(kept, metrics, reader.deterministic())


class _Reader:
    """Reads expectations off the cells of one notebook."""

    def __init__(self, plan: Plan, analysis: Analysis) -> None:
        self.plan = plan
        self.analysis = analysis
        self.slices = Slices(analysis)
        self.python = saved_python(plan.notebook)
        self.metrics: dict[str, Metric] = {}
        self.statements: dict[int, list[Statement]] = {}
        for statement in analysis.statements():
            self.statements.setdefault(statement.cell.index, []).append(statement)
        self.calls: dict[int, list[Call]] = {}
        for call in analysis.calls():
            self.calls.setdefault(call.statement.cell.index, []).append(call)
        self.prints = not any(
            each.name == "print" for statement in analysis.statements() for each in statement.definitions
        )
        self.draws_formulas = any(
            not _DRAWS_FORMULAS.isdisjoint(named_in(cell.tree)) for cell in plan.notebook.code_cells if cell.tree
        )
        self.steps_of: dict[int, set[str]] = {}
        for step in plan.steps:
            for cell in step.cells:
                self.steps_of.setdefault(cell, set()).add(step.name)

    def deterministic(self) -> bool:
        """Return whether nothing in the notebook is random, in the order of a set, or depends on anything outside."""
        found = [self.slices.of(statement) for statement in self.analysis.statements()]
        return not any(each.random or each.outside for each in found) and not goes_through_set(self._nodes(found))

    def printed(self, step: Step) -> list[Expectation]:
        """Return what a step prints, cell by cell; what no cell can tell is a mark for anything."""
        parts: list[str] = []
        cells: list[int] = []
        for number in step.cells:
            cell = self._cell(number)
            text = self._printed_text(step, cell)
            if text is None:
                parts.append(ANYTHING)
            elif text.strip():
                parts.append(text)
                cells.append(number)
        text = joined(parts)
        return [Expectation(step.name, "printed", None, tuple(cells), text)] if says_something(text) else []

    def displayed(self, step: Step) -> list[Expectation]:
        """Return the values a step displays."""
        found: list[Expectation] = []
        for item in step.items:
            if not isinstance(item, Moved) or item.shown is None or item.guarded:
                continue
            text = self._displayed_text(step, item)
            if text is not None and says_something(text):
                found.append(Expectation(step.name, "displayed", item.shown, (item.statement.cell.number,), text))
        return found

    def _cell(self, number: int) -> CodeCell:
        return next(cell for cell in self.plan.notebook.code_cells if cell.index == number)

    def _printed_text(self, step: Step, cell: CodeCell) -> str | None:
        """Return what a cell is expected to print; None where nothing is known."""
        if len(self.steps_of[cell.index]) > 1 or not self._is_trusted(cell, step):
            return None
        statements = self.statements.get(cell.index, [])
        if "\r" in (raw := raw_text(cell)) or "\b" in raw or "\x1b" in raw:
            return None  # drawn over: no lines anybody printed
        text = printed_text(cell)
        if text is None:
            return "" if not raw.strip() and self._is_silent(cell) else None
        slices = [self.slices.of(statement) for statement in statements]
        if self._names(slices, frozenset({"clear_output"})):
            return None  # what was printed before is gone
        if not all(each.same and self._is_ordered(each) for each in slices) or goes_through_set(self._nodes(slices)):
            return None
        if "value_counts" in cell.source:
            text = without_ties(text)
        return self._marked(text, slices, cell, step.name)

    def _displayed_text(self, step: Step, item: Moved) -> str | None:
        statement = item.statement
        found = self.slices.of(statement)
        if not found.same or not self._is_ordered(found) or not self._is_trusted(statement.cell, step):
            return None
        outputs = [each for each in statement.cell.outputs if output_kind(each) in ("execute_result", "pyout")]
        if len(outputs) != 1:
            return None
        text = displayed_text(outputs[0])
        if text is None or is_older(outputs[0], self.python):
            return None
        if self.draws_formulas and ("\n" in text.strip() or not text.isascii()):
            return None
        if "value_counts" in ast.unparse(statement.node):
            text = without_ties(text)
        if (found.random or found.learnt) and not found.outside:
            merit = merit_alone(item.shown or "", text, step.name, self.metrics, seeded=not found.random)
            if merit is not None:
                return merit
        if found.random:
            return whatever_is_drawn(text, is_table=is_table(outputs[0]))
        return self._marked(classless(table_as_now(text)), [found], statement.cell, step.name)

    def _marked(self, text: str, slices: Sequence[Slice], cell: CodeCell, step: str) -> str | None:
        """Return a saved text with what need not come again marked."""
        text = comparable(text)
        if any(each.random or each.outside for each in slices):
            if any(each.random for each in slices) and not any(each.outside for each in slices):
                return figures_open(text, certain_words(cell), step, self.metrics)
            return without_figures(text, certain_words(cell))
        if any(each.learnt for each in slices):
            return figures_open(text, None, step, self.metrics)
        return text

    def _is_ordered(self, found: Slice) -> bool:
        """Return whether the saved Python kept the order of dictionaries: it does since 3.6."""
        if self.python >= _ORDERED_DICTIONARIES:
            return True
        nodes = (node for tree in self._nodes([found]) for node in ast.walk(tree))
        unordered = any(isinstance(node, ast.Dict | ast.Set | ast.DictComp | ast.SetComp) for node in nodes)
        return not unordered and not self._names([found], _DICTIONARIES)

    def _names(self, slices: Sequence[Slice], names: frozenset[str]) -> bool:
        """Return whether one of ``names`` is used in a statement of the slices."""
        return any(not names.isdisjoint(named_in(node)) for node in self._nodes(slices))

    def _nodes(self, slices: Sequence[Slice]) -> list[ast.stmt]:
        """Return the statements of the slices, each once."""
        indices = {index for each in slices for index in each.indices}
        return [self.analysis.statements()[index].node for index in sorted(indices)]

    def _is_silent(self, cell: CodeCell) -> bool:
        """Return whether a cell without a saved text prints nothing, and has not just lost its outputs."""
        return "print" not in cell.source and all(call.info is not None for call in self.calls.get(cell.index, ()))

    def _is_trusted(self, cell: CodeCell, step: Step) -> bool:
        """Return whether a cell's outputs can be of its source, and its source alone."""
        statements = self.statements.get(cell.index, [])
        guarded = any(isinstance(item, Moved) and item.guarded and item.statement.cell is cell for item in step.items)
        return (
            self.analysis.recorded is not None
            and self.python >= _PYTHON_3
            and _FOREIGN.isdisjoint(named_in(cell.tree or _NOTHING))
            and cell.execution_count is not None
            and cell.tree is not None
            and not guarded
            and not any(output_kind(each) in ("error", "pyerr") for each in cell.outputs)
            and all(each.kind == "line" and each.name in _SILENT_MAGICS for each in cell.magics)
            and mismatch(cell, statements, prints=self.prints) is None
        )


def joined(parts: Sequence[str]) -> str:
    """Return texts one below the other, with one mark for anything where there would be several."""
    lines: list[str] = []
    for part in parts:
        for line in part.strip("\n").split("\n"):
            if line.strip() != ANYTHING or not lines or lines[-1].strip() != ANYTHING:
                lines.append(line.rstrip())
    return "\n".join(lines)


def says_something(text: str) -> bool:
    """Return whether an expected text says more than that anything may stand there."""
    return re.search(r"\w", text) is not None
