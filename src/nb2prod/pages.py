"""Rule pages: what a rule says of itself, and which rules a code, name or prefix means."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.diagnostics import NOTEBOOK, PACKAGE, Forbidden, Rule, Severity
from nb2prod.errors import ConfigurationError
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

FENCE = lazy_pattern(r"(?P<ticks>`{3,}|~{3,})(?P<info>[^`]*)$")

_KEYS = ("code", "name", "summary", "severity", "fix", "since")
# `emitted-by = "linter"`: the finding is made where no check can look, so there is no check file.
# `redact = true`: reports show stars where the finding stands.
# `[forbid]`: what it names is the whole of the rule, and there is no check file.
# `about = "package"`: it looks at what a notebook was converted to.
_OPTIONAL_KEYS = ("emitted-by", "redact", "about", "forbid")
_FIXES = ("none", "safe", "unsafe")
_SEVERITIES = {str(severity): severity for severity in Severity}
_CODE = lazy_pattern(r"NB\d{3}$")
# A team's own: a prefix that nobody else's codes have, and enough digits to sort.
_HOUSE_CODE = lazy_pattern(r"(?!NB\d)[A-Z]{2,12}\d{2,5}$")
# What the pages of a team may leave out.
_HOUSE_DEFAULTS = {"fix": "none", "since": "0"}
_NAME = lazy_pattern(r"[a-z0-9]+(-[a-z0-9]+)*$")
_SINCE = lazy_pattern(r"\d+\.\d+(\.\d+)?$")
_PREFIX = lazy_pattern(r"([A-Z]+)\d*$")
_SECTIONS = (
    "What it does",
    "Why is this bad?",
    "Bad",
    "Good",
    "Fixed",
    "Known problems",
    "References",
)


class Section(NamedTuple):
    """One ``##`` section of a page: its title, its text, and the file's line its text starts on."""

    title: str
    text: str
    line: int


class Page(NamedTuple):
    """A whole rule page: front matter and sections, in the order of the file."""

    rule: Rule
    path: Path
    sections: Mapping[str, Section]


def load_rules(folder: Path | None = None) -> tuple[Rule, ...]:
    """Return the rules of all pages in ``folder`` (default: our own), by code.

    Reads front matter only, which is what a run of ``check`` needs. Raises ConfigurationError for a
    page that does not follow the format and for two pages of one code.
    """
    rules: dict[str, Rule] = {}
    for path in page_files(folder or rules_folder()):
        rule = read_rule(path)
        if rule.code in rules:
            raise ConfigurationError(f"{path}:1: code {rule.code} is already taken by {rules[rule.code].name}")
        rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))


def page_files(folder: Path) -> list[Path]:
    """Return the rule pages of a folder, by name."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder of rule pages")
    names = sorted(os.listdir(folder))  # noqa: PTH208 names sort a good deal faster than paths, and every start does
    return [folder / name for name in names if name.endswith(".md") and name != "README.md"]


def read_rule(path: Path, house: Path | None = None) -> Rule:
    """Return the front matter of the page at ``path``; the rest is not read.

    house  the folder of a team's own pages, which must forbid something: it can have no check
    """
    try:
        return _rule(path, _front_matter(path), house)
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: a rule page is text in UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None


def _front_matter(path: Path) -> list[str]:
    # As bytes: half of the time of a text file goes into being ready for what is behind the front matter.
    with path.open("rb") as file:
        if file.readline().rstrip() != b"+++":
            raise ConfigurationError(f"{path}:1: a rule page starts with a line `+++`")
        lines = []
        for line in file:
            if line.rstrip() == b"+++":
                break
            lines.append(line)
        else:
            raise ConfigurationError(f"{path}:1: the front matter is not closed by a line `+++`")
    return b"".join(lines).decode("utf-8").replace("\r\n", "\n").splitlines(keepends=True)


def load_page(path: Path, house: Path | None = None) -> Page:
    """Return the page at ``path``; ConfigurationError names file and line of what is wrong with it.

    The sections of a team's own page (``house``) are whatever the team writes.
    """
    rule = read_rule(path, house)
    lines = path.read_text(encoding="utf-8").splitlines()
    start = lines.index("+++", 1) + 1
    sections = _sections(path, lines, start)
    if house is None:
        _check_sections(path, rule, sections, len(lines))
    return Page(rule, path, {section.title: section for section in sections})


def page_of(rule: Rule) -> Page | None:
    """Return the whole page of a rule, in our folder or its own; None where it has none, being another tool's."""
    path = (rule.house or rules_folder()) / f"{rule.name}.md"
    return None if rule.tool else load_page(path, rule.house)


