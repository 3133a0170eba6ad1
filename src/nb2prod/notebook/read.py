"""Reading: from a file's bytes to a :class:`Notebook`, or one sentence that says why not."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nb2prod.errors import UnreadableNotebookError
from nb2prod.notebook.code import read_code, with_automagics
from nb2prod.notebook.model import MarkdownCell, Notebook, RawCell
from nb2prod.notebook.parse import silenced
from nb2prod.notebook.raw_json import loads_with_places
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path, PurePath

    from nb2prod.notebook.model import Cell

NEWEST_MAJOR = 4
# What an output may show as text, as nbformat names it.
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")

# Kernel names carry a language only by custom; what no row says is Python, as most kernels are.
_KERNEL_LANGUAGES = (
    (lazy_pattern(r"^ir\d*$|^r$|-r$"), "r"),
    (lazy_pattern(r"^(?:xcpp|xeus-cling)"), "c++"),
    (lazy_pattern(r"^i?(julia|haskell|ruby|java|javascript|typescript|scala|kotlin|rust)\b"), None),
    (lazy_pattern(r"^(sas|stata|octave|matlab|bash|deno)\b"), None),
    (lazy_pattern(r"^\.net-(\w+)"), None),
)
_PYTHON_NAMES = frozenset({"python", "python2", "python3", "ipython", "ipython2", "ipython3", "pyspark", "pyspark3"})


def read_notebook(path: Path, *, transparent: Collection[str] = ()) -> Notebook:
    """Return the notebook in the file ``path``.

    ``transparent`` are names of cell magics whose cell is Python that runs as if they were not there.
    Raises ``UnreadableNotebookError`` with one sentence that says why there is none.
    """
    # Nobody holds the bytes while their text is read: notebooks have hundreds of megabytes.
    return parse_notebook(decoded(_content(path), path), path, transparent=transparent)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableNotebookError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UnreadableNotebookError(f"{path}: is a folder, not a notebook") from None
    except PermissionError:
        raise UnreadableNotebookError(f"{path}: reading it is not permitted") from None
    except OSError as error:
        raise UnreadableNotebookError(f"{path}: cannot be read: {error.strerror or error}") from error


def parse_notebook(content: str | bytes, path: PurePath, *, transparent: Collection[str] = ()) -> Notebook:
    """Return the notebook ``content`` holds; ``path`` is where it says it comes from.

    ``transparent``: see ``read_notebook``.
    Raises ``UnreadableNotebookError`` with one sentence that says why there is none.
    """
    text = content.removeprefix("\ufeff") if isinstance(content, str) else decoded(content, path)
    data, cell_starts = _load(text, path)
    if not isinstance(data, dict):
        raise UnreadableNotebookError(f"{path}: not a notebook: the file holds {_kind(data)}, not a JSON object")
    major, minor = _version(data, path)
    upgraded = major < NEWEST_MAJOR
    if upgraded:
        data, cell_starts = _upgrade(text, path), ()
    saved_cells = data.get("cells")
    if not isinstance(saved_cells, list):
        raise UnreadableNotebookError(f"{path}: not a notebook: it has no list of cells")
    metadata = _mapping(data.get("metadata"))
    language = _language(metadata)
    with silenced():
        cells = _cells(saved_cells, path, is_python=language == "python", ids=not upgraded, transparent=transparent)
        if language == "python":
            cells = with_automagics(cells)
    return Notebook(
        path=path,
        cells=cells,
        language=language,
        nbformat=(major, minor),
        metadata=metadata,
        text=text,
        cell_starts=cell_starts,
    )


def decoded(content: bytes, path: PurePath) -> str:
    """Return the text of a JSON file: UTF-8, or UTF-16 and UTF-32 as their first bytes tell.

    Raises ``UnreadableNotebookError`` for what is no text.
    """
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding, "surrogatepass")
    except UnicodeDecodeError as error:
        raise UnreadableNotebookError(
            f"{path}: not a text file: byte {error.start + 1} is not {encoding.removesuffix('-sig').upper()}"
        ) from None


def _load(text: str, path: PurePath) -> tuple[Any, Sequence[int]]:
    """Return the file's JSON, and where its cells start: noted here, they need not be looked for when it is reported.

    That takes no longer, and looking for them was a fiftieth of a run.
    """
    if not text or text.isspace():
        raise UnreadableNotebookError(f"{path}: the file is empty")
    with suppress(ValueError, RecursionError):
        return loads_with_places(text, "cells")
    try:
        return json.loads(text), ()
    except json.JSONDecodeError as error:
        raise UnreadableNotebookError(
            f"{path}:{error.lineno}:{error.colno}: not JSON: {_not_json(text, error)}"
        ) from None
    except RecursionError:
        raise UnreadableNotebookError(f"{path}: its JSON is too deeply nested to be read") from None
    except ValueError as error:  # an integer with more digits than Python converts
        raise UnreadableNotebookError(f"{path}: not JSON that can be read: {error}") from None


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    if text.startswith("version https://git-lfs"):
        return "this is a Git LFS pointer, run `git lfs pull` to get the notebook"
    line = text[text.rfind("\n", 0, error.pos) + 1 :]
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return "a merge conflict is not resolved"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return "the file ends too early"
    return error.msg[:1].lower() + error.msg[1:]


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _version(data: Mapping[str, Any], path: PurePath) -> tuple[int, int]:
    major = _integer(data.get("nbformat"))
    if major is None or major < 1:
        raise UnreadableNotebookError(f"{path}: not a notebook: it does not say which `nbformat` it has")
    minor = _integer(data.get("nbformat_minor")) or 0
    if major > NEWEST_MAJOR:
        raise UnreadableNotebookError(
            f"{path}: nbformat {major}.{minor} is newer than {NEWEST_MAJOR}, the newest that can be read"
        )
    return major, minor


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def _upgrade(text: str, path: PurePath) -> dict[str, Any]:
    """Return a notebook older than nbformat 4 as nbformat's own upgrade makes it."""
    import nbformat  # noqa: PLC0415 - a quarter of a second that only old notebooks pay

    with silenced():
        try:
            notebook = nbformat.convert(nbformat.reader.reads(text), NEWEST_MAJOR)  # type: ignore[no-untyped-call]
        except Exception as error:
            # On malformed files nbformat raises whatever its code runs into, assertions included.
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise UnreadableNotebookError(f"{path}: not a notebook: nbformat cannot upgrade it: {reason}") from error
    return dict(notebook)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _language(metadata: Mapping[str, Any]) -> str:
    kernel = _mapping(metadata.get("kernelspec"))
    # Jupytext's word where a script of another language became a notebook that no kernel has run yet.
    script = None if kernel else _mapping(metadata.get("jupytext")).get("main_language")
    for said in (kernel.get("language"), _mapping(metadata.get("language_info")).get("name"), script):
        if isinstance(said, str) and said.strip():
            language = said.strip().lower()
            return "python" if language in _PYTHON_NAMES else language
    name = kernel.get("name")
    return _language_of_kernel(name.strip().lower()) if isinstance(name, str) else "python"


