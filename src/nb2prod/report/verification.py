"""A verification as text for people, and as the JSON of ``verification.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nb2prod import __version__
from nb2prod.report.text import printable
from nb2prod.verify.folder import outside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.verify.compare import Comparison
    from nb2prod.verify.places import Located
    from nb2prod.verify.run import Run
    from nb2prod.verify.subject import Subject
    from nb2prod.verify.tally import Count
    from nb2prod.verify.verdict import Verification

VERSION = 1
# What a file keeps of long lists; how many there were is always said.
_KEPT = 100
_LISTED = 5
_COLUMNS = ("equal", "different", "nondeterministic", "not comparable")


def file_name(subject: Subject) -> str:
    """Return what the file of a verification is called: each part of a package of several notebooks has its own."""
    _, _, part = subject.package.partition(".")
    return f"verification-{part}.json" if part else "verification.json"


def render(done: Verification) -> str:
    """Return the table, the first difference, what was not compared, and the verdict on the last line."""
    blocks: list[list[str]] = []
    if done.comparison is not None:
        blocks.append(_table(done.comparison))
    if done.differences:
        blocks.append(list(_first(done.differences, file_name(done.subject))))
    if done.comparison is not None:
        blocks.append(list(_not_compared(done.comparison, file_name(done.subject))))
    if done.verdict == "notebook fails":
        blocks.append(list(_failure(done)))
    blocks.append([*_notes(done), *_outside(done)])
    blocks.append([sentence(done)])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def sentence(done: Verification) -> str:
    """Return the verdict in one line; the compared share is always in it."""
    comparison = done.comparison
    if comparison is None:
        return "notebook fails: nothing was compared (0 % of the results)"
    share = f"{comparison.share:.0%}".replace("%", " %")
    counted = f"{comparison.compared} of {comparison.total} results compared ({share})"
    match done.verdict:
        case "equal":
            return f"equal: {counted}, all the same"
        case "different":
            return f"different: {_count(len(comparison.differences), 'difference')}; {counted}"
        case _:
            return f"nothing comparable: {counted}; this proves nothing"


def render_json(done: Verification) -> str:
    """Return the content of ``verification.json``; docs/verification.md says what is in it."""
    return json.dumps(_data(done), indent=2, ensure_ascii=True) + "\n"


def _table(comparison: Comparison) -> list[str]:
    rows = [*comparison.steps, *comparison.others]
    width = max((len(row.name) for row in rows), default=4)
    lines = [f"  {'':{width}}  {'  '.join(_COLUMNS)}"]
    for row in rows:
        cells = (row.equal, row.different, row.nondeterministic, row.incomparable)
        shown = "  ".join(f"{number or '·':>{len(title)}}" for number, title in zip(cells, _COLUMNS, strict=True))
        lines.append(f"  {row.name:{width}}  {shown}")
    return lines


def _first(differences: tuple[Located, ...], file: str) -> Iterator[str]:
    first, *others = differences
    found = first.found.difference
    yield f"First difference: {_what(first)}"
    yield f"  notebook  {printable(found.left)}"
    yield f"  package   {printable(found.right)}"
    yield f"  {printable(found.reason)}"
    for other in others[:_LISTED]:
        difference = other.found.difference
        yield f"then {_what(other)}: {printable(difference.left)} ≠ {printable(difference.right)}"
    if len(others) > _LISTED:
        yield f"and {len(others) - _LISTED} more; {file} has them"


def _what(each: Located) -> str:
    found = each.found
    name = found.name + found.difference.path
    where = []
    if each.step is not None:
        where.append(f"step {each.step}")
    if each.cell is not None:
        where.append(f"cell {each.cell}")
    if each.file is not None:
        where.append(f"{each.file}:{each.line}")
    noun = "" if found.kind == "value" else f"{found.kind}, "
    return printable(f"{noun}{name} ({', '.join(where)})" if where else f"{noun}{name}")


def _not_compared(comparison: Comparison, file: str) -> Iterator[str]:
    for skipped in comparison.skipped[:_LISTED]:
        step = f"step {skipped.step}, " if skipped.step else f"cell {skipped.cell}, " if skipped.cell else ""
        yield printable(f"not compared: {step}{skipped.kind} {skipped.name}: {skipped.reason}")
    if len(comparison.skipped) > _LISTED:
        yield f"not compared: {len(comparison.skipped) - _LISTED} more; {file} has them"
    if comparison.masked:
        kinds = ", ".join(sorted({each.kind for each in comparison.masked}))
        lines = _count(len(comparison.masked), "printed line")
        yield f"the same save for {kinds}: {lines}"


def _failure(done: Verification) -> Iterator[str]:
    run = done.notebook[-1]
    failure = run.trace.failure
    if failure is None:
        return
    where = f"cell {failure.cell}" if failure.cell is not None else "after the last cell"
    line = f", line {run.line}" if run.line is not None else ""
    again = f" in run {len(done.notebook)}" if len(done.notebook) > 1 else ""
    yield printable(f"{where}{line}{again}: {failure.kind}: {failure.message}".rstrip(": "))
    cell = next((cell for cell in done.subject.notebook.code_cells if cell.index == failure.cell), None)
    if cell is not None and run.line is not None and run.line <= len(cell.lines):
        yield printable(f"  {cell.lines[run.line - 1].strip()}")
    if done.hint is not None:
        yield printable(f"hint: {done.hint}")
    elif failure.kind == "ModuleNotFoundError":
        yield printable(f"hint: {done.interpreter.path} lacks it; --python names one that has the notebook's libraries")
    elif failure.kind == "PermissionError" and done.confined:
        yield "hint: a run may change files only in the copy of its folder; --allow-effects lifts that"


def _notes(done: Verification) -> Iterator[str]:
    if len(done.notebook) > done.options.runs:
        yield f"note: the notebook was run {len(done.notebook)} times, because its own runs differ"
    for note in dict.fromkeys(note for run in _runs(done) for note in run.notes):
        yield printable(f"note: {note}")


def _outside(done: Verification) -> Iterator[str]:
    paths = {path for run in _runs(done) for path in outside(run.trace.files)}
    if paths:
        names = ", ".join(sorted(paths)[:_LISTED])
        yield printable(f"note: files above the notebook's folder were changed, in the copy only: {names}")


def _runs(done: Verification) -> list[Run]:
    return [*done.notebook, *([done.package] if done.package is not None else [])]


def _data(done: Verification) -> dict[str, Any]:
    comparison = done.comparison
    subject, options = done.subject, done.options
    return {
        "version": VERSION,
        "generator": f"nb2prod {__version__}",
        "verdict": done.verdict,
        "exit_code": done.exit_code,
        "notebook": {"name": subject.path.name, "sha256": subject.digest},
        "package": {"name": subject.package, "files": dict(subject.files), "edited": list(subject.edited)},
        "environment": _environment(done),
        "options": {
            "runs": options.runs,
            "tolerance_relative": options.tolerance.relative,
            "tolerance_absolute": options.tolerance.absolute,
            "allow_effects": options.allow_effects,
            "arguments": list(options.arguments),
        },
        "confined": done.confined,
        "effects": [
            {"cell": each.cell, "line": each.line, "kind": each.kind, "text": each.text} for each in done.effects
        ],
        "compared": comparison.compared if comparison else 0,
        "total": comparison.total if comparison else 0,
        "share": round(comparison.share, 4) if comparison else 0.0,
        "steps": [_row(row) for row in comparison.steps] if comparison else [],
        "others": [_row(row) for row in comparison.others] if comparison else [],
        "differences": [_difference(each) for each in done.differences[:_KEPT]],
        "differences_in_all": len(done.differences),
        "not_compared": [
            {"kind": each.kind, "step": each.step, "cell": each.cell, "name": each.name, "reason": each.reason}
            for each in (comparison.skipped[:_KEPT] if comparison else ())
        ],
        "not_compared_in_all": len(comparison.skipped) if comparison else 0,
        "masked": [
            {"line": each.line, "kind": each.kind, "text": each.text}
            for each in (comparison.masked[:_KEPT] if comparison else ())
        ],
        "masked_in_all": len(comparison.masked) if comparison else 0,
        "failure": _failure_data(done),
        "notes": list(dict.fromkeys(note for run in _runs(done) for note in run.notes)),
        "seconds": {
            "notebook": [run.trace.seconds for run in done.notebook],
            "package": done.package.trace.seconds if done.package else None,
        },
        "memory": {
            "notebook": [run.trace.memory for run in done.notebook],
            "package": done.package.trace.memory if done.package else None,
        },
    }


def _environment(done: Verification) -> dict[str, str]:
    found: dict[str, str] = {}
    for run in _runs(done):
        found |= run.trace.environment
    return dict(sorted(found.items()))


def _row(row: Count) -> dict[str, Any]:
    return {
        "name": row.name,
        "equal": row.equal,
        "different": row.different,
        "nondeterministic": row.nondeterministic,
        "incomparable": row.incomparable,
    }


def _difference(each: Located) -> dict[str, Any]:
    found, difference = each.found, each.found.difference
    return {
        "kind": found.kind,
        "step": each.step,
        "cell": each.cell,
        "file": each.file,
        "line": each.line,
        "name": found.name,
        "path": difference.path,
        "notebook": difference.left,
        "package": difference.right,
        "reason": difference.reason,
    }


def _failure_data(done: Verification) -> dict[str, Any] | None:
    run = done.notebook[-1] if done.notebook else None
    failure = run.trace.failure if run is not None else None
    if run is None or failure is None:
        return None
    hint = done.hint
    return {
        "run": len(done.notebook),
        "cell": failure.cell,
        "line": run.line,
        "kind": failure.kind,
        "message": failure.message,
        "hint": None
        if hint is None
        else {"name": hint.name, "library": hint.library, "since": hint.since, "instead": hint.instead},
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
