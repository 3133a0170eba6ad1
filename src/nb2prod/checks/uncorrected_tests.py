"""uncorrected-tests: many significance tests, each held against the bound that is meant for one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.patterns import lazy_pattern
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

_RULE = "uncorrected-tests"
_LOOPS = (ast.For, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# Loops over so many draws try out what a test does; they claim nothing by it.
_COUNTS = frozenset({"builtins.range", "tqdm.trange", "tqdm.auto.trange", "tqdm.notebook.trange"})
# How p-values are called, alone or as the end of a name.
_P_VALUE = lazy_pattern(r"(?:.*_)?p(?:_?val(?:ue)?s?|s|_adj)?(?:_.*)?|pvalues?", re.IGNORECASE)
# Whose bound it is: `p < 0.05`, and what is as small.
_LARGEST = 0.1
_PHRASES = ("multiple test", "multiple compar", "family-wise", "familywise", "false discovery", "alpha /", "alpha/")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first test that is made once for each of many, where p-values are held against a fixed bound."""
    if not analysis.mentions("scipy", "lifelines", "statsmodels", "pingouin"):
        return
    tests = words(_RULE)["tests"]
    calls = [call for call in analysis.calls() if call.qualified_name in tests]
    if not calls or _corrects(analysis):
        return
    repeated = next((call for call in calls if _is_repeated(analysis, call)), None)
    if repeated is None or not any(_bounds(analysis)):
        return
    name = (repeated.qualified_name or "").rpartition(".")[2]
    yield Finding(
        repeated.location,
        f"`{name}` is made once for each of many, and each p-value held against the bound for one test: of twenty "
        "where nothing is to be found, one passes 0.05; correct them together "
        "(`scipy.stats.false_discovery_control`, `statsmodels.stats.multitest.multipletests`)",
    )


def _corrects(analysis: Analysis) -> bool:
    known = (*words(_RULE)["corrections"], *_PHRASES)
    return any(word in cell.source.lower() for cell in analysis.notebook.cells for word in known)


def _is_repeated(analysis: Analysis, call: Call) -> bool:
    """Whether a call stands in a loop over what is there, not over so many draws (`range`), outside of functions."""
    if call.deferred or call.cell.tree is None:
        return False
    return any(
        not (isinstance(source, ast.Call) and analysis.qualified_name(source.func) in _COUNTS)
        for kind in _LOOPS
        for loop in analysis.nodes_of(call.cell.tree, kind)
        if any(each is call.node for each in analysis.nodes(loop))
        for source in _sources(loop)
    )


def _sources(loop: ast.AST) -> list[ast.expr]:
    """Return what a loop or a comprehension goes over."""
    match loop:
        case ast.For(iter=source):
            return [source]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return [each.iter for each in loop.generators]
        case _:
            return []


def _bounds(analysis: Analysis) -> Iterator[bool]:
    """Yield whether each comparison with a small bound is one of a p-value."""
    for cell in analysis.notebook.code_cells:
        for node in analysis.nodes_of(cell.tree, ast.Compare) if cell.tree is not None else ():
            for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
                if _is_small(other):
                    yield _is_p_value(one)


def _is_small(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=float() as value):
            return 0 < value <= _LARGEST
        case ast.Name(id=name):
            return name.lower() in {"alpha", "significance", "significance_level", "sig_level"}
        case _:
            return False


def _is_p_value(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return bool(_P_VALUE.fullmatch(name))
        case ast.Subscript(value=value, slice=ast.Constant(value=1)):  # `ttest_ind(a, b)[1]`
            return isinstance(value, (ast.Call, ast.Name))
        case ast.Call():
            return False
        case _:
            return False
