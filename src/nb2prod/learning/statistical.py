"""Models that are made with the data they will be fitted on, as those of statsmodels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.learning.columns import Columns
from nb2prod.learning.values import Data, Estimator, Literal, as_data
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    import ast

    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

# Classes that take the target and the features; in small letters, functions that take a formula and a table.
_CLASSES = frozenset(
    {"GLM", "GLS", "Logit", "MNLogit", "NegativeBinomial", "OLS", "Poisson", "Probit", "QuantReg", "RLM", "WLS"}
)
_FORMULA = lazy_pattern(r"(?P<target>[^\W\d]\w*)\s*~(?P<terms>.*)", re.DOTALL)
# Names of columns in a formula: not what is called, nor what stands behind a dot.
_COLUMN = lazy_pattern(r"(?<![\w.])[^\W\d]\w*(?![\w.(])")


def made_with_data(run: Run, node: ast.Call, name: str, given: Arguments) -> Estimator | None:
    """Return the model that a call makes of data; None where it makes none."""
    word = name.rpartition(".")[2]
    own = None
    if name.startswith("statsmodels.formula.") and word.upper() in {each.upper() for each in _CLASSES}:
        own = _by_formula(given.get(0, "formula"), as_data(given.get(1, "data")))
    elif word in _CLASSES:
        y, x = as_data(given.get(0, "endog")), as_data(given.get(1, "exog"))
        own = None if x is None or y is None else (x, y)
    return None if own is None else Estimator(name, "model", run.place(node), own=own)


def _by_formula(formula: object, data: Data | None) -> tuple[Data, Data] | None:
    """Return the features and the target that a formula takes from a table."""
    text = formula.value if isinstance(formula, Literal) else None
    found = _FORMULA.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or data is None or data.columns is None:
        return None
    terms = frozenset(_COLUMN.findall(found["terms"]))
    chosen = (Columns(data.columns.table, each) for each in (terms, frozenset({found["target"]})))
    x, y = (data._replace(columns=each) for each in chosen)
    return x, y
