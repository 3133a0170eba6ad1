"""The text of a cell that a fix adds to a file: indented, keyed and spaced as the cells that are there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nb2prod.notebook.raw_json import WHOLE, blank_end, find

if TYPE_CHECKING:
    from nb2prod.diagnostics import InsertCell
    from nb2prod.notebook.model import Notebook

# Before 4.5 a cell has no id, and one that has is not valid.
_WITH_IDS = (4, 5)


def new_cell(notebook: Notebook, insertion: InsertCell, neighbour: str, indent: str) -> str:
    """Return the JSON text of the new cell.

    ``neighbour`` is the text of a cell of the file and ``indent`` the space before it, line end
    included; without a line end in it the new cell is on one line.
    """
    cell = _content(notebook, insertion)
    members = find(neighbour, 0, {"source": WHOLE})[0]
    if "source" in members and neighbour[members["source"][0]] == "[":
        cell["source"] = insertion.source.splitlines(keepends=True)
    ascii_only = notebook.text.isascii()
    inner = neighbour[1 : blank_end(neighbour, 1)]
    if "\n" not in inner or "\n" not in indent:
        separators = (", ", ": ") if '": ' in neighbour else (",", ":")
        return json.dumps(cell, ensure_ascii=ascii_only, separators=separators)
    # A tab or some spaces: what members are indented by beyond their cell.
    step = inner.rpartition("\n")[2].removeprefix(indent.rpartition("\n")[2]) or " "
    text = json.dumps(cell, ensure_ascii=ascii_only, indent=step)
    return text.replace("\n", indent)


def _content(notebook: Notebook, insertion: InsertCell) -> dict[str, Any]:
    """Return the cell as nbformat describes it, keys in the order nbformat writes them."""
    code: dict[str, Any] = {"execution_count": None} if insertion.kind == "code" else {}
    name = {"id": _free_id(notebook, insertion)} if notebook.nbformat >= _WITH_IDS else {}
    outputs: dict[str, Any] = {"outputs": []} if insertion.kind == "code" else {}
    metadata = {"metadata": {"tags": list(insertion.tags)} if insertion.tags else {}}
    return {"cell_type": insertion.kind} | code | name | metadata | outputs | {"source": insertion.source}


def _free_id(notebook: Notebook, insertion: InsertCell) -> str:
    """Return an id no cell has; the same file gets the same one."""
    from hashlib import sha256  # noqa: PLC0415 - most runs add no cell

    taken = {cell.id for cell in notebook.cells}
    number = 0
    while True:
        name = sha256(f"{number} {insertion.before} {insertion.source}".encode(errors="surrogatepass")).hexdigest()[:8]
        if name not in taken:
            return name
        number += 1
