"""hardcoded-path: a path that exists on one machine only is written into the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._named_paths import is_provided_for, named_paths
from nb2prod.checks._path_fixes import is_parameter, parameter, relative
from nb2prod.diagnostics import Finding, Related
from nb2prod.places import MachinePath, find_machine_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

_ANYWHERE = "is an absolute path"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each machine-bound path once, at the first place it is written."""
    found: dict[str, list[MachinePath]] = {}
    known = list(find_machine_paths(analysis))
    places = {path.location for path in known}
    paths = [*known, *(each for each in named_paths(analysis) if each.location not in places)]
    for path in sorted(paths, key=lambda path: (path.location.cell or 0, path.location.range)):
        if not is_parameter(path) and not is_provided_for(analysis, path):
            found.setdefault(path.text, []).append(path)
    for text, paths in found.items():
        first, *others = paths
        shown = text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 what fits on a line
        again = tuple(Related(other.location, "the same path") for other in others)
        yield Finding(
            first.location,
            f"`{shown}` {first.place or _ANYWHERE}; take it from configuration or make it relative",
            again,
            relative(analysis, paths) or parameter(analysis, paths),
        )
