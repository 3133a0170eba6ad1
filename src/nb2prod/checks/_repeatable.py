"""How a call that makes or removes something may be made twice: by an argument, or by another call."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.edits import argument_added, replaced
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Call
    from nb2prod.diagnostics import Edit

RULE = "unrepeatable-write"
_SWITCHES = ("exist_ok", "missing_ok", "ignore_errors")


def switch_of(name: str) -> str | None:
    """Return the argument by which a call does not mind what is there already, or is not there."""
    return next((switch for switch in _SWITCHES if name in words(RULE)[switch]), None)


def repeatable(call: Call) -> Iterator[Edit | None]:
    """Yield the edits that make a call find what it makes, or miss what it removes; None where that is not certain.

    `os.mkdir` becomes `os.makedirs`, which knows `exist_ok`.
    """
    name = call.qualified_name or ""
    switch = "exist_ok" if name == "os.mkdir" else switch_of(name)
    given = call.arguments.get(switch or "")
    positional = len(call.node.args) - name.startswith("os.")  # `os.mkdir` needs the path, `Path.mkdir` has it
    # `rmtree` would ignore every other error too.
    if switch is None or name == "shutil.rmtree" or positional > 0 or "dir_fd" in call.arguments:
        yield None
    elif given is not None:
        yield replaced(call.cell, given, "True")
    else:
        yield argument_added(call.cell, call.node, f"{switch}=True")
    if name == "os.mkdir":
        function = call.node.func
        # `mkdir` alone was imported alone.
        module = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
        yield replaced(call.cell, function, f"{module}.makedirs") if module else None
