"""unchecked-certificate: certificates are no longer asked for, by a setting that later calls obey."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.literals import is_constant, written_items
from nb2prod.notebook.commands import command_lines
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

_ADVICE = "nobody checks who answers, and what is sent can be read: give the certificate of the authority instead"
_UNVERIFIED = "ssl._create_unverified_context"
_SESSIONS = ("requests.Session", "httpx.Client", "httpx.AsyncClient")
# Arguments of clients of whatever library that mean nothing else: Elasticsearch, aiohttp, Kubernetes, Snowflake, …
_SWITCHES = ("verify_certs", "verify_ssl", "ssl_verify", "ssl_assert_hostname")
# Words that are in any cell with a finding.
_HINTS = ("verif", "CERT_NONE", "insecure", "no-check-certificate", "curl", "PYTHONHTTPSVERIFY", "ssl_assert")
_COMMAND = lazy_pattern(
    r"\bcurl\b[^|;&]{0,500}\s(?:--insecure\b|-[a-zA-Z]*k[a-zA-Z]*(?=\s|$))|\bwget\b[^|;&]{0,500}\s--no-check-certificate\b"
    r"|\bhttp\.sslVerify[= ]false\b"
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield, once a cell, where the check of certificates is switched off for more than one call."""
    words = [word for word in _HINTS if analysis.mentions(word)]
    for cell in analysis.notebook.code_cells if words else ():
        if any(word in cell.source for word in words):
            first = min(_places(analysis, cell), key=lambda place: place[0].range, default=None)
            if first is not None:
                yield Finding(first[0], f"{first[1]}: {_ADVICE}")


def _places(analysis: Analysis, cell: CodeCell) -> Iterator[tuple[Location, str]]:
    for line in command_lines(cell):
        found = _COMMAND.search(line.text)
        if found:
            yield line.location, f"`{found[0].split()[0]}` is told not to ask for a certificate"
    for node in ast.walk(cell.tree) if cell.tree is not None else ():
        switched = None
        match node:
            case ast.Attribute() if analysis.qualified_name(node) == _UNVERIFIED:
                switched = f"`{_UNVERIFIED}` makes connections that ask for no certificate"
            case ast.Name() if analysis.qualified_name(node) == _UNVERIFIED:
                switched = f"`{_UNVERIFIED}` makes connections that ask for no certificate"
            case ast.Assign(targets=[ast.Attribute(attr="verify") as target], value=ast.Constant(value=False)):
                if analysis.qualified_name(target.value) in _SESSIONS or _is_called_session(target.value):
                    switched = f"`{ast.unparse(target)} = False` holds for every request of the session"
            case ast.Assign(targets=[ast.Attribute(attr="verify_mode") as target], value=value):
                if analysis.qualified_name(value) == "ssl.CERT_NONE":
                    switched = f"`{ast.unparse(node)}` asks for no certificate"
            case ast.Call(keywords=keywords) if name := _switched_off(analysis, node, keywords):
                switched = f"`{name}=False` holds for every call of this client"
            case ast.Call(keywords=keywords) if _is_handed_over(analysis, node, keywords):
                switched = "`verify` is False among the options"
            case ast.Assign(
                targets=[ast.Subscript(slice=ast.Constant(value="PYTHONHTTPSVERIFY"))], value=ast.Constant(value="0")
            ):
                switched = "`PYTHONHTTPSVERIFY` is switched off"
        if switched is not None:
            yield cell.locate(node), switched


def _switched_off(analysis: Analysis, node: ast.Call, keywords: list[ast.keyword]) -> str | None:
    """Return the argument by which a client asks for no certificate; those of `requests` and `httpx` are ruff's."""
    for each in keywords:
        if isinstance(each.value, ast.Constant) and each.value.value is False:
            if each.arg in _SWITCHES:
                return each.arg
            if each.arg == "verify" and (analysis.qualified_name(node.func) or "").startswith("boto3."):
                return each.arg
    return None


def _is_handed_over(analysis: Analysis, node: ast.Call, keywords: list[ast.keyword]) -> bool:
    """Whether a request or a client gets ``verify=False`` in a dictionary; ruff sees it among the arguments alone."""
    if not (analysis.qualified_name(node.func) or "").startswith(("requests.", "httpx.")):
        return False
    handed = [written_items(analysis, each.value) for each in keywords if each.arg is None]
    return any(is_constant(each.get("verify"), value=False) for each in handed)


def _is_called_session(node: ast.expr) -> bool:
    """Whether a variable is named like a session: made by a function nobody knows, or given to this one."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.lower().endswith("session")
