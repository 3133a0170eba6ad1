"""unsafe-load: a pickle is loaded that the notebook did not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._sources import source_of
from nb2prod.diagnostics import Finding, Severity
from nb2prod.literals import argument, is_constant
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call


_RULE = "unsafe-load"
# What is in every call that asks for code to run; a look before the words are read.
_HINTS = ("unsafe_load", "safe_mode", "dangerous")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first load of a cell that can run code which others put into a file."""
    loads = [call for call in analysis.calls(effects={"unpickle"}) if _may_run_code(analysis, call)]
    switched = list(_switched(analysis))
    if not (loads or switched):
        return
    calls = {id(call.node): call for call in analysis.calls()}
    saves = [call for call in calls.values() if not call.effects.isdisjoint({"model-save", "write-file"})]
    saves = [call for call in saves if not _opens(call) and "network" not in call.effects]
    written = {text for call in saves for text in source_of(analysis, call.node, calls).texts}
    downloads = [call for call in calls.values() if {"network", "write-file"} <= call.effects]
    downloaded = {text for call in downloads for text in source_of(analysis, call.node, calls).texts}
    seen: set[int] = set()
    for call, switch in switched:
        if call.cell.index not in seen:
            seen.add(call.cell.index)
            yield Finding(
                call.location,
                f"`{switch}` lets the file run whatever code is in it: load only what you made and can check",
            )
    for call in loads:
        source = source_of(analysis, call.node, calls)
        # Without a name to compare, a notebook that saves something may load just that.
        own = source.dumped or not written.isdisjoint(source.texts) or (not source.texts and saves)
        fetched = source.fetched or not downloaded.isdisjoint(source.texts)
        if call.cell.index in seen or (own and not fetched):
            continue
        seen.add(call.cell.index)
        what = (
            "the data names, and it comes from the network"
            if fetched
            else ("is in the file, and this notebook did not write it")
        )
        message = (
            f"`{call.name}` runs whatever code {what}: load only what you made and can check "
            f"(a hash, a signature), or keep {_instead(call)}"
        )
        # Since 2.6 torch refuses by itself; which version runs is not known here.
        silent = call.library == "torch" and "weights_only" not in call.arguments
        yield Finding(call.location, message, severity=Severity.NOTE if silent else None)


def _may_run_code(analysis: Analysis, call: Call) -> bool:
    """Whether no argument keeps the call from it: ``weights_only=True``, NumPy's own ``allow_pickle=False``."""
    if call.library == "numpy":
        return is_constant(argument(analysis, call, "allow_pickle"), value=True)
    return not is_constant(argument(analysis, call, "weights_only"), value=True)


def _switched(analysis: Analysis) -> Iterator[tuple[Call, str]]:
    """Yield the calls that ask for a load that runs code, and by what."""
    if not analysis.mentions(*_HINTS):
        return
    known = words(_RULE)
    switches = [(name, value) for key, value in (("by-true", True), ("by-false", False)) for name in known[key]]
    for call in analysis.calls():
        if call.qualified_name in known["unsafe"]:
            yield call, call.name
        for name, value in switches:
            if is_constant(argument(analysis, call, name), value=value):
                yield call, f"{name}={value}"


def _opens(call: Call) -> bool:
    """Whether the call only opens a file: a dump names it as well, and reading opens files too."""
    return call.name.rpartition(".")[2] == "open"


def _instead(call: Call) -> str:
    match call.library:
        case "torch":
            return "weights only (`weights_only=True`)"
        case "numpy" | "pandas":
            return "arrays and tables in a format that holds data only (npz, Parquet)"
        case _:
            return "it in a format that holds data only"
