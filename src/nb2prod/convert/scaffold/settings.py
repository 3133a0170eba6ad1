"""Values for the configuration from outside: a TOML file, the environment, ``--set``."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_LITERALS = {"bytes": bytes, "complex": complex, "dict": dict, "list": list, "set": set, "tuple": tuple}
# What TOML can say of each type; the others are given as text that is a Python literal.
_TOML: dict[str, Any] = {
    "str": str,
    "Path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
}
_LISTS: dict[str, Any] = {"tuple": tuple, "set": set}


class SettingError(ValueError):
    """A value from outside that no field of the configuration can have; says where it is."""


def from_environment(variables: Mapping[str, str], config: type, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the fields whose variable is set and not empty."""
    values: dict[str, Any] = {}
    for name, kind in _kinds(config).items():
        text = environment.get(variables[name], "")
        if not text:
            continue
        try:
            values[name] = _from_text(text, kind)
        except (ValueError, SyntaxError):
            raise SettingError(f"the environment variable {variables[name]} has no value of type {kind}") from None
    return values


def from_pairs(pairs: Iterable[str], config: type) -> dict[str, Any]:
    """Return the values of texts ``NAME=VALUE``; the last for a name counts."""
    kinds = _kinds(config)
    secrets = {field.name for field in dataclasses.fields(config) if not field.repr}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if name in secrets:
            raise SettingError(f"--set {name}: a command line is no place for a secret")
        if name not in kinds:
            raise SettingError(
                f"--set {name}: unknown; NAME=VALUE can set {', '.join(each for each in kinds if each not in secrets)}"
            )
        if not equals:
            raise SettingError(f"--set {name}: no value; write {name}=VALUE")
        try:
            values[name] = _from_text(text, kinds[name])
        except (ValueError, SyntaxError):
            raise SettingError(f"--set {name}: {text!r} is not of type {kinds[name]}") from None
    return values


def literal_of(kind: str) -> Callable[[str], Any]:
    """Return what reads an option whose value is a Python literal, such as ``(1, 2)``."""

    def read(text: str) -> Any:
        try:
            return _from_text(text, kind)
        except (ValueError, SyntaxError):
            raise argparse.ArgumentTypeError(f"{text!r} is no Python literal of type {kind}") from None

    return read


def from_file(path: Path, config: type) -> dict[str, Any]:
    """Return the values a TOML file has for the fields of ``config``."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingError(f"{path} is no TOML: {error}") from None
    kinds = _kinds(config)
    if unknown := sorted(content.keys() - kinds.keys()):
        raise SettingError(f"{path}: unknown {', '.join(unknown)}; it can have {', '.join(kinds)}")
    return {name: _from_toml(value, kinds[name], f"{path}: {name}") for name, value in content.items()}


def _kinds(config: type) -> dict[str, str]:
    return {field.name: str(field.type) for field in dataclasses.fields(config)}


def _from_text(text: str, kind: str) -> Any:
    match kind:
        case "str":
            return text
        case "Path":
            return Path(text)
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "bool":
            if text.lower() not in _SWITCH:
                raise ValueError(text)
            return _SWITCH[text.lower()]
    value = ast.literal_eval(text)
    if isinstance(value, _LITERALS.get(kind, object)):
        return value
    raise ValueError(text)


def _from_toml(value: Any, kind: str, where: str) -> Any:
    if kind in _LISTS and isinstance(value, list):
        return _LISTS[kind](value)
    if kind in ("bytes", "complex", "tuple", "set") and isinstance(value, str):
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise SettingError(f"{where} is no Python literal") from None
    wanted = _TOML.get(kind, object)
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind in ("int", "float")):
        raise SettingError(f"{where} is not of type {kind}")
    return Path(value) if kind == "Path" else float(value) if kind == "float" else value
