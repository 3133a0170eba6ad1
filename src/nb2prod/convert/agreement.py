"""Whether a package still matches its notebook: what has changed on either side, by cell and by file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.api import make_package, plan_notebook
from nb2prod.convert.contracts import observed_contracts
from nb2prod.convert.emit.project import CONSTRAINTS
from nb2prod.convert.manifest import Provenance, recorded_inputs, recorded_options
from nb2prod.convert.run_notes import run_digests
from nb2prod.errors import ConfigurationError, RefusedError
from nb2prod.generated import FILE_NAME, cell_changes, cell_digests, digest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from nb2prod.notebook.model import Notebook


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a notebook and its package stand to each other.

    cells      what has become of cells since the conversion; it may be of no consequence to the package
    files      what is wrong with files of the package: edited, gone, or would be generated otherwise
    saved_again  the notebook's file is not the one that was converted
    """

    cells: tuple[str, ...]
    files: tuple[str, ...]
    saved_again: bool

    @property
    def matches(self) -> bool:
        """Whether converting again would change nothing that matters."""
        return not self.files


def compare_with_notebook(path: Path, folder: Path) -> Agreement:
    """Return how the package in ``folder`` stands to the notebook at ``path``; nothing is run or written.

    The notebook is converted again as it was then, and the files are held together. Only who made them,
    and the digest of the notebook's file, are taken to be what the package says: a notebook that was
    saved again with other outputs still matches where they make no difference.

    Raises ConfigurationError where ``folder`` holds no package of a notebook with this file name.
    """
    recorded = read_manifest(folder)
    if recorded is None:
        raise ConfigurationError(f"{folder}: holds no {FILE_NAME}; it is no package made by nb2prod convert")
    if recorded["notebook"].get("name") != path.name:
        raise ConfigurationError(f"{folder}: was made of {recorded['notebook'].get('name')}, not of {path.name}")
    draft = plan_notebook(path, recorded_options(recorded), output=folder)
    if inputs := recorded_inputs(recorded):
        draft = replace(draft, plan=observed_contracts(draft.plan, draft.analysis, inputs))
    same_file = digest(draft.content) == recorded["notebook"].get("sha256")
    cells = (
        ()
        if same_file
        else tuple(map(str, cell_changes(recorded["notebook"].get("cells", ()), cell_digests(draft.plan.notebook))))
    )
    cells = (*cells, *changed_runs(recorded["notebook"], draft.plan.notebook))
    provenance = Provenance(str(recorded["notebook"].get("sha256")), str(recorded["generator"]))
    try:
        made = make_package(draft, provenance).files
    except RefusedError as refused:
        return Agreement(cells, tuple(f"{reason}: this is refused now" for reason in refused.reasons), not same_file)
    why = "the notebook has changed" if cells else other_reason(recorded["generator"])
    digests = {name: digest(content) for name, content in made.items()}
    if recorded.get("observed") and not cells:
        digests = {name: each for name, each in digests.items() if not _tells_of_a_run(name)}
        digests |= {name: each for name, each in recorded["files"].items() if _tells_of_a_run(name)}
    found = file_differences(recorded["files"], digests, folder, why)
    return Agreement(cells, tuple(found), not same_file)


def changed_runs(recorded: Mapping[str, Any], notebook: Notebook) -> Iterator[str]:
    """Yield which files that a notebook runs are other ones than when it was converted."""
    then, now = recorded.get("runs", {}), run_digests(notebook)
    yield from (
        f"{file}, which it runs, has changed" for file in sorted({*then, *now}) if then.get(file) != now.get(file)
    )


def _tells_of_a_run(name: str) -> bool:
    """Return whether a file of a verified package holds what a run was seen to make, which is not run again."""
    return name.startswith("tests/") or name in ("README.md", CONSTRAINTS)


def other_reason(generator: str) -> str:
    """Return why a package of notebooks that have not changed may be another now; ``generator`` made it."""
    now = Provenance("").generator
    if generator != now:
        return f"{now} makes another than {generator} did"
    return "the outputs in the notebook, what lies beside it, or what is installed has changed"


def file_differences(then: Mapping[str, str], made: Mapping[str, str], folder: Path, why: str) -> Iterator[str]:
    """Yield what is wrong with the files of a package.

    then, made  the digest of each file when it was written, and as it would be now
    why         said of those that would be other ones now
    """
    for name in sorted({*then, *made} - {FILE_NAME}):
        file = folder / name
        found = digest(file.read_bytes()) if file.is_file() else None
        if found == made.get(name):
            continue
        if name in then and found is None:
            yield f"{name} is gone"
        elif name in then and found != then[name]:
            yield f"{name} has been edited since it was generated"
        elif name not in then and found is not None:
            yield f"{name} would be generated, and somebody else's file has its name"
        elif name not in made:
            yield f"{name} would not be generated: {why}"
        else:
            yield f"{name} is out of date: {why}"
