"""remote-code-trusted: code is fetched and run in the state it has on that day."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._sources import source_of
from nb2prod.diagnostics import Finding
from nb2prod.literals import is_constant, written_value
from nb2prod.notebook.commands import command_lines
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

_SWITCH = "trust_remote_code"
_RUN = ("torch.hub.load", "builtins.exec", "builtins.eval")
# `curl … | bash`, `bash <(curl …)`, `python -c "$(wget …)"`: what comes over the network is the program.
_PIPED = lazy_pattern(
    r"\b(?:curl|wget)\b[^;&]{0,500}\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:(?:ba|z|da)?sh|python3?|perl)\b(?!\s+-[cm])"
    r"|\b(?:(?:ba|z)?sh|python3?)\b[^;|&]{0,500}[<$]\(\s*(?:curl|wget)\b"
)
_COMMIT = lazy_pattern(r"[0-9a-f]{7,40}")
_MOVING = frozenset({"main", "master", "develop", "dev", "trunk", "nightly", "latest"})


class _Use(NamedTuple):
    """Where code is trusted, and what is done."""

    location: Location
    message: str


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first place of a cell that runs code as it is found on the network."""
    if not (analysis.mentions("trust", "curl", "wget") or any(analysis.calls_of(*_RUN))):
        return
    for cell in analysis.notebook.code_cells:
        first = min(_uses(analysis, cell), key=lambda use: use.location.range, default=None)
        if first is not None:
            yield Finding(first.location, first.message)


def _uses(analysis: Analysis, cell: CodeCell) -> Iterator[_Use]:
    for line in command_lines(cell) if "curl" in cell.source or "wget" in cell.source else ():
        if _PIPED.search(line.text):
            yield _Use(
                line.location,
                "a program is downloaded and run unseen: keep it in the repository, or compare its hash first",
            )
    if _SWITCH.partition("_")[0] in cell.source:
        yield from _trusting(analysis, cell)
    for call in analysis.calls_of(*_RUN):
        if call.cell is cell and (message := _from_hub(call) if call.library == "torch" else _executed(analysis, call)):
            yield _Use(call.location, message)


def _trusting(analysis: Analysis, cell: CodeCell) -> Iterator[_Use]:
    """Yield where code of a model's or data set's repository is let run, unless its commit is given."""
    for line in command_lines(cell):
        if "--trust-remote-code" in line.text and "--revision" not in line.text:
            yield _Use(line.location, _advice("--trust-remote-code"))
    for node in nodes(cell.tree) if cell.tree is not None else ():
        pairs: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.Call):
            pairs = [(each.arg, each.value) for each in node.keywords if each.arg is not None]
        elif isinstance(node, ast.Dict):
            pairs = [
                (key.value, value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            ]
        given = dict(pairs)
        switch = given.get(_SWITCH)
        if switch is not None and is_constant(written_value(analysis, switch), value=True) and not _is_commit(given):
            yield _Use(cell.locate(switch), _advice(f"{_SWITCH}=True"))


def _is_commit(given: dict[str, ast.expr]) -> bool:
    """Whether ``revision`` (or ``code_revision``) is a commit, or something the notebook keeps elsewhere."""
    revision = given.get("code_revision", given.get("revision"))
    if revision is None:
        return False
    return not isinstance(revision, ast.Constant) or bool(_COMMIT.fullmatch(str(revision.value)))


def _advice(switch: str) -> str:
    return f"`{switch}` runs whatever code the repository has on that day: read it, and pin the commit with `revision`"


def _from_hub(call: Call) -> str | None:
    match call.node.args:
        case [ast.Constant(value=str() as name), *_]:
            source = call.arguments.get("source")
            if isinstance(source, ast.Constant) and source.value == "local":
                return None
            repository, _, branch = name.partition(":")
            if branch and branch not in _MOVING:
                return None
            return (
                f"`{call.name}` runs the code of `{repository}` as it is on that day: "
                f"pin a tag or a commit (`{repository}:v1.0`)"
            )
        case _:
            return None


def _executed(analysis: Analysis, call: Call) -> str | None:
    calls = {id(each.node): each for each in analysis.calls()}
    fetched = any(source_of(analysis, argument, calls).fetched for argument in call.node.args)
    return f"`{call.name}` runs text from the network: keep the code in the repository" if fetched else None
