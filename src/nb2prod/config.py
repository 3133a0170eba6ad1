"""Settings: what pyproject.toml, nb2prod.toml and the command line say, validated."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nb2prod.diagnostics import Severity
from nb2prod.errors import ConfigurationError
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FAIL_ON: Mapping[str, Severity | None] = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "note": Severity.NOTE,
    "never": None,
}


_SEVERITIES = {str(severity): severity for severity in Severity}

_SHARED = "pyproject.toml"
# Where settings stand; in one folder the first that is there counts.
FILES = ("nb2prod.toml", _SHARED)


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

    source              the file they come from; None for defaults
    select              rules that run; None for those of the profile
    ignore              rules that do not, unless ``select`` names them more precisely
    exclude             files that are not checked unless named on the command line
    fail_on             the least severity that makes a run fail; None for never
    per_file_ignores    rules that are silent in files that match
    baseline            the file of findings that are known
    profile             the name of a set of rules in rules/profiles.toml
    extend_select       rules that run as well
    severities          rules that have another severity than their page says
    transparent_magics  cell magics whose cell is Python that runs as if they were not there
    require_reason      what silences a finding has to say why
    extend_rules        folders of rule pages of the team's own (absolute)
    cache_dir           the folder for what is kept from run to run (absolute); None for the user's own
    """

    source: Path | None = None
    select: Selectors | None = None
    ignore: tuple[Selectors, ...] = ()
    exclude: tuple[Globs, ...] = ()
    fail_on: Severity | None = Severity.ERROR
    per_file_ignores: tuple[tuple[Globs, Selectors], ...] = ()
    baseline: Path | None = None
    profile: str = "production"
    extend_select: tuple[Selectors, ...] = ()
    severities: tuple[tuple[Selectors, Severity], ...] = ()
    transparent_magics: frozenset[str] = frozenset()
    require_reason: bool = False
    extend_rules: tuple[Path, ...] = ()
    cache_dir: Path | None = None


class Overrides(NamedTuple):
    """What the command line says; it beats the file.

    ``select`` starts afresh: what the file selects and ignores no longer counts. ``ignore`` and
    ``exclude`` are added to the file's. ``fail_on`` is a key of FAIL_ON. ``config`` has settings as
    a file would, ``key=value``, each in the place of the file's.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: Globs | None = None
    fail_on: str | None = None
    isolated: bool = False
    profile: str | None = None
    extend_select: tuple[str, ...] = ()
    config: tuple[str, ...] = ()


class Configuration:
    """Finds the settings of folders; each folder's are read once."""

    def __init__(self, overrides: Overrides) -> None:
        """Take what the command line says, which stands above all files."""
        self.overrides: Final = overrides
        self._by_folder: Final[dict[Path, Settings]] = {}

    def settings_for(self, folder: Path) -> Settings:
        """Return the settings for notebooks in ``folder`` (absolute).

        They stand in the nearest nb2prod.toml upwards, or pyproject.toml that has a table
        ``[tool.nb2prod]``; beside each other the first counts. Raises ConfigurationError if that file
        is not TOML, or has a key or value nobody knows.
        """
        if folder not in self._by_folder:
            self._by_folder[folder] = self._find(folder)
        return self._by_folder[folder]

    def _find(self, folder: Path) -> Settings:
        for name in () if self.overrides.isolated else FILES:
            own = read_settings(folder / name)
            if own is not None:
                return override(own, self.overrides)
        if folder.parent == folder or self.overrides.isolated:
            return override(Settings(), self.overrides)
        return self.settings_for(folder.parent)


def read_settings(path: Path) -> Settings | None:
    """Return what a file with settings says; None without the file, or the table in a pyproject.toml."""
    table = read_table(path)
    # Globs are compared with absolute paths, so their folder must be one.
    folder = type(path)(os.path.abspath(path.parent))  # noqa: PTH100 - resolve() would follow links the user named
    return None if table is None else _with_table(Settings(source=path), str(path), folder, table)


