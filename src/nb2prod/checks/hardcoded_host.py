"""hardcoded-host: the code connects to one machine by its address."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

_LOCAL = r"localhost|127\.0\.0\.1|0\.0\.0\.0"
# RFC 1918: addresses that mean another machine in every network.
_PRIVATE = r"10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}"
_HINT = re.compile(rf"{_LOCAL}|{_PRIVATE}")
_ADDRESS = re.compile(rf"(?:[\w+.-]+://(?:[^/@\s]*@)?)(?P<host>{_LOCAL}|{_PRIVATE})(?::\d+)?(?:/|$|\?)\S*$")
_BARE = re.compile(rf"(?P<host>{_LOCAL}|{_PRIVATE})(?P<port>:\d+)?$")
_ALONE = re.compile(rf"(?:{_PRIVATE})(?::\d+)?$")
_HOSTS = ("host", "hostname", "server", "address", "hosts", "bootstrap_servers")
_ASKS = frozenset({"os.environ.get", "os.environ.setdefault", "os.getenv"})
_PRINTS = frozenset({"builtins.print"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first address of each cell."""
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not _HINT.search(cell.source):
            continue
        found = next(_addresses(analysis, cell), None)
        if found is not None:
            node, host = found
            message = f"`{host}` is one machine's address; take the host from configuration or the environment"
            yield Finding(cell.locate(node), message)


def _addresses(analysis: Analysis, cell: CodeCell) -> Iterator[tuple[ast.Constant, str]]:
    """Yield the literals that are addresses, with the host in them."""
    assert cell.tree is not None  # noqa: S101 only cells that could be parsed are looked at
    passed: set[int] = set()
    named: set[int] = set()
    for node in nodes(cell.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(id(node.value))
        elif isinstance(node, ast.Call):
            if analysis.qualified_name(node.func) in _ASKS | _PRINTS:
                passed.update(id(argument) for argument in node.args)
            named.update(id(keyword.value) for keyword in node.keywords if keyword.arg in _HOSTS)
            # A pair of host and port, as sockets take it.
            pairs = [each.elts[0] for each in node.args if isinstance(each, ast.Tuple) and len(each.elts) == 2]  # noqa: PLR2004
            named.update(map(id, pairs))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            found = _ADDRESS.match(node.value) or _ALONE.match(node.value)
            if found is None and id(node) in named:
                found = _BARE.match(node.value)
            if found is not None:
                yield node, found.groupdict().get("host") or node.value
