"""Suppression: which findings comments, tags and metadata silence, and which of these silence none."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Literal

from nb2prod.diagnostics import PACKAGE, Applicability, Edit, Finding, Fix, Related
from nb2prod.notebook.location import FIRST, Location, Position, Range
from nb2prod.notebook.model import CodeCell
from nb2prod.pages import matching
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from nb2prod.diagnostics import Rule
    from nb2prod.notebook.model import Cell, Notebook

# The rule about comments that silence nothing.
UNUSED = "unused-suppression"

_COMMENT = lazy_pattern(r"#\s*nb2prod:\s*ignore(?:-(?P<scope>cell|notebook))?(?:\[(?P<rules>[^\]]*)\])?(?=\s|$|#)")
# Where the comment ends for us: at the next one on its line (those of ruff, mypy), not at the number of an issue.
_NEXT_COMMENT = lazy_pattern(r"\s*(?<=\s)#(?!\d)|\s*$")
# A cheap look before anything is tokenised: most cells have no such comment.
_HINT = "nb2prod:"
# The tags of a cell: `nb2prod-ignore` for all rules, `nb2prod-ignore-NB301` for one.
_TAGGED = "nb2prod-ignore"
_TAG = lazy_pattern(rf"{_TAGGED}(?:-(?P<rule>.+))?$")
# The member of metadata that silences.
METADATA = "nb2prod"

Scope = Literal["line", "cell", "notebook"]


class Suppression(NamedTuple):
    """One comment, or tag, or entry of metadata.

    line    its line in the cell; 1 for what is no comment
    rules   the codes, names or prefixes it lists; None for all rules
    range   the comment and its reason, without what other tools say behind it
    scope   how far it counts
    reason  why; empty where it does not say
    form    what it is
    """

    line: int
    rules: tuple[str, ...] | None
    range: Range
    scope: Scope = "line"
    reason: str = ""
    form: Literal["comment", "tag", "metadata"] = "comment"


class _Place(NamedTuple):
    """A suppression and the cell it stands in; None for the notebook's metadata."""

    cell: Cell | None
    suppression: Suppression

    def silences(self, rule: Rule, finding: Finding) -> bool:
        """Whether it means ``finding`` of ``rule``."""
        cell, suppression = self
        if suppression.scope == "notebook":
            return _names(suppression, rule)
        if cell is None or finding.location.cell != cell.index:
            return False
        if isinstance(cell, CodeCell):
            return bool(silencing(cell, finding, rule, (suppression,)))
        return _names(suppression, rule)


def suppressions(cell: CodeCell) -> tuple[Suppression, ...]:
    """Return the suppression comments of a cell, in order; text inside strings is no comment."""
    if _HINT not in cell.source:
        return ()
    from nb2prod.notebook.comments import comments  # noqa: PLC0415 - few cells have one

    found = []
    for line, column, text in comments(cell, _HINT):
        for match in _COMMENT.finditer(text):
            rules = match["rules"]
            listed = None if rules is None else tuple(word.strip() for word in rules.split(",") if word.strip())
            end = _NEXT_COMMENT.search(text, match.end())
            last = column + (end.start() if end else len(text))
            where = Range(Position(line, column + match.start()), Position(line, last))
            reason = text[match.end() : end.start() if end else len(text)].strip()
            scope: Scope = "cell" if match["scope"] == "cell" else "notebook" if match["scope"] else "line"
            found.append(Suppression(line, listed, where, scope, reason))
    return tuple(found)


def without_suppressions(line: str) -> str:
    """Return a line of a cell without our comments and their reasons."""
    while _HINT in line and (found := _COMMENT.search(line)):
        end = _NEXT_COMMENT.search(line, found.end())
        line = line[: found.start()] + line[end.start() if end else len(line) :]
    return line


def silencing(cell: CodeCell, finding: Finding, rule: Rule, comments: Sequence[Suppression]) -> tuple[Suppression, ...]:
    """Return those of the cell's ``comments`` that silence ``finding`` of ``rule``.

    One that is for a line counts on the line where the finding starts or ends, and on the first and last line of
    the simple statement or compound statement's header the finding starts in: a formatter may move
    it there, and inside a string that spans lines no comment can stand.
    """
    naming = [each for each in comments if _names(each, rule)]
    if not naming:
        return ()
    lines = lines_that_count(cell, finding.location.range)
    return tuple(comment for comment in naming if comment.scope != "line" or comment.line in lines)


