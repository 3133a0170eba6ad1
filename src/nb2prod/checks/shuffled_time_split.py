"""shuffled-time-split: rows that follow each other in time are split at random."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix
from nb2prod.edits import argument_added, replaced
from nb2prod.learning import history
from nb2prod.learning.rows import disjoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.rows import Place, Rows
    from nb2prod.learning.values import Data

_SPLIT = "sklearn.model_selection.train_test_split"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the random splits of data that goes by time."""
    past = history(analysis)
    found = [(split.place, split.inputs) for split in past.splits if split.shuffled and past.is_evaluated(split)]
    found += [
        (call.place, tuple(each for each in (call.x, call.y) if each is not None))
        for call in past.cross_validations
        if call.shuffled
    ]
    found += [(each.place, (each.x,)) for each in past.mixed if _is_cut(past, each.x.rows)]
    for place, inputs in found:
        reason = next((reason for data in inputs if (reason := _goes_by_time(data))), None)
        if reason is not None:
            yield Finding(
                place.location,
                f"{reason} and are split at random, so the model knows the days after those it is tested on; keep the "
                "order (`shuffle=False`, a date to cut at, `TimeSeriesSplit`)",
                fix=_in_order(analysis, place),
            )


def _is_cut(past: History, rows: Rows) -> bool:
    """Whether rows are divided by their order into some to learn from and some to be tested on."""
    return any(
        split.piece[:1] == ("slice",) and split.split is disjoint(each.x.rows, each.fit.rows)
        for each in past.evaluations
        for split in each.x.rows.chain()
        if split.split is not None and rows in split.supersets
    )


def _in_order(analysis: Analysis, place: Place) -> Fix | None:
    """Return the fix that makes a split keep the order; None for folds, and where shares of a class are kept."""
    node = place.node
    if not isinstance(node, ast.Call) or analysis.qualified_name(node.func) != _SPLIT:
        return None
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if None in given or "stratify" in given:
        return None
    shuffle = given.get("shuffle")
    edit = (
        argument_added(place.cell, node, "shuffle=False") if shuffle is None else replaced(place.cell, shuffle, "False")
    )
    return Fix("pass `shuffle=False`", (edit,), Applicability.UNSAFE) if edit is not None else None


def _goes_by_time(data: Data) -> str | None:
    """Return how the notebook shows that the order of rows means something; None where it does not."""
    if "dated" in data.traits:
        return "the rows go by time (their index holds dates, or they are sorted by one)"
    if "lagged" not in data.traits:
        return None
    columns = data.columns
    if columns is None or not columns.table.lagged:
        return "the rows hold values of the rows before or after them"
    names = sorted(str(name) for name in columns.table.lagged if columns.has(name))
    return f"the rows hold values of their neighbours (`{names[0]}`)" if names else None
