"""Settings: what `[tool.nb2prod]` and the command line say, validated."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nb2prod.diagnostics import Severity
from nb2prod.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FAIL_ON: Mapping[str, Severity | None] = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "note": Severity.NOTE,
    "never": None,
}


class Selectors(NamedTuple):
    """Codes, names or prefixes, and where they were written (for messages)."""

    words: tuple[str, ...]
    origin: str


class Globs(NamedTuple):
    """File patterns, relative to ``folder``.

    A pattern without a slash matches a file or folder of that name anywhere; one with a slash
    matches from ``folder``. ``*`` crosses slashes. A pattern that matches a folder matches what is in it.
    """

    folder: Path
    patterns: tuple[str, ...]

    def match(self, path: Path, *, named: Path | None = None) -> bool:
        """Whether a pattern matches ``path`` (absolute) or a folder above it, below ``self.folder``.

        ``named`` is a folder above ``path`` that was asked for: a match of it, or above, does not count.
        """
        if not self.patterns:
            return False
        try:
            parts = path.relative_to(self.folder).parts
        except ValueError:
            return False
        given = len(named.relative_to(self.folder).parts) if named and named.is_relative_to(self.folder) else 0
        whole = ["/".join(parts[:count]) for count in range(given + 1, len(parts) + 1)]
        return any(self._match_parts(pattern, parts[given:], whole) for pattern in self.patterns)

    @staticmethod
    def _match_parts(pattern: str, parts: Iterable[str], whole: Iterable[str]) -> bool:
        pattern = pattern.removeprefix("./").rstrip("/")
        if "/" not in pattern:
            return any(fnmatchcase(part, pattern) for part in parts)
        anchored = pattern.removeprefix("/")
        # `**/x` also matches an x directly in the folder.
        return any(fnmatchcase(each, anchored) or fnmatchcase(each, anchored.removeprefix("**/")) for each in whole)


class Settings(NamedTuple):
    """The settings that hold for one notebook.

    source            the file they come from; None for defaults
    select            rules that run; None for all
    ignore            rules that do not, unless ``select`` names them more precisely
    exclude           files that are not checked unless named on the command line
    fail_on           the least severity that makes a run fail; None for never
    per_file_ignores  rules that are silent in files that match
    baseline          the file of findings that are known
    """

    source: Path | None = None
    select: Selectors | None = None
    ignore: tuple[Selectors, ...] = ()
    exclude: tuple[Globs, ...] = ()
    fail_on: Severity | None = Severity.ERROR
    per_file_ignores: tuple[tuple[Globs, Selectors], ...] = ()
    baseline: Path | None = None


class Overrides(NamedTuple):
    """What the command line says; it beats the file.

    ``select`` starts afresh: what the file selects and ignores no longer counts. ``ignore`` and
    ``exclude`` are added to the file's. ``fail_on`` is a key of FAIL_ON.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: Globs | None = None
    fail_on: str | None = None
    isolated: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Configuration:
    """Finds the settings of folders; each folder's are read once."""

    overrides: Final[Overrides]
    _by_folder: Final[dict[Path, Settings]] = field(default_factory=dict)

    def settings_for(self, folder: Path) -> Settings:
        """Return the settings for notebooks in ``folder`` (absolute).

        They stand in the nearest pyproject.toml upwards that has a table ``[tool.nb2prod]``. Raises
        ConfigurationError if that file is not TOML, or has a key or value nobody knows.
        """
        if folder not in self._by_folder:
            self._by_folder[folder] = self._find(folder)
        return self._by_folder[folder]

    def _find(self, folder: Path) -> Settings:
        own = None if self.overrides.isolated else read_settings(folder / "pyproject.toml")
        if own is not None:
            return override(own, self.overrides)
        if folder.parent == folder or self.overrides.isolated:
            return override(Settings(), self.overrides)
        return self.settings_for(folder.parent)


def read_settings(path: Path) -> Settings | None:
    """Return what ``[tool.nb2prod]`` of a pyproject.toml says; None without the file or the table."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    # A pyproject.toml that never speaks of us cannot stop us, broken or not.
    if "nb2prod" not in text:
        return None
    import tomllib  # noqa: PLC0415 - most runs have no settings to parse

    try:
        table = tomllib.loads(text).get("tool", {}).get("nb2prod")
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: `tool.nb2prod` must be a table, not {_kind(table)}")
    return _settings(path, table)


def override(settings: Settings, overrides: Overrides) -> Settings:
    """Return ``settings`` as the command line changes them."""
    if overrides.select:
        settings = settings._replace(select=Selectors(overrides.select, "--select"), ignore=(), per_file_ignores=())
    if overrides.ignore:
        settings = settings._replace(ignore=(*settings.ignore, Selectors(overrides.ignore, "--ignore")))
    if overrides.exclude:
        settings = settings._replace(exclude=(*settings.exclude, overrides.exclude))
    if overrides.fail_on:
        settings = settings._replace(fail_on=FAIL_ON[overrides.fail_on])
    return settings


def _settings(path: Path, table: dict[str, Any]) -> Settings:
    known = {"select", "ignore", "exclude", "fail-on", "per-file-ignores", "baseline"}
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{path}: unknown key `{key}` in [tool.nb2prod]; {_suggestion(key, known)}")
    # Globs are compared with absolute paths, so their folder must be one.
    folder = type(path)(os.path.abspath(path.parent))  # noqa: PTH100 - resolve() would follow links the user named
    settings = Settings(source=path)
    if "select" in table:
        settings = settings._replace(select=_selectors(path, "select", table["select"]))
    if "ignore" in table:
        settings = settings._replace(ignore=(_selectors(path, "ignore", table["ignore"]),))
    if "exclude" in table:
        settings = settings._replace(exclude=(Globs(folder, _strings(path, "exclude", table["exclude"])),))
    if "fail-on" in table:
        value = table["fail-on"]
        if value not in list(FAIL_ON):
            wrong = _expected(path, "fail-on", "error, warning, note or never", value)
            raise wrong
        settings = settings._replace(fail_on=FAIL_ON[value])
    if "baseline" in table:
        value = table["baseline"]
        if not isinstance(value, str):
            raise _expected(path, "baseline", "the name of a file", value)
        settings = settings._replace(baseline=folder / value)
    if "per-file-ignores" in table:
        value = table["per-file-ignores"]
        if not isinstance(value, dict):
            raise _expected(path, "per-file-ignores", "a table of file pattern to rules", value)
        ignores = tuple(
            (Globs(folder, (pattern,)), _selectors(path, f"per-file-ignores.{pattern}", rules))
            for pattern, rules in value.items()
        )
        settings = settings._replace(per_file_ignores=ignores)
    return settings


def _selectors(path: Path, key: str, value: object) -> Selectors:
    return Selectors(_strings(path, key, value), f"{path}: `{key}`")


def _strings(path: Path, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _expected(path, key, "a list of strings", value)
    for item in value:
        if not isinstance(item, str):
            raise _expected(path, key, "a list of strings", item, "with ")
    return tuple(value)


def _expected(path: Path, key: str, expected: str, got: object, joint: str = "") -> ConfigurationError:
    return ConfigurationError(f"{path}: `{key}` must be {expected}, not {joint}{_kind(got)} ({got!r})")


def _kind(value: object) -> str:
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "a table", int: "an integer", float: "a float"}
    return names.get(type(value), f"a {type(value).__name__}")


def _suggestion(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only needed to word an error

    close = get_close_matches(key.replace("_", "-"), sorted(known), n=1)
    return f"did you mean `{close[0]}`?" if close else f"known keys are {', '.join(sorted(known))}"
