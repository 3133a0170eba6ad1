"""hardcoded-host: the address of one machine or of an internal network is written into the code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.installs import whole_commands
from nb2prod.patterns import lazy_pattern
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

_NUMBERS = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}"
_INTERNAL = r"[\w-]+(?:\.[\w-]+)*\.(?:local|internal|intranet|corp|lan|localdomain)"
_HOST = rf"(?:localhost|{_NUMBERS}|{_INTERNAL})"
# A name without a domain, with a port behind it: only one network knows which machine that is.
_SINGLE = r"(?!(?:my|your|some)?-?(?:host|hostname|server|address|ip|url|x)\b)[a-z][\w-]*(?=:\d{2,5}(?:[/?\s'\"]|$))"
# In an address, or with a port: `http://10.0.0.3/x`, `mongodb://me@localhost`, `10.0.0.3:5432`.
_ADDRESS = lazy_pattern(
    rf"[a-z][\w+.-]*://(?:[^/@\s]*@)?(?P<host>{_HOST}|{_SINGLE})(?P<port>:\d+)?(?=[/?\s'\"]|$)|^(?P<bare>{_HOST}):\d+$"
    rf"|(?i:\b(?:host|hostaddr|server|data source)=)(?P<paired>{_HOST})(?=[\s;,'\"]|$)"
)
_ALONE = lazy_pattern(rf"^{_HOST}$")
# In each of them is one of these: to look at few cells closely.
_LOCALHOST = "localhost"
_DOTTED = lazy_pattern(r"\.(?:\d+\.\d+\.\d|local|internal|intranet|corp|lan)|://(?:[^/@\s]*@)?[\w-]+:\d")
_ASKS = lazy_pattern(r"(?:environ|getenv|config|settings)\b", re.IGNORECASE)
# Listening on every interface, and the network for examples.
_NO_MACHINE = lazy_pattern(
    r"0\.0\.0\.0|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|255\.|metadata\.google\.internal|169\.254\.169\.254"
)
# What follows runs in a container or on another machine, whose own localhost it is.
_RUNS_INSIDE = lazy_pattern(r"\b(?:kubectl|oc|docker(?:[ -]compose)?|podman)\b[^|;&\n]{0,300}?\bexec\b|\bssh\s")
_OWN = ("localhost", "127.")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each such host once, at the first place it is written, with the others beside it."""
    found: dict[str, list[Location]] = {}
    anywhere = analysis.mentions(_LOCALHOST) or _DOTTED.search(analysis.code())
    for cell in analysis.notebook.code_cells if anywhere else ():
        if _LOCALHOST in cell.source or _DOTTED.search(cell.source):
            for host, location in sorted(_hosts(cell), key=lambda each: each[1].range):
                if not _NO_MACHINE.match(host):
                    found.setdefault(host, []).append(location)
    for host, (first, *others) in found.items():
        where = "this machine" if host.startswith(_OWN) else "one network"
        again = tuple(Related(other, "the same host") for other in others)
        yield Finding(first, f"`{host}` means something on {where} only; take the address from configuration", again)


def _hosts(cell: CodeCell) -> Iterator[tuple[str, Location]]:
    for line in whole_commands(cell):
        if not line.text.startswith("#"):
            for found in _ADDRESS.finditer(line.text):
                if not _is_inside(found):
                    yield _shown(found), line.location
    for node, text, named in _literals(cell.tree) if cell.tree is not None else ():
        if match := _ADDRESS.search(text):
            if not _is_inside(match):
                yield _shown(match), cell.locate(node)
        elif named and _ALONE.match(text):
            yield text, cell.locate(node)


def _is_inside(found: re.Match[str]) -> bool:
    """Whether a command asks a container or another machine for its own localhost."""
    return _shown(found).startswith(_OWN) and _RUNS_INSIDE.search(found.string, 0, found.start()) is not None


def _shown(found: re.Match[str]) -> str:
    if found["paired"]:
        return found["paired"]
    return (found["bare"] and found[0]) or f"{found['host']}{found['port'] or ''}"


def _literals(tree: ast.AST) -> Iterator[tuple[ast.expr, str, bool]]:
    """Yield the texts of code, and whether their name says they are a host; prose and defaults of settings are none."""
    takes_host = words("hardcoded-host")["takes-host"]
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, named = waiting.pop()
        match node:
            case ast.Constant(value=str() as text):
                yield node, text, named
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.JoinedStr(values=values):
                # What is filled in is no part of the host that is written out around it.
                parts = (each.value if isinstance(each, ast.Constant) else "x" for each in values)
                yield node, "".join(map(str, parts)), named
            case ast.Tuple(elts=[ast.Constant(value=str()) as host, ast.Constant(value=int())]):  # (host, port)
                waiting.append((host, True))
            case ast.Call(func=func) if _ASKS.search(ast.unparse(func)) or ast.unparse(func) == "print":
                pass
            case ast.keyword(arg=name, value=value):
                waiting.append((value, name in takes_host))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                waiting.append((value, name.lower() in takes_host or name.lower().endswith("_host")))
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    waiting.append((value, isinstance(key, ast.Constant) and str(key.value).lower() in takes_host))
            case ast.Compare():
                pass
            case _:
                waiting += [(child, named and isinstance(node, ast.List)) for child in ast.iter_child_nodes(node)]
