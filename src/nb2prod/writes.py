"""What a notebook leaves behind: files, databases, registries, by calls, magics and shell lines."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from nb2prod.operations import operations
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell, Magic

WriteKind = Literal["model", "figure", "data", "unknown"]

_FIGURES = frozenset({"savefig", "write_image", "imsave", "imwrite", "save_svg", "fig.save"})
_WORD = lazy_pattern(r"[a-z]+|[A-Z][a-z]*|[A-Z]+")
# What a shell line that only asks begins with, and what sends its output into a file.
_REDIRECTED = lazy_pattern(r"(?<![0-9&|-])>{1,2}\s*[^&\s]")
_COMMAND = lazy_pattern(r"(?:sudo\s+)?([\w./-]+)")


class Write(NamedTuple):
    """Something that is kept beyond the run.

    kind  ``model``, ``figure`` (a picture), ``data`` (anything else that is known to be written), or
          ``unknown``: a call nobody knows whose name says that it keeps or sends something
    call  None for magics and shell lines
    """

    kind: WriteKind
    location: Location
    call: Call | None


def writes(analysis: Analysis) -> Sequence[Write]:
    """Return what the notebook's code writes, or may write: calls in written order, then magics and shell lines."""
    return analysis.once(_writes)


def _writes(analysis: Analysis) -> tuple[Write, ...]:
    return (*_by_calls(analysis), *_by_magics(analysis))


def _by_calls(analysis: Analysis) -> Iterator[Write]:
    unkept = analysis.mentions("Trainer") and _keeps_no_checkpoint(analysis)
    for call in analysis.calls():
        kind = _kind(call)
        if kind is not None and not (unkept and call.qualified_name in operations().checkpoints):
            yield Write(kind, call.location, call)


def _keeps_no_checkpoint(analysis: Analysis) -> bool:
    """Whether a trainer is told to write nothing while it trains: `TrainingArguments(folder, save_strategy="no")`."""
    given = (call.arguments.get("save_strategy") for call in analysis.calls_of(*operations().checkpoints))
    return any(isinstance(each, ast.Constant) and each.value == "no" for each in given)


def _by_magics(analysis: Analysis) -> Iterator[Write]:
    for cell in analysis.notebook.code_cells:
        for magic in cell.magics:
            if _magic_writes(magic):
                yield Write("unknown", cell.location(magic.range.start.line), None)
        if _leaves_by_language(cell):
            yield Write("unknown", cell.location(), None)


def _kind(call: Call) -> WriteKind | None:
    name = call.name.rpartition(".")[2]
    if "model-save" in call.effects:
        return "model"
    if _is_open_for_writing(call, name):
        return "data"
    if call.info is None:
        if name in _FIGURES:
            return "figure"
        # A constructor or a class method of the notebook may do anything too; its name is all there is.
        return "unknown" if _says_so(name) else None
    if "write-file" not in call.effects or not _has_target(call):
        return None
    # What is downloaded comes from elsewhere: nothing of the notebook's own is kept. A registry keeps what it is sent.
    if "network" in call.effects and not (_says_so(name) or call.library in operations().registries):
        return None
    return "figure" if name in _FIGURES or call.library in ("matplotlib", "seaborn", "plotly") else "data"


def _is_open_for_writing(call: Call, name: str) -> bool:
    if name not in ("open", "fdopen"):
        return False
    mode = call.arguments.get("mode", call.arguments.get("0" if isinstance(call.node.func, ast.Attribute) else "1"))
    return (
        isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set("wax+").isdisjoint(mode.value)
    ) or (mode is not None and not isinstance(mode, ast.Constant))


def _has_target(call: Call) -> bool:
    """Whether a call that writes is told where: `df.to_csv()` returns a text."""
    if call.info is None or not call.info.path or call.has_star_arguments:
        return True
    return not (
        set(call.info.path) & {name for name, _ in call.info.defaults} and not set(call.info.path) & set(call.arguments)
    )


def _says_so(name: str) -> bool:
    """Whether a name says that something is kept or sent: `saveModel`, `to_csv`, `upload_blob`."""
    known = operations()
    return name in known.methods or any(word.lower() in known.words for word in _WORD.findall(name))


def _magic_writes(magic: Magic) -> bool:
    """Whether a magic or a shell line may leave something behind."""
    if magic.kind == "shell" or magic.name in ("sh", "bash", "system", "sx", "script"):
        if _REDIRECTED.search(magic.argument):
            return True
        command = _COMMAND.match(magic.argument.strip())
        return command is None or command[1] not in operations().reading_commands
    return magic.kind in ("line", "cell") and magic.name in operations().magics


def _leaves_by_language(cell: CodeCell) -> bool:
    """Whether the cell is in another language, which is not read."""
    return (
        bool(cell.magics)
        and cell.magics[0].kind == "cell"
        and cell.magics[0].name in ("R", "javascript", "js", "perl", "ruby")
    )
