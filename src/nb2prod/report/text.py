"""Diagnostics as text for people: one line and a code frame each, safe to print on a terminal."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Severity
from nb2prod.report import per_rule, per_severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report
    from nb2prod.notebook.location import Location, Range

_COLOURS = {Severity.ERROR: 31, Severity.WARNING: 33, Severity.NOTE: 36}
_BOLD, _DIM = 1, 2
# What else a finding is about is listed so far; the other formats have it all.
_MOST_RELATED = 5
_CONTEXT = 1
_TAB = 4
# A frame shows this many columns of a line at most, with the finding inside.
_WIDTH = 120
_LEAD = 40


def render(report: Report, *, colour: bool = False) -> str:
    """Return every diagnostic with its code frame, and a summary line."""
    blocks = ["\n".join(_block(report, diagnostic, colour=colour)) for diagnostic in report.diagnostics]
    return "\n\n".join([*blocks, summary(report)]) + "\n"


def render_concise(report: Report, *, colour: bool = False) -> str:
    """Return one line for each diagnostic, and a summary line."""
    lines = [headline(diagnostic, colour=colour) for diagnostic in report.diagnostics]
    return "\n".join([*lines, summary(report)]) + "\n"


def render_grouped(report: Report, *, colour: bool = False) -> str:
    """Return the name of each notebook and below it a line for each of its diagnostics, and a summary line."""
    blocks = []
    for path, group in groupby(report.diagnostics, key=lambda each: each.location.path):
        found = [(str(each.location).removeprefix(f"{path}:"), each) for each in group]
        width = max(len(place) for place, _ in found)
        lines = [f"  {printable(place):<{width}}  {_sentence(each, colour=colour)}" for place, each in found]
        blocks.append("\n".join([_styled(printable(str(path)), _BOLD, colour=colour), *lines]))
    return "\n\n".join([*blocks, summary(report)]) + "\n"


def render_statistics(report: Report, *, colour: bool = False) -> str:
    """Return how often each rule found something, and a summary line."""
    rows = per_rule(report)
    width = max((len(str(count)) for _, count in rows), default=0)
    lines = [
        f"{count:>{width}}  {_label(rule.severity, rule.code, colour=colour)}  {rule.name}" for rule, count in rows
    ]
    return "\n".join([*lines, summary(report)]) + "\n"


def summary(report: Report) -> str:
    """Return the line that counts findings and notebooks."""
    files = plural(len(report.files), "notebook") if report.files or not report.packages else ""
    if report.packages:
        packages = plural(len(report.packages), "generated package")
        files = f"{files} and {packages}" if files else packages
    if report.internal_errors:
        errors = plural(len(report.internal_errors), "internal error")
        files += f"; the report is incomplete: {errors}"
    if not report.diagnostics:
        return f"{'Found nothing' if report.internal_errors else 'All clear'}: checked {files}."
    severities = [plural(count, name) for name, count in per_severity(report).items() if count]
    # A finding in a module of a package is one in the package.
    whole = {path: package.manifest for package in report.packages for path in package.files}
    touched = len({whole.get(each.location.path, each.location.path) for each in report.diagnostics})
    found = plural(len(report.diagnostics), "finding")
    return f"Found {found} ({', '.join(severities)}) in {touched} of {files}{_fixable(report)}."


def _fixable(report: Report) -> str:
    """Return how many findings have a fix, and how to apply it; nothing where none has."""
    fixes = Counter(each.finding.fix.applicability for each in report.diagnostics if each.finding.fix)
    safe, unsafe = fixes[Applicability.SAFE], fixes[Applicability.UNSAFE]
    if safe:
        return f", {safe} fixable with `--fix`" + (f" ({unsafe} more with `--unsafe-fixes`)" if unsafe else "")
    return f", {unsafe} fixable with `--fix --unsafe-fixes`" if unsafe else ""


def printable(text: str) -> str:
    """Return ``text`` on one line with everything escaped that would act on a terminal instead of showing."""
    if _is_plain(text):
        return text
    return "".join(character if _is_shown(character) else _escaped(character) for character in text)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, which takes an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _is_shown(character: str) -> bool:
    # isprintable() refuses controls, bidirectional ones too (they reorder what is shown), surrogates,
    # and every separator but the space; separators are harmless save line and paragraph ends.
    return character.isprintable() or (character.isspace() and character > "\x9f" and character not in "\u2028\u2029")


def _escaped(character: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in short:
        return short[character]
    number = ord(character)
    if number <= 0xFF:  # noqa: PLR2004 - the bound of two hexadecimal digits
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - the bound of four


def _styled(text: str, code: int, *, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def _label(severity: Severity, code: str, *, colour: bool) -> str:
    return _styled(f"{severity}[{code}]", _COLOURS[severity], colour=colour)


def _place(location: Location, *, colour: bool = False) -> str:
    path = _styled(printable(str(location.path)), _BOLD, colour=colour)
    return f"{path}{printable(str(location)[len(str(location.path)) :])}"


def headline(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """Return the line that says where, how bad, which rule and what."""
    return f"{_place(diagnostic.location, colour=colour)}: {_sentence(diagnostic, colour=colour)}"


def _sentence(diagnostic: Diagnostic, *, colour: bool) -> str:
    rule = diagnostic.rule
    label = _label(diagnostic.severity, rule.code, colour=colour)
    return f"{label} {rule.name}: {printable(diagnostic.finding.message)}"


def _block(report: Report, diagnostic: Diagnostic, *, colour: bool) -> Iterator[str]:
    yield headline(diagnostic, colour=colour)
    location = diagnostic.location
    lines = report.sources.get((location.path, location.cell)) if location.cell else None
    # A secret that is in the outputs was made here, perhaps of one that is written here.
    is_elsewhere = diagnostic.rule.redact and location.range.start == location.range.end
    if lines and not is_elsewhere:
        # A private key goes on below its first line.
        context = 0 if diagnostic.rule.redact else _CONTEXT
        yield from _frame(lines, location.range, context, _COLOURS[diagnostic.severity], colour=colour)
    others = diagnostic.finding.related
    # One more than fits is shown rather than counted.
    shown = others if len(others) <= _MOST_RELATED + 1 else others[:_MOST_RELATED]
    for related in shown:
        yield f"  = {_place(related.location)}: {printable(related.message)}"
    if len(others) > len(shown):
        yield f"  = and {len(others) - len(shown)} more places"
    if fix := diagnostic.finding.fix:
        kind = {Applicability.SAFE: "fix", Applicability.UNSAFE: "unsafe fix"}.get(fix.applicability, "suggestion")
        yield f"  = {kind}: {printable(fix.title)}"


def _frame(lines: Sequence[str], where: Range, context: int, caret_colour: int, *, colour: bool) -> Iterator[str]:
    """Yield the line of ``where`` with ``context`` neighbours inside the cell, and carets below it."""
    number = min(where.start.line, len(lines))
    first, last = max(1, number - context), min(len(lines), number + context)
    gutter = len(str(last))
    start, end = _columns(lines[number - 1], where)
    offset = max(0, start - _LEAD) if end > _WIDTH else 0
    for each in range(first, last + 1):
        margin = _styled(f"{each:>{gutter}} |", _DIM, colour=colour)
        yield f"{margin} {_window(lines[each - 1], offset)}".rstrip()
        if each == number:
            carets = "^" * max(1, min(end, offset + _WIDTH) - start)
            pad = _styled(f"{'':>{gutter}} |", _DIM, colour=colour)
            yield f"{pad} {' ' * (start - offset)}{_styled(carets, caret_colour, colour=colour)}"


def _columns(line: str, where: Range) -> tuple[int, int]:
    """Return the columns on screen, from 0, where the finding starts and ends in its first line."""
    if _is_plain(line):
        return where.start.column - 1, (where.end.column - 1 if where.end.line == where.start.line else len(line))
    widths = [width for _, width in _glyphs(line)]
    stop = where.end.column - 1 if where.end.line == where.start.line else len(line)
    return sum(widths[: where.start.column - 1]), sum(widths[:stop])


def _window(line: str, offset: int) -> str:
    """Return the part of a line from column ``offset`` that a frame has room for, with `…` where it is cut."""
    if _is_plain(line):
        # Lines of megabytes are common: data pasted into a cell.
        text = line[offset : offset + _WIDTH]
        lead = "…" if offset and text else ""
        return lead + text[len(lead) :] + ("…" if len(line) > offset + _WIDTH else "")
    shown, column = [], 0
    cut = False
    for text, width in _glyphs(line):
        if column >= offset + _WIDTH:
            cut = True
            break
        if column >= offset:
            shown.append(text)
        elif column + width > offset:
            # A wide glyph the cut goes through is replaced by spaces, so that columns stay.
            shown.append(" " * (column + width - offset))
        if offset and len(shown) == 1:
            shown[0] = "…" + " " * (min(width, column + width - offset) - 1)
        column += width
    return "".join(shown) + ("…" if cut else "")


def _is_plain(line: str) -> bool:
    return line.isascii() and line.isprintable()


def _glyphs(line: str) -> list[tuple[str, int]]:
    """Return each character as it is shown and how many columns it takes."""
    from unicodedata import combining, east_asian_width  # noqa: PLC0415 - only lines beyond ASCII need it

    glyphs = []
    column = 0
    for character in line:
        if character == "\t":
            text = " " * (_TAB - column % _TAB)
            width = len(text)
        elif not _is_shown(character):
            text = _escaped(character)
            width = len(text)
        elif combining(character) or character in "\ufe0e\ufe0f":
            text, width = character, 0
        else:
            text, width = character, 2 if east_asian_width(character) in "WF" else 1
        glyphs.append((text, width))
        column += width
    return glyphs
