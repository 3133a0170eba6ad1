"""Dates, buckets and sizes that are written out in several cells."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.callees import last_name
from nb2prod.diagnostics import Finding, Related
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

_CELLS = 3
_DATE = lazy_pattern(r"\d{4}-[01]\d-[0-3]\d")
_BUCKET = lazy_pattern(r"((?:s3[an]?|gs|abfss?|wasbs?|hdfs)://[\w.@-]+)/")
# Arguments of figures, which are no part of what is computed.
_LOOKS = frozenset({"figsize", "xlim", "ylim", "bbox_to_anchor", "loc", "xytext", "xy", "range"})


def repeated_values(analysis: Analysis) -> Iterator[Finding]:
    """Yield each date, bucket and pair of sizes that stands in three cells or more, once."""
    found: dict[str, list[tuple[CodeCell, ast.expr]]] = {}
    for cell in analysis.notebook.code_cells:
        for text, node in _values(analysis, cell):
            found.setdefault(text, []).append((cell, node))
    for text, places in found.items():
        # One whole address is reported as such.
        if _is_one_address(text, places):
            continue
        if len({cell.index for cell, _ in places}) >= _CELLS:
            ordered: list[Location] = sorted(
                (cell.locate(node) for cell, node in places), key=lambda each: (each.cell or 0, each.range)
            )
            message = (
                f"`{text}` is written {len(places)} times in {len({each.cell for each in ordered})} cells; "
                "give it a name once, so that it can be changed in one place"
            )
            yield Finding(ordered[0], message, tuple(Related(each, "written again") for each in ordered[1:]))


def _is_one_address(text: str, places: list[tuple[CodeCell, ast.expr]]) -> bool:
    return "://" in text and len({ast.unparse(node) for _, node in places}) == 1


def _values(analysis: Analysis, cell: CodeCell) -> Iterator[tuple[str, ast.expr]]:
    """Yield the dates, buckets and sizes of a cell as text, and where they stand."""
    if cell.tree is None:
        return
    calls = analysis.nodes_of(cell.tree, ast.Call)
    if "-" in cell.source or "://" in cell.source:
        found = [(text, node) for node in analysis.nodes_of(cell.tree, ast.Constant) if (text := _written(node))]
        # Where a made-up series begins is no matter of the others.
        begins = {id(each.args[0]) for each in calls if each.args and _is_range(each)} if found else ()
        yield from ((text, node) for text, node in found if id(node) not in begins)
    sizes = [(size, pair) for pair in analysis.nodes_of(cell.tree, ast.Tuple) if (size := _size(pair))]
    looks = {id(each.value) for call in calls for each in call.keywords if each.arg in _LOOKS} if sizes else ()
    yield from ((size, pair) for size, pair in sizes if id(pair) not in looks)


def _written(node: ast.Constant) -> str:
    """Return a date, or the bucket of an address; empty for anything else."""
    text = node.value
    if not isinstance(text, str):
        return ""
    if len(text) == len("2024-01-31") and _DATE.fullmatch(text):
        return text
    bucket = _BUCKET.match(text) if "://" in text else None
    return bucket[1] if bucket else ""


def _is_range(call: ast.Call) -> bool:
    name = last_name(call.func)
    return name is not None and name.endswith("_range")


def _size(node: ast.Tuple) -> str:
    """Return two equal sizes of an image as text: `(224, 224)`, the colours left out; empty for anything else."""
    values = [each.value for each in node.elts if isinstance(each, ast.Constant) and isinstance(each.value, int)]
    if len(values) != len(node.elts) or len(values) not in (2, 3, 4):
        return ""
    sides = [each for each in values if each > 4]  # noqa: PLR2004 rows of a batch of one, and colours
    return f"({sides[0]}, {sides[1]})" if len(sides) == 2 and sides[0] == sides[1] else ""  # noqa: PLR2004 height and width
