"""package-drift: a notebook and the package made of it have changed since, each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related, Severity
from nb2prod.generated import FILE_NAME, cell_changes, cell_digests, digest
from nb2prod.notebook.location import FIRST, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.generated import GeneratedPackage

# More places than a reader follows.
_MOST_PLACES = 5
_MODULES = "src/"


def check(package: GeneratedPackage) -> Iterator[Finding]:
    """Yield a finding for a notebook whose cells have changed, and for each module edited or gone."""
    yield from _changed_notebook(package)
    for name, recorded in sorted(package.manifest["files"].items()):
        if not name.startswith(_MODULES):
            continue  # tests and texts are there to be edited
        file = package.folder / name
        if not file.is_file():
            yield Finding(Location(package.folder / FILE_NAME, None, FIRST), f"{name} is gone")
        elif digest(file.read_bytes()) != recorded:
            message = "edited since it was generated: the notebook no longer says what the package does"
            yield Finding(Location(file, None, FIRST), message, severity=Severity.NOTE)


def _changed_notebook(package: GeneratedPackage) -> Iterator[Finding]:
    notebook = package.notebook
    if notebook is None:
        return
    changes = list(cell_changes(package.manifest["notebook"].get("cells", ()), cell_digests(notebook)))
    if not changes:
        return
    related = [
        Related(Location(notebook.path, each.cell, FIRST), f"this cell {each.what}")
        for each in changes
        if each.what != "gone"
    ]
    texts = [str(each) for each in changes[:_MOST_PLACES]]
    more = f", and {len(changes) - _MOST_PLACES} more" if len(changes) > _MOST_PLACES else ""
    yield Finding(
        Location(package.folder / FILE_NAME, None, FIRST),
        f"{notebook.path.name} is not what this package was made of: {', '.join(texts)}{more}",
        tuple(related[:_MOST_PLACES]),
    )
