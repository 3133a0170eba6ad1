"""unbounded-request: a request by a session or by `urlopen` waits for an answer as long as it takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix
from nb2prod.edits import argument_added

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

# Long enough for any answer that still comes.
_SECONDS = 60
_METHODS = ("delete", "get", "head", "options", "patch", "post", "put", "request")
_SESSION = "requests.Session"
_OF_SESSION = tuple(f"{_SESSION}.{method}" for method in _METHODS)
_OPEN = "urllib.request.urlopen"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the requests without a time limit that are no function of `requests`: those are ruff's S113."""
    calls = list(analysis.calls_of(_OPEN, *_OF_SESSION))
    if not (calls and analysis.mentions("Session", "urlopen")):
        return
    limited = _limited(analysis)
    for call in calls:
        limit = call.arguments.get("timeout", call.arguments.get("2") if call.qualified_name == _OPEN else None)
        endless = limit is None or (isinstance(limit, ast.Constant) and limit.value is None)
        if not endless or call.has_star_arguments or _root(call) in limited:
            continue
        message = (
            f"`{call.name}` has no `timeout`, and a session knows none"
            if call.qualified_name != _OPEN
            else f"`{call.name}` has no `timeout`"
        )
        yield Finding(
            call.location,
            f"{message}: a server that does not answer stops the job for ever; pass `timeout=`",
            fix=_fix(call) if limit is None else None,
        )


def _limited(analysis: Analysis) -> set[str]:
    """Return the sessions that may set a limit by themselves, by name; `urlopen` where sockets have one."""
    found = {
        call.name.partition(".")[0]
        for call in analysis.calls_of(f"{_SESSION}.mount")
        if not _is_plain(analysis, call.node.args[-1:])
    }
    for statement in analysis.statements():
        match statement.node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name), attr=attribute)]) if attribute in (
                *_METHODS,
                "send",
            ):
                found.add(name)
    if analysis.mentions("setdefaulttimeout"):
        found.add("")
    return found


def _is_plain(analysis: Analysis, adapter: list[ast.expr]) -> bool:
    """Whether an adapter is the library's own, which limits nothing."""
    made = adapter[0].func if adapter and isinstance(adapter[0], ast.Call) else None
    return made is not None and (analysis.qualified_name(made) or "").startswith("requests.")


def _root(call: Call) -> str:
    return "" if call.qualified_name == _OPEN else call.name.partition(".")[0]


def _fix(call: Call) -> Fix | None:
    edit = argument_added(call.cell, call.node, f"timeout={_SECONDS}")
    return None if edit is None else Fix(f"pass `timeout={_SECONDS}`", (edit,), Applicability.UNSAFE)