def read_table(path: Path) -> Mapping[str, Any] | None:
    """Return the table with our settings in a pyproject.toml or nb2prod.toml, checked; None as ``read_settings``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    whole = path.name != _SHARED
    # A pyproject.toml that never speaks of us cannot stop us, broken or not.
    if not whole and "nb2prod" not in text:
        return None
    import tomllib  # noqa: PLC0415 - most runs have no settings to parse

    from nb2prod.settings_keys import check_table, kind  # noqa: PLC0415 - the same

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None
    table = document if whole else document.get("tool", {}).get("nb2prod")
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: `tool.nb2prod` must be a table, not {kind(table)}")
    check_table(str(path), table)
    return table


def assigned(words: Iterable[str]) -> dict[str, Any]:
    """Return the settings that ``key=value`` texts of a command line are, checked.

    A value is TOML; one that is not is a string. ``table.key=value`` sets one entry of a table.
    """
    import tomllib  # noqa: PLC0415 - few runs have them

    from nb2prod.settings_keys import check_table  # noqa: PLC0415 - the same

    table: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise ConfigurationError(f"--config: `{word}` is not KEY=VALUE")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value.strip()
        name, dot, entry = (part.strip().strip("\"'") for part in key.partition("."))
        if dot:
            table.setdefault(name, {})[entry] = parsed
        else:
            table[name] = parsed
    check_table("--config", table)
    return table


def override(settings: Settings, overrides: Overrides) -> Settings:
    """Return ``settings`` as the command line changes them."""
    if overrides.config:
        settings = _with_table(settings, "--config", Path.cwd(), assigned(overrides.config))
    if overrides.profile:
        settings = settings._replace(profile=overrides.profile)
    if overrides.extend_select:
        more = Selectors(overrides.extend_select, "--extend-select")
        settings = settings._replace(extend_select=(*settings.extend_select, more))
    if overrides.select:
        settings = settings._replace(select=Selectors(overrides.select, "--select"), ignore=(), per_file_ignores=())
    if overrides.ignore:
        settings = settings._replace(ignore=(*settings.ignore, Selectors(overrides.ignore, "--ignore")))
    if overrides.exclude:
        settings = settings._replace(exclude=(*settings.exclude, overrides.exclude))
    if overrides.fail_on:
        settings = settings._replace(fail_on=FAIL_ON[overrides.fail_on])
    return settings


def _with_table(settings: Settings, origin: str, folder: Path, table: Mapping[str, Any]) -> Settings:
    """Return ``settings`` with what a checked table says in the place of what they said; globs start at ``folder``."""

    def selectors(key: str, words: list[str]) -> Selectors:
        return Selectors(tuple(words), f"{origin}: `{key}`")

    for key, value in table.items():
        match key:
            case "select":
                settings = settings._replace(select=selectors(key, value))
            case "extend-select":
                settings = settings._replace(extend_select=(selectors(key, value),))
            case "ignore":
                settings = settings._replace(ignore=(selectors(key, value),))
            case "exclude":
                settings = settings._replace(exclude=(Globs(folder, tuple(value)),))
            case "fail-on":
                settings = settings._replace(fail_on=FAIL_ON[value])
            case "per-file-ignores":
                ignores = [(Globs(folder, (glob,)), selectors(f"{key}.{glob}", value[glob])) for glob in value]
                settings = settings._replace(per_file_ignores=tuple(ignores))
            case "severity":
                given = [(selectors(f"{key}.{rule}", [rule]), _SEVERITIES[value[rule]]) for rule in value]
                settings = settings._replace(severities=tuple(given))
            case "baseline":
                settings = settings._replace(baseline=folder / value)
            case "profile":
                settings = settings._replace(profile=value)
            case "transparent-magics":
                settings = settings._replace(transparent_magics=frozenset(name.lstrip("%") for name in value))
            case "extend-rules":
                settings = settings._replace(extend_rules=tuple(folder / name for name in value))
            case "require-reason":
                settings = settings._replace(require_reason=value)
            case "cache-dir":
                settings = settings._replace(cache_dir=folder / value)
    return settings