def matching(selector: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules a code (``NB301``), name (``hardcoded-path``) or prefix (``NB3``, ``S``) means.

    A prefix has all letters of the codes it means: ``S`` means ``S113`` and not ``SIM102``.
    """
    if not (prefix := _PREFIX.match(selector)):
        return tuple(rule for rule in rules if selector == rule.name)
    letters = len(prefix[1])
    return tuple(rule for rule in rules if rule.code.startswith(selector) and not rule.code[letters].isalpha())


def require_matching(selector: str, rules: Sequence[Rule], origin: str) -> tuple[Rule, ...]:
    """Return what ``matching`` returns; raise ConfigurationError with a suggestion if that is nothing.

    ``origin`` says where the selector was written, for the message.
    """
    found = matching(selector, rules)
    if found:
        return found
    from difflib import get_close_matches  # noqa: PLC0415 - only needed to word an error

    names = [word for rule in rules for word in (rule.name, rule.code)]
    close = get_close_matches(selector, names, n=1) or get_close_matches(selector.upper(), names, n=1)
    hint = f"did you mean `{close[0]}`?" if close else "`nb2prod rule` lists all rules."
    raise ConfigurationError(f"{origin}: no rule is called `{selector}`; {hint}")


def _rule(path: Path, lines: Sequence[str], house: Path | None) -> Rule:
    # Front matter starts on the file's second line: the blank line in front keeps the line
    # numbers of errors those of the file.
    try:
        values = plain_toml.loads("\n" + "".join(lines))
    except ValueError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise ConfigurationError(f"{path}:{at[1] if at else 1}: front matter is not TOML: {error}") from None

    def fail(key: str, problem: str) -> ConfigurationError:
        at = next((number for number, line in enumerate(lines, 2) if re.match(rf"\s*{re.escape(key)}\s*=", line)), 1)
        return ConfigurationError(f"{path}:{at}: {problem}")

    allowed = _KEYS + (("forbid",) if house else _OPTIONAL_KEYS)
    for key in values:
        if key not in allowed:
            raise fail(key, f"unknown key `{key}`; a page has {', '.join(allowed)}")
    if house is not None:
        values = _HOUSE_DEFAULTS | values
        if "forbid" not in values:
            raise fail("forbid", "a page of your own needs a table `[forbid]`: it can have no check")
    for key in _KEYS:
        if key not in values:
            raise fail(key, f"key `{key}` is missing")
        if not isinstance(values[key], str) or not values[key].strip():
            raise fail(key, f"`{key}` must be a string that says something, not {values[key]!r}")
    if house is not None and not _HOUSE_CODE.match(values["code"]):
        raise fail("code", f"`code` is a prefix of your own and digits, such as ACME001, not {values['code']!r}")
    if house is None and not _CODE.match(values["code"]):
        raise fail("code", f"`code` is NB and three digits, not {values['code']!r}")
    if not _NAME.match(values["name"]) or values["name"] != path.stem:
        raise fail("name", f"`name` is the file's name, `{path.stem}` in small letters, not {values['name']!r}")
    if values["severity"] not in _SEVERITIES:
        raise fail("severity", f"`severity` is error, warning or note, not {values['severity']!r}")
    if values["fix"] not in _FIXES:
        raise fail("fix", f"`fix` is {', '.join(_FIXES[:-1])} or {_FIXES[-1]}, not {values['fix']!r}")
    if house is not None and values["fix"] != "none":
        raise fail("fix", f"`fix` of a page of your own is none, not {values['fix']!r}")
    if house is None and not _SINCE.match(values["since"]):
        raise fail("since", f"`since` is a version such as 0.1.0, not {values['since']!r}")
    emitter = values.pop("emitted-by", None)
    if emitter not in {None, "linter"}:
        raise fail("emitted-by", f"`emitted-by` is linter or is left out, not {emitter!r}")
    if not isinstance(values.get("redact", False), bool):
        raise fail("redact", f"`redact` is true or false, not {values['redact']!r}")
    if values.get("about", NOTEBOOK) not in {NOTEBOOK, PACKAGE}:
        raise fail("about", f"`about` is {NOTEBOOK} or {PACKAGE}, not {values['about']!r}")
    forbid = _forbidden(values.pop("forbid"), fail) if "forbid" in values else None
    return Rule(**{**values, "severity": _SEVERITIES[values["severity"]], "forbid": forbid, "house": house})


def _forbidden(table: object, fail: Callable[[str, str], ConfigurationError]) -> Forbidden:
    """Return a page's ``[forbid]`` table; ``fail`` makes the error for a key and what is wrong with it."""
    if not isinstance(table, dict):
        raise fail("forbid", f"`forbid` is a table, not {table!r}")
    table = {key.replace("-", "_"): value for key, value in table.items()}
    lists = ("calls", "imports", "magics", "strings", "assigns")
    for key, value in table.items():
        if key not in Forbidden._fields:
            raise fail(key, f"`[forbid]` has no `{key}`; it has {', '.join(Forbidden._fields).replace('_', '-')}")
        if key in lists and not (isinstance(value, list) and value and all(_is_text(each) for each in value)):
            raise fail(key, f"`{key}` is a list of names or globs, not {value!r}")
    if not _is_text(table.get("message")):
        raise fail("message", "`[forbid]` needs a `message`: what a finding says, with {name} for what was found")
    if not isinstance(table.get("unless_guarded", False), bool):
        raise fail("unless-guarded", f"`unless-guarded` is true or false, not {table['unless_guarded']!r}")
    if not any(key in table for key in lists):
        raise fail("forbid", f"`[forbid]` forbids nothing; it needs {', '.join(lists[:-1])} or {lists[-1]}")
    arguments: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in table.items()}
    return Forbidden(**arguments)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _sections(path: Path, lines: Sequence[str], start: int) -> list[Section]:
    """Return the ``##`` sections from line index ``start``; a heading inside a fence is none."""
    found: list[tuple[str, int]] = []
    fence = ""
    for index in range(start, len(lines)):
        line = lines[index]
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif opening := FENCE.match(line):
            fence = opening["ticks"]
        elif line.startswith("## "):
            found.append((line[3:].strip(), index))
        elif not found and line.strip():
            raise ConfigurationError(f"{path}:{index + 1}: text before the first section")
    if fence:
        raise ConfigurationError(f"{path}:{len(lines)}: a code fence is not closed")
    ends = [index for _, index in found[1:]] + [len(lines)]
    return [
        Section(title, "\n".join(lines[index + 1 : end]), index + 2)
        for (title, index), end in zip(found, ends, strict=True)
    ]


def _check_sections(path: Path, rule: Rule, sections: Sequence[Section], last: int) -> None:
    expected = [title for title in _SECTIONS if title != "Fixed" or rule.fix != "none"]
    for section, title in zip(sections, expected, strict=False):
        if section.title == title:
            continue
        at = section.line - 1
        if section.title == "Fixed" and rule.fix == "none":
            raise ConfigurationError(f"{path}:{at}: a section `Fixed` in a page that says `fix` is none")
        if section.title not in _SECTIONS:
            raise ConfigurationError(f"{path}:{at}: unknown section `{section.title}`")
        raise ConfigurationError(f"{path}:{at}: section `{title}` must stand here, not `{section.title}`")
    if len(sections) < len(expected):
        raise ConfigurationError(f"{path}:{last}: section `{expected[len(sections)]}` is missing")
    if len(sections) > len(expected):
        raise ConfigurationError(
            f"{path}:{sections[len(expected)].line - 1}: section `{sections[len(expected)].title}` too many"
        )
    for section in sections:
        # "None known." is an answer, silence is not.
        if not section.text.strip() and section.title != "References":
            raise ConfigurationError(f"{path}:{section.line - 1}: section `{section.title}` is empty")
