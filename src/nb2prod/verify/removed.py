"""Calls that libraries have removed or renamed: the table of ``rules/removed.toml``, held against an exception."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from nb2prod.data import rules_folder
from nb2prod.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nb2prod.verify.trace import Failure

KINDS: Final = frozenset({"module", "name", "method", "parameter", "builtin", "message"})
_KEYS = frozenset({"library", "since", "kind", "rows"})
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_NAME = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_NO_ATTRIBUTE_OF_MODULE = re.compile(r"module '([\w.]+)' has no attribute '(\w+)'")
_NO_ATTRIBUTE = re.compile(
    r"(?:type object )?'(\w+)' object has no attribute '(\w+)'|type object '(\w+)' has no attribute '(\w+)'"
)
_NO_PARAMETER = re.compile(
    r"(?:(\w+)\(\) )?got an unexpected keyword argument '(\w+)'|unexpected keyword argument\W+(\w+)"
)
_NOT_DEFINED = re.compile(r"name '(\w+)' is not defined")


@dataclass(frozen=True, slots=True)
class Removed:
    """A call that is gone.

    name     qualified: a module, a name in one, ``Class.method``, or ``function(parameter)``; for the kind
             ``message`` a regular expression over the exception's message
    library  as people call it
    since    the version it was gone in
    instead  what to write
    """

    name: str
    kind: str
    library: str
    since: str
    instead: str

    def __str__(self) -> str:
        """Return what is to be known, as a sentence."""
        what = "this" if self.kind == "message" else f"`{self.name}`"
        return f"{what} is gone since {self.library} {self.since}: {self.instead}"


@cache  # read once a run, and only when a notebook has failed
def removed_calls(file: Path | None = None) -> tuple[Removed, ...]:
    """Return the table; raises ConfigurationError where a row or a key is not as it should be."""
    file = file or rules_folder() / "removed.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if table.keys() != {"removed"}:
        raise ConfigurationError(f"{file}: holds [[removed]] groups and nothing else")
    return tuple(row for group in table["removed"] for row in _rows(group, file))


def _rows(group: dict[str, str], file: Path) -> Iterator[Removed]:
    if group.keys() != _KEYS:
        raise ConfigurationError(f"{file}: a group has the keys {', '.join(sorted(_KEYS))}, not {sorted(group)}")
    if group["kind"] not in KINDS:
        raise ConfigurationError(f"{file}: kind {group['kind']!r} is none of {', '.join(sorted(KINDS))}")
    for line in group["rows"].strip().splitlines():
        name, arrow, instead = line.partition(" -> ")
        if not arrow or not name.strip() or not instead.strip():
            raise ConfigurationError(f"{file}: {line!r} is no row `name -> what to write instead`")
        _check_name(name.strip(), group["kind"], file)
        yield Removed(name.strip(), group["kind"], group["library"], group["since"], instead.strip())


def _check_name(name: str, kind: str, file: Path) -> None:
    if kind == "message":
        re.compile(name)
        return
    form = {
        "module": r"[\w.]+",
        "name": r"[\w]+(\.\w+)+",
        "method": r"\w+(\.\w+)+",
        "parameter": r"[\w.]+\(\w+\)",
        "builtin": r"\w+",
    }[kind]
    if not re.fullmatch(form, name):
        raise ConfigurationError(f"{file}: {name!r} is no name of the kind {kind}")


def likely_removed(failure: Failure, code: str = "") -> Removed | None:
    """Return the removed call a notebook's exception is about, if the table knows one.

    code  the line of the notebook that failed; without it the traceback is looked at
    """
    return next(_matches(failure, code or failure.traceback), None)


def _matches(failure: Failure, code: str) -> Iterator[Removed]:
    message = failure.message
    asked = tuple(_asked(failure))
    for row in removed_calls():
        if row.kind == "message":
            if re.search(row.name, f"{failure.kind}: {message}"):
                yield row
            continue
        for kind, where, what in asked:
            if kind == row.kind and _is_meant(row, where, what, code):
                yield row


def _asked(failure: Failure) -> Iterator[tuple[str, str, str]]:
    """Yield what the exception says is missing: the kind, where it was looked for, and its name."""
    message = failure.message
    if found := _NO_MODULE.search(message):
        yield "module", "", found[1]
    if found := _NO_NAME.search(message):
        yield "name", found[2], found[1]
        yield "module", "", f"{found[2]}.{found[1]}"
    if found := _NO_ATTRIBUTE_OF_MODULE.search(message):
        yield "name", found[1], found[2]
        yield "module", "", f"{found[1]}.{found[2]}"
    elif found := _NO_ATTRIBUTE.search(message):
        yield "method", found[1] or found[3], found[2] or found[4]
    if failure.kind in {"TypeError", "AttributeError"} and (found := _NO_PARAMETER.search(message)):
        yield "parameter", found[1] or "", found[2] or found[3]
    if found := _NOT_DEFINED.search(message):
        yield "builtin", "", found[1]


def _is_meant(row: Removed, where: str, what: str, code: str) -> bool:
    match row.kind:
        case "module":
            # The message names the module that is missing, or the first of its parents that is.
            return what == row.name or what.startswith(f"{row.name}.")
        case "name":
            module, _, name = row.name.rpartition(".")
            return name == what and (where == module or where.startswith(f"{module}."))
        case "method":
            kind, _, name = row.name.rpartition(".")
            return name == what and kind.rpartition(".")[2] == where
        case "parameter":
            function, _, name = row.name.rstrip(")").partition("(")
            short = function.rpartition(".")[2]
            # A class says `Lasso.__init__()`; the code says which call it was.
            return name == what and (short == where or re.search(rf"\b{short}\b", code) is not None)
        case _:
            return what == row.name
