"""Ruff's part of the rules: those that we take, and where the ruff is that looks for them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.diagnostics import Rule, Severity
from nb2prod.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

TOOL = "ruff"

_KEYS = frozenset({"code", "name", "severity", "why"})
_OPTIONAL = frozenset({"fix", "fixing", "unless"})
_SEVERITIES = {str(severity): severity for severity in Severity}


def load_ruff_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """Return the rules of ruff that we report, by code; ConfigurationError for a table that is wrong."""
    path = path or rules_folder() / "ruff-rules.toml"
    try:
        rows = plain_toml.loads(path.read_text(encoding="utf-8"))["rules"]
    except ValueError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None
    rules = [_rule(path, row) for row in rows]
    codes = [rule.code for rule in rules]
    if codes != sorted(set(codes)):
        raise ConfigurationError(f"{path}: the codes are not sorted, or one is there twice")
    return tuple(rules)


def _rule(path: Path, row: dict[str, Any]) -> Rule:
    if row.keys() - _OPTIONAL != _KEYS or not all(isinstance(value, str) and value for value in row.values()):
        raise ConfigurationError(f"{path}: {row.get('code', 'a rule')} needs {', '.join(sorted(_KEYS))}, each a text")
    if row["severity"] not in _SEVERITIES:
        raise ConfigurationError(f"{path}: `severity` of {row['code']} is error, warning or note")
    if row.get("fix", "safe") not in ("safe", "unsafe") or ("fix" in row) != ("fixing" in row):
        raise ConfigurationError(f"{path}: `fix` of {row['code']} is safe or unsafe, and `fixing` says what it does")
    return Rule(
        row["code"],
        row["name"],
        row["why"],
        _SEVERITIES[row["severity"]],
        row.get("fix", "none"),
        "0.1.0",
        tool=TOOL,
        unless=row.get("unless", ""),
        fixing=row.get("fixing", ""),
    )


def program() -> str | None:
    """Return the ruff beside the running Python, or else on PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), f"{TOOL}.exe" if os.name == "nt" else TOOL)  # noqa: PTH118, PTH120 - a Path costs more, at every start
    if os.path.isfile(beside):  # noqa: PTH113 - the same
        return beside
    from shutil import which  # noqa: PLC0415 - most installations need no search

    return which(TOOL)
