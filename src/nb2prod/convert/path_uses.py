"""What a notebook does with a path it has written out: reads it, writes it, or names it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.places import MachinePath

_WRITERS = re.compile(r"(?:to_|save|write|dump|export|imsave|savefig)")
# Methods of a path that read or write the file it names.
_OF_PATHS = frozenset({"write_text", "write_bytes", "read_text", "read_bytes", "open"})
_READERS = re.compile(r"(?:read|load|open|imread|listdir|glob|walk|scandir)")


@dataclass(frozen=True, slots=True)
class PathUse:
    """How a path is used. ``assigned`` is the variable it is assigned to, if any."""

    verb: str
    preposition: str
    assigned: str | None


def path_uses(path: MachinePath, analysis: Analysis) -> PathUse:
    """Return how the path is used first: directly in a call, or through the variable it is assigned to."""
    assigned = _assigned(path, analysis)
    for call in analysis.calls():
        arguments = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
        inner = [node for argument in arguments for node in ast.walk(argument)]
        if any(node is path.node for node in inner) or (
            assigned is not None and any(isinstance(node, ast.Name) and node.id == assigned for node in inner)
        ):
            verb = file_verb(call)
            if verb:
                return PathUse(verb, "from" if verb == "reads" else "to" if verb == "writes" else "in", assigned)
    return PathUse("uses", "in", assigned)


def _assigned(path: MachinePath, analysis: Analysis) -> str | None:
    for statement in analysis.flow.statements:
        if statement.cell is not path.cell:
            continue
        for node in ast.walk(statement.node):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is path.node:
                    return name
                case ast.keyword(arg=str() as name, value=value) if value is path.node and len(name) > 3:  # noqa: PLR2004 ``f`` says nothing
                    return name if name not in ("path", "file", "filename", "filepath_or_buffer", "data") else None
    return None


def file_verb(call: Call) -> str | None:
    """Return what a call does with the path it is given: ``reads``, ``writes``, ``makes``, ``goes to``, or None."""
    name = call.name.rpartition(".")[2]
    if call.qualified_name == "builtins.open":
        modes = [*call.node.args[1:2], *(word.value for word in call.node.keywords if word.arg == "mode")]
        writes = any(isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value)) for mode in modes)
        return "writes" if writes else "reads"
    if name in ("makedirs", "mkdir"):
        return "makes"
    if not call.effects.isdisjoint({"write-file", "model-save"}) or _WRITERS.match(name):
        return "writes"
    if call.qualified_name in ("os.chdir", "contextlib.chdir"):
        return "goes to"
    if "read-file" in call.effects or _READERS.match(name):
        return "reads"
    return None


def paths_given(call: Call) -> Iterator[ast.expr]:
    """Yield what names the file in a call that reads or writes one."""
    if call.info is not None and call.info.path:
        yield from (call.arguments[name] for name in call.info.path if name in call.arguments)
        return
    func = call.node.func
    if isinstance(func, ast.Attribute) and func.attr in _OF_PATHS:
        yield func.value
    elif call.node.args:
        # ``np.save(file, values)``, ``open(file)``; of what nobody knows the first text that names a file.
        yield from call.node.args[:2]