def lines_that_count(cell: CodeCell, where: Range) -> tuple[int, ...]:
    """Return the lines of ``cell`` on which a comment counts for what stands at ``where``, its own first."""
    start, end = where.start.line, where.end.line
    first, last = _statement_lines(cell, start)
    return tuple(dict.fromkeys((start, end, last, first)))


def _names(comment: Suppression, rule: Rule) -> bool:
    if rule.name == UNUSED:
        # Else every comment that silences nothing would silence that.
        return comment.rules is not None and not {rule.code, rule.name}.isdisjoint(comment.rules)
    return comment.rules is None or any(matching(word, (rule,)) for word in comment.rules)


def unsuppressed(
    notebook: Notebook,
    found: Iterable[tuple[Rule, Finding]],
    rules: Sequence[Rule],
    ran: Collection[str],
    report_unused: Rule | None,
    *,
    require_reason: bool = False,
) -> list[tuple[Rule, Finding]]:
    """Return the findings that nothing silences, then one for each suppression that silences nothing.

    ``rules`` are all there are, ``ran`` the names of those that looked at the notebook; the suppressions
    are findings of the rule ``report_unused``, unless it is None. Under ``require_reason`` one that
    gives no reason silences nothing, and the findings say so.
    """
    written = list(_written(notebook))
    if not written:
        return list(found)
    silenced: dict[tuple[int, Suppression], set[str]] = {}
    kept = []
    for rule, finding in found:
        meant = [each for each in written if each.silences(rule, finding)]
        silent = [each for each in meant if each.suppression.reason or not require_reason]
        for cell, suppression in silent:
            silenced.setdefault((cell.index if cell else 0, suppression), set()).add(rule.code)
        if not silent:
            without = tuple(_reasonless(each, finding) for each in meant)
            kept.append((rule, finding._replace(related=finding.related + without) if without else finding))
    if report_unused is not None:
        for place in written:
            cell, suppression = place
            codes = silenced.get((cell.index if cell else 0, suppression), set())
            if require_reason and not suppression.reason:
                continue
            idle = _unused(place, notebook, codes, rules, ran)
            if idle is not None and not any(each.silences(report_unused, idle) for each in written):
                kept.append((report_unused, idle))
    return kept


def _written(notebook: Notebook) -> Iterator[_Place]:
    """Yield all suppressions of a notebook, in the order of its cells."""
    if METADATA in notebook.metadata and (whole := _in_metadata(notebook.metadata, "notebook")):
        yield _Place(None, whole)
    for cell in notebook.cells:
        if isinstance(cell, CodeCell):
            yield from (_Place(cell, each) for each in suppressions(cell))
        if "tags" in cell.metadata:
            for tag in sorted(cell.tags):
                if tag.startswith(_TAGGED) and (match := _TAG.match(tag)):
                    rules = (match["rule"],) if match["rule"] else None
                    yield _Place(cell, Suppression(1, rules, FIRST, "cell", form="tag"))
        if METADATA in cell.metadata and (own := _in_metadata(cell.metadata, "cell")):
            yield _Place(cell, own)


def _in_metadata(metadata: Mapping[str, Any], scope: Scope) -> Suppression | None:
    """Return what ``{"nb2prod": {"ignore": ["NB301"], "reason": "..."}}`` says; ``true`` is for all rules."""
    entry = metadata[METADATA]
    rules, reason = (entry.get("ignore"), entry.get("reason")) if isinstance(entry, dict) else (None, None)
    if rules is not True and not (isinstance(rules, list) and all(isinstance(rule, str) for rule in rules)):
        return None
    listed = None if rules is True else tuple(rules)
    return Suppression(1, listed, FIRST, scope, reason if isinstance(reason, str) else "", "metadata")


