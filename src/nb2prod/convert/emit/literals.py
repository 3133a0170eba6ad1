"""Values as Python source: what it says evaluates to an equal value of the same type, or there is none."""

from __future__ import annotations

import ast
from pathlib import PurePath


def literal(value: object) -> str:
    """Return the source of ``value``: a literal, or ``Path(…)`` for a path.

    Raises TypeError for what no literal can say.
    """
    if isinstance(value, PurePath):
        return f"Path({value.as_posix()!r})"
    if value is None or type(value) in (str, bytes, int, float, complex, bool) or value is Ellipsis:
        # ``ast`` writes infinity as a literal; ``repr`` does not.
        return ast.unparse(ast.Constant(value))  # type: ignore[arg-type]
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, set | frozenset) and value:
        text = "{" + ", ".join(sorted(map(literal, value))) + "}"
        return text if isinstance(value, set) else f"frozenset({text})"
    msg = f"no literal says {value!r}"
    raise TypeError(msg)
