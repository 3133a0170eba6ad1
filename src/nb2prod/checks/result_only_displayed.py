"""result-only-displayed: what the notebook computes is shown, and nothing of it is stored."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement

# What makes a result out of rows, besides what the tables call a score or a prediction.
_AGGREGATES = {
    "agg", "aggregate", "crosstab", "forecast", "get_forecast", "get_prediction", "groupby", "pivot_table", "resample",
}  # fmt: skip
_SHOWS = ("print", "display", "pprint")
_READS = ("read_", "load_", "fetch_")
_ASKS = frozenset({"execute", "query", "sql"})
_PREDICTS = frozenset({"forecast", "get_forecast", "get_prediction", "predict", "predict_proba"})
_DRAWING = frozenset({"bar", "barh", "errorbar", "fill_between", "line", "lineplot", "plot", "scatter", "scatterplot"})
_DRAWS = ("plot", "hist", "boxplot", "show", "draw")
# Modules whose functions give figures of merit and outcomes of tests.
_FIGURES = ("sklearn.metrics.", "scipy.stats.", "statsmodels.stats.")
_DEPTH = 2
_GROUPS = lazy_pattern(r"(?i)\bselect\b.*\bgroup\s+by\b", re.DOTALL)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the last result that is shown, where the notebook writes nothing at all."""
    if writes(analysis) or not _has_input(analysis):
        return
    last = _last_shown(analysis) or _last_drawn(analysis)
    if last is not None:
        message = (
            "this result is shown and stored nowhere, nor is any other of this notebook: the next program, and the "
            "next run, cannot use it; write the results to a file or a table"
        )
        yield Finding(last.location, message)


def _last_shown(analysis: Analysis) -> Statement | None:
    calls = {id(call.node): call for call in analysis.calls()}
    for statement in reversed(analysis.statements()):
        if any(_is_result(analysis, calls, shown, _DEPTH) for shown in _shown(statement)):
            return statement
    return None


def _last_drawn(analysis: Analysis) -> Statement | None:
    """Return the last statement that draws what a model predicts; an aggregate may be drawn for its picture."""
    if not any(call.name.rpartition(".")[2] in _PREDICTS for call in analysis.calls()):
        return None
    for statement in reversed(analysis.statements()):
        if any(_is_predicted(analysis, drawn, _DEPTH + 1) for drawn in _drawn(statement)):
            return statement
    return None


def _has_input(analysis: Analysis) -> bool:
    """Whether anything reads data or fits a model: a lesson about the language does neither."""
    return next(analysis.calls({"read-file", "fit"}), None) is not None or any(
        last.startswith(_READS) or (last in _ASKS and _is_query(call.node.args[:1]))
        for call in analysis.calls()
        for last in (call.name.rpartition(".")[2],)
    )


def _is_query(given: list[ast.expr]) -> bool:
    """Whether the first argument is a query in SQL that gives rows."""
    match given:
        case [ast.Constant(value=str(text))]:
            return text.lstrip().lower().startswith(("select", "with"))
        case _:
            return False


def _shown(statement: Statement) -> list[ast.expr]:
    """Return what a statement shows, besides text that stands in the code."""
    node = statement.node
    found = []
    if statement.displayed and isinstance(node, ast.Expr) and not (_may_draw(node.value) or _fits(node.value)):
        found.append(node.value)
    for call, deferred in statement.calls:
        if not deferred and isinstance(call.func, ast.Name) and call.func.id in _SHOWS:
            found += [each for each in call.args if not isinstance(each, ast.Constant)]
        elif not deferred and isinstance(call.func, ast.Attribute) and call.func.attr == "show" and not call.args:
            found.append(call.func.value)  # a figure of plotly, a table of Spark
    return found


def _drawn(statement: Statement) -> list[ast.expr]:
    """Return what a statement draws: what is drawn upon, and what it is given."""
    found = []
    for call, deferred in statement.calls:
        if not deferred and isinstance(call.func, ast.Attribute) and call.func.attr in _DRAWING:
            found += [call.func.value, *call.args]
    return found


def _is_predicted(analysis: Analysis, node: ast.expr, depth: int) -> bool:
    """Whether an expression is what a model predicts, or is computed from it."""
    for part in nodes(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in _PREDICTS:
            return True
        if isinstance(part, ast.Name) and depth:
            use = analysis.use_at(part)
            for each in analysis.flow.reaching(use) if use is not None else ():
                made = analysis.statements()[each.statement].node
                if isinstance(made, ast.Assign) and _is_predicted(analysis, made.value, depth - 1):
                    return True
    return False


def _fits(node: ast.expr) -> bool:
    """Whether an expression trains something: what it shows is the object."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit"


def _may_draw(node: ast.expr) -> bool:
    """Whether an expression may be there for its picture: `table.plot.bar()`, `show_clusters(labels)`."""
    if not isinstance(node, ast.Call):
        return False
    return isinstance(node.func, ast.Name) or any(
        isinstance(each, ast.Attribute) and each.attr in _DRAWS for each in nodes(node.func)
    )


def _is_result(analysis: Analysis, calls: dict[int, Call], node: ast.expr, depth: int) -> bool:
    """Whether a figure of merit, a prediction or an aggregate goes into ``node``."""
    for part in nodes(node):
        if isinstance(part, ast.Call):
            call = calls.get(id(part))
            name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
            if name in _AGGREGATES or (call is not None and _gives_result(call)):
                return True
        elif isinstance(part, ast.Attribute) and part.attr == "style" and _is_table(analysis, part.value):
            return True  # laid out to be read
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and _GROUPS.search(part.value):
            return True
        elif isinstance(part, ast.Name) and depth:
            use = analysis.use_at(part)
            for each in analysis.flow.reaching(use) if use is not None else ():
                made = analysis.statements()[each.statement].node
                if (
                    each.kind == "assign"
                    and isinstance(made, ast.Assign)
                    and _is_result(analysis, calls, made.value, depth - 1)
                ):
                    return True
    return False


def _is_table(analysis: Analysis, node: ast.expr) -> bool:
    """Whether nothing speaks against a table; `plt.style` is none."""
    name = analysis.qualified_name(node)
    return name == "pandas.DataFrame" or (name is None and not isinstance(node, ast.Name))


def _gives_result(call: Call) -> bool:
    return bool(call.effects & {"score", "predict"}) or (call.qualified_name or "").startswith(_FIGURES)