def _language_of_kernel(name: str) -> str:
    for pattern, language in _KERNEL_LANGUAGES:
        if found := pattern.search(name):
            return language or found[1]
    return "python"


def _cells(
    saved: Sequence[object], path: PurePath, *, is_python: bool, ids: bool, transparent: Collection[str]
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for index, cell in enumerate(saved, start=1):
        if not isinstance(cell, dict):
            raise UnreadableNotebookError(f"{path}: not a notebook: cell {index} is {_kind(cell)}, not a JSON object")
        cell_id = cell.get("id")
        shared = (
            path,
            index,
            cell_id if ids and isinstance(cell_id, str) else None,
            _source(cell.get("source")),
            _mapping(cell.get("metadata")),
        )
        match cell.get("cell_type"):
            case "code":
                outputs = cell.get("outputs")
                cells.append(
                    read_code(
                        *shared,
                        transparent=transparent,
                        execution_count=_integer(cell.get("execution_count")),
                        outputs=tuple([_whole(output) for output in outputs if isinstance(output, dict)])
                        if isinstance(outputs, list)
                        else (),
                        is_python=is_python,
                    )
                )
            case "markdown":
                cells.append(MarkdownCell(*shared))
            case _:
                cells.append(RawCell(*shared))
    return tuple(cells)


def _whole(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output with its text whole: as a list of its lines it takes twice the memory, and all rules join it."""
    data = output.get("data")
    for holder, kinds in ((output, ("text",)), (data, _TEXTS)):
        if isinstance(holder, dict):
            for kind in kinds:
                lines = holder.get(kind)
                if isinstance(lines, list):
                    with suppress(TypeError):  # malformed: it stays as it is
                        holder[kind] = "".join(lines)
    return output


def _source(source: object) -> str:
    """Return a cell's text: saved as a string, as a list of them, or (malformed) with nulls between."""
    if isinstance(source, str):
        return source
    if isinstance(source, list):
        try:
            return "".join(source)
        except TypeError:
            return "".join([entry for entry in source if isinstance(entry, str)])
    return ""
