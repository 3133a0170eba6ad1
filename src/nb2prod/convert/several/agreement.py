"""Whether a package of several notebooks still matches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.agreement import Agreement, changed_runs, file_differences, other_reason
from nb2prod.convert.manifest import Provenance, recorded_options
from nb2prod.convert.several.manifest import recorded_notebooks
from nb2prod.convert.several.package import join_parts, make_joint_package
from nb2prod.convert.several.parts import plan_parts
from nb2prod.errors import ConfigurationError, RefusedError
from nb2prod.generated import cell_changes, cell_digests, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from nb2prod.convert.several.manifest import Recorded
    from nb2prod.convert.several.parts import Part


def compare_with_notebooks(paths: Sequence[Path], folder: Path) -> Agreement:
    """Return how the package in ``folder`` stands to its notebooks, given in any order; see ``compare_with_notebook``.

    Raises ConfigurationError where ``folder`` holds no package of exactly these notebooks, by their file names.
    """
    recorded = recorded_notebooks(folder)
    if recorded is None:
        raise ConfigurationError(f"{folder}: holds no package of several notebooks made by nb2prod convert")
    by_name = {path.name: path for path in paths}
    if set(recorded.names) != set(by_name):
        raise ConfigurationError(f"{folder}: was made of {_listed(recorded.names)}, not of {_listed(list(by_name))}")
    options = recorded_options({**recorded.parts[0], "package": recorded.package})
    parts = plan_parts([by_name[name] for name in recorded.names], options, output=folder)
    digests = [str(each["notebook"].get("sha256")) for each in recorded.parts]
    same_files = digests == [digest(part.draft.content) for part in parts]
    cells = tuple(_cells(parts, recorded))
    try:
        made = make_joint_package(join_parts(parts), [Provenance(each, recorded.generator) for each in digests]).files
    except RefusedError as refused:
        return Agreement(cells, tuple(f"{reason}: this is refused now" for reason in refused.reasons), not same_files)
    why = "a notebook has changed" if cells else other_reason(recorded.generator)
    now = {name: digest(content) for name, content in made.items()}
    return Agreement(cells, tuple(file_differences(recorded.files, now, folder, why)), not same_files)


def _cells(parts: Sequence[Part], recorded: Recorded) -> Iterator[str]:
    for part, row in zip(parts, recorded.parts, strict=True):
        then: Mapping[str, Any] = row["notebook"]
        for change in cell_changes(then.get("cells", ()), cell_digests(part.plan.notebook)):
            yield f"{part.path.name}: {change}"
        yield from (f"{part.path.name}: {change}" for change in changed_runs(then, part.plan.notebook))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))
