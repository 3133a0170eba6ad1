"""Variables in shell lines and magics: what IPython puts in for ``{expression}`` and ``$name``, as Python."""

from __future__ import annotations

import ast
import builtins
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_DOLLAR = re.compile(r"\$(\$?[\w.]+)")
_CONVERSIONS = {None: -1, "s": 115, "r": 114, "a": 97}


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text after interpolation, as Python source.

    source  an expression: a plain string literal, an f-string, or a ``str.format`` call
    names   the names of the notebook it reads, in order of first use; empty for a literal
    """

    source: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    value: ast.expr
    conversion: int


def expand(text: str, bound: Collection[str]) -> Expanded:
    """Return the Python for ``text`` as IPython expands it where the names in ``bound`` are bound.

    As IPython does, the text stays untouched as a whole where any part of it cannot be expanded: a
    brace that does not close, an expression that is no Python, a name that nothing binds. An
    expression that fails when evaluated makes IPython pass the text on as well; the Python returned
    here raises instead, which is loud where IPython is silent.
    """
    parts = _parse(text)
    if parts is None:
        return Expanded(repr(text), ())
    names = tuple(dict.fromkeys(name for part in parts if isinstance(part, _Field) for name in free_names(part.value)))
    if any(name not in bound and not hasattr(builtins, name) for name in names):
        return Expanded(repr(text), ())
    return Expanded(_source(parts), tuple(name for name in names if name in bound))


def free_names(expression: ast.expr) -> tuple[str, ...]:
    """Return the names an expression reads and does not itself bind, in source order."""
    own = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(expression) if isinstance(node, ast.arg)}
    reads = [node for node in ast.walk(expression) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    reads.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in reads if node.id not in own))


def _parse(text: str) -> list[str | _Field] | None:
    """Return literal texts and fields in order; None where IPython would give up."""
    parts: list[str | _Field] = []
    try:
        for literal, field, spec, conversion in string.Formatter().parse(text):
            if not _split_dollars(literal, parts):
                return None
            if field is None:
                continue
            # IPython has no format specifications: it gives slices (`{a[1:2]}`) their colon back.
            value = _expression(f"{field}:{spec}" if spec else field)
            if value is None or conversion not in _CONVERSIONS:
                return None
            parts.append(_Field(value, _CONVERSIONS[conversion]))
    except ValueError:
        return None
    return parts


def _split_dollars(literal: str, parts: list[str | _Field]) -> bool:
    start = 0
    for match in _DOLLAR.finditer(literal):
        # `awk '{print $1}'`: what stands inside single quotes is the shell's.
        if literal.count("'", match.end()) % 2:
            continue
        parts.append(literal[start : match.start()])
        start = match.end()
        found = match[1]
        if found.startswith("$"):
            parts.append(found)
            continue
        value = _expression(found)
        if value is None:
            return False
        parts.append(_Field(value, -1))
    parts.append(literal[start:])
    return True


def _expression(text: str) -> ast.expr | None:
    try:
        # Only what `eval` strips: spaces and tabs before the expression.
        value = ast.parse(text.lstrip(" \t"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    outside = (ast.Await, ast.Yield, ast.YieldFrom)
    return None if any(isinstance(node, outside) for node in ast.walk(value)) else value


def _source(parts: list[str | _Field]) -> str:
    merged: list[str | _Field] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    fields = [part for part in merged if isinstance(part, _Field)]
    if not fields:
        return repr("".join(part for part in merged if isinstance(part, str)))
    sources = [ast.unparse(field.value) for field in fields]
    # Before Python 3.12 an f-string's expressions can hold no quote of its own kind and no backslash.
    if any(character in source for source in sources for character in "'\"\\{}\n#") or any(
        "lambda" in s for s in sources
    ):
        letters = {-1: "", 115: "!s", 114: "!r", 97: "!a"}
        template = "".join(
            "{" + letters[part.conversion] + "}"
            if isinstance(part, _Field)
            else part.replace("{", "{{").replace("}", "}}")
            for part in merged
        )
        return f"{template!r}.format({', '.join(sources)})"
    values: list[ast.expr] = [
        ast.FormattedValue(part.value, part.conversion, None) if isinstance(part, _Field) else ast.Constant(part)
        for part in merged
    ]
    return ast.unparse(ast.fix_missing_locations(ast.Expression(ast.JoinedStr(values))))
