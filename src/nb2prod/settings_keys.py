"""What may be set in pyproject.toml: each key, the form of its value, its default, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from nb2prod.errors import ConfigurationError
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEVERITIES = ("error", "warning", "note")

Form = Literal["strings", "string", "boolean", "choice", "rules by pattern", "severity by rule"]


class Key(NamedTuple):
    """One setting; ``choices`` are the values of a choice."""

    form: Form
    default: object
    says: str
    choices: tuple[str, ...] = ()


KEYS: Mapping[str, Key] = {
    "profile": Key(
        "choice",
        "production",
        "Which rules run where `select` does not say: `commit`, what a person fixes before pushing, or all.",
        ("commit", "production"),
    ),
    "select": Key("strings", None, "The rules that run, by code, name or prefix; left out: those of the profile."),
    "extend-select": Key("strings", [], "Rules that run as well."),
    "ignore": Key("strings", [], "Rules that do not run, unless `select` names them more precisely."),
    "per-file-ignores": Key("rules by pattern", {}, "Rules that are silent in files that match a pattern."),
    "severity": Key("severity by rule", {}, "Another severity for rules, by code, name or prefix."),
    "fail-on": Key("choice", "error", "The least severity that makes a run fail.", (*SEVERITIES, "never")),
    "exclude": Key("strings", [], "Files and folders that are not checked unless they are named: patterns."),
    "baseline": Key("string", None, "The file of findings that are known, relative to this file."),
    "transparent-magics": Key(
        "strings", [], "Cell magics of your own whose cell is Python that runs as if they were not there."
    ),
    "extend-rules": Key("strings", [], "Folders of rule pages of your own, relative to this file."),
    "cache-dir": Key(
        "string", None, "The folder for what is kept from run to run, relative to this file; left out: the user's own."
    ),
    "require-reason": Key("boolean", False, "Whether what silences a finding has to say why."),  # noqa: FBT003 - a default
}


def check_table(origin: str, table: Mapping[str, Any]) -> None:
    """Raise ConfigurationError, naming ``origin``, for a key nobody knows and a value of another form."""
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigurationError(f"{origin}: unknown key `{key}` in [tool.nb2prod]; {_suggestion(key, KEYS)}")
        _check(origin, key, KEYS[key], value)


def _check(origin: str, key: str, known: Key, value: object) -> None:
    match known.form:
        case "strings":
            _check_strings(origin, key, value)
        case "string" if not isinstance(value, str):
            raise _expected(origin, key, "a string", value)
        case "boolean" if not isinstance(value, bool):
            raise _expected(origin, key, "true or false", value)
        case "choice" if value not in list(known.choices):
            raise _expected(origin, key, _listed(known.choices), value)
        case "rules by pattern":
            if not isinstance(value, dict):
                raise _expected(origin, key, "a table of file pattern to rules", value)
            for pattern, rules in value.items():
                _check_strings(origin, f"{key}.{pattern}", rules)
        case "severity by rule":
            if not isinstance(value, dict):
                raise _expected(origin, key, "a table of rule to severity", value)
            for rule, severity in value.items():
                if severity not in list(SEVERITIES):
                    raise _expected(origin, f"{key}.{rule}", _listed(SEVERITIES), severity)


def _check_strings(origin: str, key: str, value: object) -> None:
    if not isinstance(value, list):
        raise _expected(origin, key, "a list of strings", value)
    for item in value:
        if not isinstance(item, str):
            raise _expected(origin, key, "a list of strings", item, "with ")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the table ``[tool.nb2prod]``, and of a file nb2prod.toml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of nb2prod",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(key) for name, key in KEYS.items()},
    }


def _property(key: Key) -> dict[str, Any]:
    strings = {"type": "array", "items": {"type": "string"}}
    forms: dict[str, dict[str, Any]] = {
        "strings": strings,
        "string": {"type": "string"},
        "boolean": {"type": "boolean"},
        "choice": {"enum": list(key.choices)},
        "rules by pattern": {"type": "object", "additionalProperties": strings},
        "severity by rule": {"type": "object", "additionalProperties": {"enum": list(SEVERITIES)}},
    }
    default = {} if key.default is None else {"default": key.default}
    return {"description": key.says, **forms[key.form], **default}


def _expected(origin: str, key: str, expected: str, got: object, joint: str = "") -> ConfigurationError:
    return ConfigurationError(f"{origin}: `{key}` must be {expected}, not {joint}{kind(got)} ({got!r})")


def kind(value: object) -> str:
    """Return what a TOML value is, in words."""
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "a table", int: "an integer", float: "a float"}
    return names.get(type(value), f"a {type(value).__name__}")


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _suggestion(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only needed to word an error

    close = get_close_matches(key.replace("_", "-"), sorted(known), n=1)
    return f"did you mean `{close[0]}`?" if close else f"known keys are {', '.join(sorted(known))}"
