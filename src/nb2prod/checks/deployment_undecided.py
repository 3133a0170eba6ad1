"""deployment-undecided: a model is fitted, and nothing says how it will be used."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, TypeAlias

from nb2prod.checks import model_not_saved
from nb2prod.diagnostics import Finding
from nb2prod.models import events, fitted_predictors, is_fitting
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.tree import nodes
from nb2prod.operations import imports_any, operations
from nb2prod.patterns import lazy_pattern
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

_Named: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# What the figures of a model are written to, and by.
_NOTES = (".json", ".md", ".toml", ".txt", ".yaml", ".yml")
_NOTING = frozenset({"dump", "dumps", "safe_dump", "write_text"})
_FUNCTIONS: tuple[type[_Named], ...] = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# Words by which text says what it will be.
_SAID = lazy_pattern(
    r"\b(?:(?:batch|nightly|daily|hourly|weekly|monthly|cron|scheduled|scoring|spark) (?:\w+ )?(?:job|run|scoring"
    r"|task|predictions?)|airflow|(?:rest|http|web|scoring|prediction) (?:api|service|endpoint)|microservice"
    r"|deployed (?:as|to|on|in|by)|(?:runs?|scored|executed|scheduled) (?:every|each|daily|nightly|hourly|weekly"
    r"|monthly|at night|on a schedule)|as an? (?:\w+ )?(?:library|service|job|endpoint|api)"
    r"|(?:service|app|application|backend) (?:loads|calls|imports|reads))\b",
    re.IGNORECASE,
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the last fit of a model that is put to use."""
    if not analysis.once(is_fitting):
        return
    fits = fitted_predictors(analysis, events(analysis), or_saved=True)
    known = operations()
    if not fits or imports_any(analysis, known.services | known.registries):
        return
    # A model in a file, with or without its figures, is no decision yet;
    # a table after the fit is what a batch job leaves.
    if any(
        write.kind == "unknown" or (write.kind == "data" and not _is_record(write.call))
        for write in writes(analysis)
        if write.location.cell is None or write.location.cell >= fits[0].call.cell.index
    ):
        return
    if any(_SAID.search(cell.source) for cell in analysis.notebook.cells if not isinstance(cell, CodeCell)):
        return
    for cell in analysis.notebook.code_cells:
        if "parameters" in cell.tags or cell.tree is None:
            return
        if any(_serves(node) for kind in _FUNCTIONS for node in analysis.nodes_of(cell.tree, kind)):
            return
        if "__main__" in cell.source:
            return
    # To be used at all it has to be kept first, and that is said.
    if next(model_not_saved.check(analysis), None) is not None:
        return
    message = (
        f"nothing says how `{fits[-1].name}` will be used: as a job that writes predictions, as a service with a "
        "function for new data, or as a library; decide, because data, latency and tests differ for each"
    )
    yield Finding(fits[-1].call.location, message)


def _is_record(call: Call | None) -> bool:
    """Whether a write is of the model itself, the file it is pickled into, or of its version and figures."""
    if call is None:
        return False
    last = call.name.rpartition(".")[2]
    if last == "open":
        written = ast.unparse(call.node)
        return "'wb'" in written or any(f"{ending}'" in written for ending in _NOTES)
    return last in _NOTING


def _serves(node: _Named) -> bool:
    """Whether a function is for new data: by its name, or because it predicts."""
    if any(word in node.name.lower() for word in operations().serving):
        return True
    return any(isinstance(each, ast.Attribute) and each.attr.startswith("predict") for each in nodes(node))