def _reasonless(place: _Place, finding: Finding) -> Related:
    cell, suppression = place
    start = suppression.range.start
    where = cell.location(start.line, start.column) if cell else Location(finding.location.path, None, FIRST)
    message = f"this {suppression.form} silences nothing: it gives no reason, which the settings require"
    return Related(where, message)


def _unused(
    place: _Place, notebook: Notebook, codes: Collection[str], rules: Sequence[Rule], ran: Collection[str]
) -> Finding | None:
    """Return the finding for a comment that silences nothing, or lists words that do not; ``codes`` it silenced.

    A comment for a rule that did not run may be needed another time.
    """
    comment = place.suppression
    if comment.rules is None:
        idle = not codes and all(_ran(rule, ran) for rule in rules)
        return _finding(place, notebook, ()) if idle else None
    words = [
        word
        for word in comment.rules
        if all(rule.code not in codes and rule.name != UNUSED and _ran(rule, ran) for rule in matching(word, rules))
    ]
    return _finding(place, notebook, words) if words or not comment.rules else None


def _ran(rule: Rule, ran: Collection[str]) -> bool:
    # What looks at packages finds nothing in a notebook, so nothing in one can be meant for it.
    return rule.name in ran or rule.name == UNUSED or rule.about == PACKAGE


def _finding(place: _Place, notebook: Notebook, idle: Sequence[str]) -> Finding:
    cell, comment = place
    if not isinstance(cell, CodeCell) or comment.form != "comment":
        words = f"{', '.join(f'`{word}`' for word in idle)} in " if idle else ""
        location = cell.location() if cell else Location(notebook.path, None, FIRST)
        return Finding(location, f"nothing is found here that {words}this {comment.form} could silence")
    location = cell.location(comment.line, comment.range.start.column, comment.line, comment.range.end.column)
    kept = [word for word in comment.rules or () if word not in idle]
    if not kept:
        fix = Fix("remove the comment", (_removal(cell, comment),), Applicability.SAFE)
        return Finding(location, "nothing is found here that this comment could silence", fix=fix)
    words = ", ".join(f"`{word}`" for word in idle)
    line = cell.lines[comment.line - 1]
    opening = line.index("[", comment.range.start.column - 1) + 1
    listed = cell.location(comment.line, opening + 1, comment.line, line.index("]", opening) + 1)
    fix = Fix(f"remove {words} from the comment", (Edit(listed, ", ".join(kept)),), Applicability.SAFE)
    return Finding(location, f"nothing is found here that {words} in this comment could silence", fix=fix)


def _removal(cell: CodeCell, comment: Suppression) -> Edit:
    """Return the edit that removes a comment, with its line if nothing else is on it."""
    line, count = comment.line, len(cell.lines)
    text = cell.lines[line - 1]
    before, after = text[: comment.range.start.column - 1], text[comment.range.end.column - 1 :]
    if before.strip() or after.strip():
        # `x = 1  # ours  # type: ignore`: the other comment takes the place of ours.
        start = len(before) if after.strip() else len(before.rstrip())
        end = len(text) - len(after.lstrip()) if after.strip() else len(text)
        return Edit(cell.location(line, start + 1, line, end + 1), "")
    if line < count:
        return Edit(cell.location(line, 1, line + 1, 1), "")
    if line > 1:
        return Edit(cell.location(line - 1, len(cell.lines[line - 2]) + 1, line, len(text) + 1), "")
    return Edit(cell.location(1, 1, 1, len(text) + 1), "")


def _statement_lines(cell: CodeCell, line: int) -> tuple[int, int]:
    """Return first and last line of the innermost statement, or statement header, that covers ``line``."""
    spans = [_span(node) for node in ast.walk(cell.tree) if isinstance(node, ast.stmt)] if cell.tree else []
    covering = [(last - first, first, last) for first, last in spans if first <= line <= last]
    if not covering:
        return line, line
    _, first, last = min(covering)
    return first, last


def _span(statement: ast.stmt) -> tuple[int, int]:
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if isinstance(body, list) and body:
        # `match` bodies hold match_case nodes, whose pattern has the position.
        first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        return statement.lineno, max(statement.lineno, first.lineno - 1)
    return statement.lineno, statement.end_lineno or statement.lineno
