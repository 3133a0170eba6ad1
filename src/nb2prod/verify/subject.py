"""What is verified: a notebook and the package that was made of it, read and held together before anything runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nb2prod.convert.included import include_runs
from nb2prod.convert.manifest import Provenance, notebook_rows, recorded_options
from nb2prod.convert.run_notes import run_digests
from nb2prod.convert.several.manifest import part_of
from nb2prod.errors import ConfigurationError, RefusedError, UnreadableNotebookError
from nb2prod.generated import FILE_NAME, PARTS, VERSION, digest
from nb2prod.notebook.read import parse_notebook, read_notebook
from nb2prod.verify.cells import cells, points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nb2prod.notebook.model import Notebook
    from nb2prod.verify.trace import Point

# What is compared where a notebook was saved again with other outputs.
_OF_THE_NOTEBOOK = ("package", "steps", "statements")


@dataclass(frozen=True, slots=True)
class Subject:
    """A notebook and its package.

    folder    of the package, absolute
    digest    of the notebook's file
    manifest  the package's ``conversion.json``
    points    where each step of the package ended in the notebook
    cells     the code cells, as the observer takes them
    edited    files of the package that are not as they were generated, or are gone
    files     digest of each file the manifest names and of each module, as it is now
    """

    notebook: Notebook
    path: Path
    digest: str
    folder: Path
    manifest: Mapping[str, Any]
    points: tuple[Point, ...]
    cells: tuple[dict[str, Any], ...]
    edited: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def package(self) -> str:
        """The package's import name."""
        return str(self.manifest["package"])

    @property
    def source(self) -> Path:
        """The folder the package is imported from."""
        return self.folder / "src"


def load_subject(path: Path, folder: Path) -> Subject:
    """Return the notebook at ``path`` and the package in ``folder``.

    Raises ConfigurationError where there is no package, where it was made of another notebook (one that
    differs in more than its outputs), or where its steps cannot be found in the notebook one after the other.
    """
    try:
        content = path.read_bytes()
    except OSError:
        read_notebook(path)  # it has the words for what is wrong
        raise UnreadableNotebookError(f"{path}: cannot be read") from None
    notebook = parse_notebook(content, path)
    manifest = read_manifest(folder, path.name)
    found = digest(content)
    if found != manifest["notebook"]["sha256"]:
        _check_same_program(path, folder, manifest)
    if manifest["notebook"].get("runs", {}) != run_digests(include_runs(notebook)):
        raise ConfigurationError(f"{folder}: was made when {path.name} ran another state of a file; convert it again")
    entry = f"src/{str(manifest['package']).replace('.', '/')}/__main__.py"
    if not (folder / entry).is_file():
        raise ConfigurationError(f"{folder}: has no {entry}; convert the notebook again")
    check_order(manifest)
    files = _files(folder, manifest)
    return Subject(
        notebook,
        path.resolve(),
        found,
        folder.resolve(),
        manifest,
        points(manifest),
        tuple(cells(notebook)),
        tuple(name for name, sha in sorted(manifest["files"].items()) if files.get(name) != sha),
        files,
    )


def read_manifest(folder: Path, notebook: str) -> dict[str, Any]:
    """Return what ``conversion.json`` in ``folder`` says of the notebook with this file name.

    Raises ConfigurationError where it says nothing usable.
    """
    file = folder / FILE_NAME
    try:
        manifest = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"{folder}: holds no {FILE_NAME}; it is no package made by nb2prod convert") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from None
    version = manifest.get("version") if isinstance(manifest, dict) else None
    if version != VERSION:
        raise ConfigurationError(f"{file}: has version {version}, this nb2prod reads {VERSION}; convert again")
    if PARTS in manifest:
        manifest = part_of(manifest, notebook)
        if manifest is None:
            raise ConfigurationError(f"{folder}: {notebook} is none of the notebooks it was made of")
    try:
        _check_shape(manifest)
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: is damaged ({error!r}); convert the notebook again") from None
    return dict(manifest)


def _check_shape(manifest: Mapping[str, Any]) -> None:
    """Raise KeyError or TypeError where something is missing that is read later."""
    manifest["notebook"]["sha256"], manifest["package"].isidentifier, manifest["files"].items
    names = {each["name"] for each in manifest["steps"] if each["arguments"] + each["results"] is not None}
    for row in manifest["statements"]:
        row["cell"] + row["statement"] + row["line"]
        if row["kind"] == "step" and row["name"] not in names:
            raise KeyError(row["name"])


def check_order(manifest: Mapping[str, Any]) -> None:
    """Raise ConfigurationError where a step's statements stand between those of another.

    There is no point in the notebook at which such a step has ended and nothing later has run. Functions
    moved down into the step that uses them stand earlier, and are no part of this.
    """
    last: dict[str, tuple[int, int]] = {}
    for row in manifest["statements"]:
        if row["kind"] == "step":
            place = (row["cell"], row["statement"])
            last[row["name"]] = max(place, last.get(row["name"], place))
    ends = [(step["name"], last[step["name"]]) for step in manifest["steps"] if step["name"] in last]
    for (name, end), (following, later) in pairwise(ends):
        if end > later:
            raise ConfigurationError(
                f"step {name} ends in cell {end[0]}, after step {following}, which runs later and ends in cell "
                f"{later[0]}: there is no place in the notebook to compare them; convert the notebook again"
            )


def _check_same_program(path: Path, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raise ConfigurationError unless converting the notebook again gives the package's steps and modules.

    That is so where only outputs, counts or the layout of the file have changed.
    """
    # LibCST is for the few that were saved again.
    from nb2prod.convert.api import analyse_content, convert_notebook, draft_plan  # noqa: PLC0415

    name = manifest["notebook"].get("name")
    other = ConfigurationError(
        f"{folder}: was made of another notebook, or of another state of {path.name} ({name}); convert it again"
    )
    options = recorded_options(manifest)
    if "." in manifest["package"]:
        # The modules of a part are made with those of the other notebooks, which may be anywhere.
        content = path.read_bytes()
        draft = draft_plan(analyse_content(content, path, options), content, options)
        again = notebook_rows(draft.plan, draft.analysis.statements(), Provenance(""))
        same_cells = again["notebook"]["cells"] == manifest["notebook"].get("cells")
        if not same_cells or any(_plain(again[key]) != manifest[key] for key in _OF_THE_NOTEBOOK):
            raise other
        return
    try:
        files = convert_notebook(path, options).package.files
    except (RefusedError, ConfigurationError):
        raise other from None
    again = json.loads(files[FILE_NAME])
    modules = [{file: sha for file, sha in each["files"].items() if file.startswith("src/")}
               for each in (manifest, again)]  # fmt: skip
    if any(manifest[key] != again[key] for key in _OF_THE_NOTEBOOK) or modules[0] != modules[1]:
        raise other


def _plain(value: object) -> Any:
    """Return a part of a manifest as it is read again."""
    return json.loads(json.dumps(value))


def _files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    names = set(manifest["files"])
    names.update(file.relative_to(folder).as_posix() for file in (folder / "src").rglob("*.py"))
    return {name: digest((folder / name).read_bytes()) for name in sorted(names) if (folder / name).is_file()}
