"""repeated-literal: one path, address, date or size is written out in several cells."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from nb2prod.checks._chosen_values import chosen_values
from nb2prod.checks._naming import Place, naming
from nb2prod.checks._repeated_literals import repeated_values
from nb2prod.diagnostics import Finding, Related
from nb2prod.notebook.tree import children
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

_PLACES = 3
_CELLS = 2
_PATH = lazy_pattern(
    r"\w+://\S+"
    r"|(?:~?\.{0,2}[/\\])?(?:[\w .{}()-]+[/\\])*[\w.()-]+"
    r"\.(?:csv|tsv|txt|dat|json|jsonl|xlsx?|parquet|feather|h5|hdf5|npz|npy|pkl|pickle|joblib|zip|gz|tgz|png|jpe?g|pth?"
    r"|onnx|db|sqlite|ya?ml|xml|html)"
    r"|(?:~|\.{1,2})?[/\\](?:[\w.-]+[/\\])+[\w.-]*"
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each path in three places or more, and each address in two, of at least two cells; once."""
    yield from repeated_values(analysis)
    yield from chosen_values(analysis)
    found: dict[str, list[Place]] = {}
    often = _often(analysis)
    for cell in analysis.notebook.code_cells if often else ():
        if cell.tree is not None and ("." in cell.source or "/" in cell.source):
            here = [(text, Place(cell, node)) for node, text in _texts(cell.tree) if text in often]
            for text, place in sorted(here, key=lambda each: each[1].location.range):
                found.setdefault(text, []).append(place)
    for text, places in found.items():
        first, *others = (place.location for place in places)
        cells = {place.cell.index for place in places}
        if len(others) + 1 >= _places(text) and len(cells) >= _CELLS:
            shown = text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 what fits on a line
            yield Finding(
                first,
                f"`{shown}` is written {len(others) + 1} times in {len(cells)} cells; "
                "give it a name once, so that it can be changed in one place",
                tuple(Related(other, "written again") for other in others),
                naming(analysis, text, places),
            )


def _often(analysis: Analysis) -> set[str]:
    """Return the paths and addresses that stand in enough places, whatever these are: most notebooks have none."""
    counts = Counter(
        node.value
        for cell in analysis.notebook.code_cells
        if cell.tree is not None and ("." in cell.source or "/" in cell.source)
        for node in analysis.nodes_of(cell.tree, ast.Constant)
        if isinstance(node.value, str) and ("." in node.value or "/" in node.value or "\\" in node.value)
    )
    return {text for text, count in counts.items() if count >= _places(text) and _PATH.fullmatch(text)}


def _places(text: str) -> int:
    """Return in how many places a text is too many: a whole address, no blank to fill in, stands twice by no chance."""
    return _CELLS if "://" in text and not any(each in text for each in "[]<>{}") else _PLACES


def _texts(tree: ast.AST) -> Iterator[tuple[ast.Constant, str]]:
    """Yield the texts of code; docstrings, what is printed, and parts of f-strings are none."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Constant(value=str() as text):
                yield node, text
            case ast.Expr(value=ast.Constant()) | ast.JoinedStr():
                pass
            case ast.Call(func=ast.Name(id="print"), args=arguments):
                waiting += [each for each in arguments if not isinstance(each, ast.Constant)]
            case _:
                waiting += children(node)
