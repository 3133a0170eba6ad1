"""secret-in-output: a password, key or token is in a saved output or in metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.credential_forms import credentials_in_metadata, credentials_in_text
from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveOutputs
from nb2prod.notebook.location import FIRST, Location
from nb2prod.saved_outputs import output_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

LANGUAGE_INDEPENDENT = True


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose outputs or metadata hold a credential, and the notebook if its metadata do."""
    notebook = analysis.notebook
    if kinds := list(dict.fromkeys(credentials_in_metadata(notebook.metadata))):
        where = Location(notebook.path, None, FIRST)
        yield Finding(where, f"the notebook's metadata hold {_listed(kinds)}: revoke it and remove it from there")
    for cell in notebook.cells:
        if cell.metadata and (kinds := list(dict.fromkeys(credentials_in_metadata(cell.metadata)))):
            message = f"the metadata of this cell hold {_listed(kinds)}: revoke it and remove it from there"
            yield Finding(cell.location(), message)
    for code in notebook.code_cells:
        texts = output_texts(analysis).get(code.index, ())
        if kinds := list(dict.fromkeys(kind for text in texts for kind in credentials_in_text(text))):
            fix = Fix("remove the saved outputs", (RemoveOutputs(code.index),), Applicability.UNSAFE)
            message = f"the saved output shows {_listed(kinds)}: revoke it, and clear the output before it is shared"
            yield Finding(code.location(), message, fix=fix)


def _listed(kinds: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
