"""secret-in-source: a password, key or token is written into the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.credentials import credentials_in_words, find_credentials, telling_cells
from nb2prod.diagnostics import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each line that holds a credential; the message never repeats it."""
    for cell in telling_cells(analysis):
        lines: set[int] = set()
        for found in (*find_credentials(analysis, cell), *credentials_in_words(analysis, cell)):
            if found.location.line not in lines:
                lines.add(found.location.line)
                yield Finding(
                    found.location,
                    f"{found.kind} is written here: revoke it and read it from the environment",
                    severity=None if found.known else Severity.WARNING,
                )
