"""The examples of a rule page as notebooks: fences are cells, marked lines are expected findings."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from nb2prod.errors import ConfigurationError
from nb2prod.pages import FENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.pages import Page, Section

_MARK = re.compile(r"[ \t]*# (?P<severity>error|warning|note): (?P<codes>NB\d{3}(?:, NB\d{3})*)[ \t]*$")
_VARIANT = re.compile(r"### (?P<title>[^{]*?)\s*(?P<attributes>\{.*\})?\s*$")
_PAIR = re.compile(r"[\w.-]+\s*=\s*")
_OUTPUT_KEYS = {
    "stream": {"type", "name", "repeat"},
    "execute_result": {"type", "mime", "execution_count", "repeat"},
    "display_data": {"type", "mime", "repeat"},
    "error": {"type", "ename", "evalue"},
}


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """A finding an example must give: its code, the cell (None: the file as a whole) and the line.

    lowered  what the finding says itself that it is only (``# note: NB101``, ``# warning: NB401``); empty: as its rule
    """

    code: str
    cell: int | None
    line: int
    lowered: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One notebook of a page.

    title     section and place in the page, for messages (``Bad, line 20``)
    variant   the heading it stands under, without the attributes; empty for the first
    name      of the notebook's file
    notebook  an nbformat 4.5 dict, marks stripped; nbformat 3 where the heading says so
    files     files of the project beside the notebook, by relative path
    expected  the findings the marks ask for, in order; empty in Good and Fixed
    """

    title: str
    variant: str
    line: int
    name: str
    notebook: dict[str, Any]
    files: Mapping[str, str]
    expected: tuple[Expected, ...]


@dataclass(slots=True)
class _Draft:
    """An example while its lines are being read."""

    line: int
    variant: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    cells: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    expected: list[Expected] = field(default_factory=list)


def examples(page: Page, title: str) -> tuple[Example, ...]:
    """Return the notebooks of the section ``title`` (Bad, Good or Fixed), in order.

    A stretch between variants that holds no fence is explanation and makes no notebook.
    Raises ConfigurationError with file and line for a fence, key or mark the format does not know.
    """
    section = page.sections[title]
    lines = section.text.split("\n")
    drafts = [_Draft(section.line)]
    text: list[str] = []
    index = 0
    while index < len(lines):
        line, at = lines[index], section.line + index
        if opening := FENCE.match(line):
            _flush_text(drafts[-1], text)
            body = _fence_body(lines, index, opening["ticks"])
            _Fence(page, title, at, drafts[-1]).add(opening["info"], body)
            index += len(body) + 2
            continue
        if line.startswith("### "):
            _flush_text(drafts[-1], text)
            drafts.append(_variant(page, title, line, at))
        else:
            text.append(line)
        index += 1
    _flush_text(drafts[-1], text)
    return tuple(_example(section, draft) for draft in drafts if _has_fence(draft))


def _has_fence(draft: _Draft) -> bool:
    return bool(draft.files or draft.expected) or any(cell["cell_type"] != "markdown" for cell in draft.cells)


def _flush_text(draft: _Draft, text: list[str]) -> None:
    """Add the text read since the last fence as a markdown cell."""
    source = "\n".join(text).strip()
    text.clear()
    if source:
        _add_cell(draft, {"cell_type": "markdown", "metadata": {}, "source": source})


def _add_cell(draft: _Draft, cell: dict[str, Any]) -> None:
    # Ids stand first in the cells of real files.
    draft.cells.append({"id": f"cell-{len(draft.cells) + 1}"} | cell)


def _fence_body(lines: Sequence[str], start: int, ticks: str) -> list[str]:
    """Return the lines between the fence that opens at ``start`` and its close (the page is known to close it)."""
    for end in range(start + 1, len(lines)):
        stripped = lines[end].strip()
        if stripped.startswith(ticks) and not stripped.strip(ticks[0]):
            return list(lines[start + 1 : end])
    raise ConfigurationError("a code fence is not closed")


def _variant(page: Page, title: str, line: str, at: int) -> _Draft:
    match = _VARIANT.match(line)
    if match is None or not match["title"]:
        raise ConfigurationError(
            f"{page.path}:{at}: a heading in an example is `### Title {{key=value}}`, not `{line}`"
        )
    draft = _Draft(at, match["title"])
    metadata = _attributes(page, at, match["attributes"])
    if "error" in metadata:
        code = metadata.pop("error")
        _check_mark(page, title, at, code)
        draft.expected.append(Expected(code, None, 1))
    draft.metadata = metadata
    return draft


def _check_mark(page: Page, title: str, at: int, code: object) -> None:
    if title != "Bad":
        raise ConfigurationError(f"{page.path}:{at}: a line is marked in {title}, where nothing may be found")
    if code != page.rule.code:
        raise ConfigurationError(f"{page.path}:{at}: the mark says {code}, the page is {page.rule.code}")


@dataclass(frozen=True, slots=True)
class _Fence:
    """Where a fence stands and the example it adds to."""

    page: Page
    title: str
    line: int
    draft: _Draft

    def fail(self, problem: str, offset: int = 0) -> ConfigurationError:
        return ConfigurationError(f"{self.page.path}:{self.line + offset}: {problem}")

    def add(self, info: str, body: Sequence[str]) -> None:
        words = re.match(r"\s*(?P<language>[\w+-]*)\s*(?P<attributes>\{.*\})?\s*$", info)
        if words is None:
            raise self.fail(f"cannot read the fence's `{info.strip()}`")
        attributes = _attributes(self.page, self.line, words["attributes"])
        if "file" in attributes:
            self.add_file(attributes, body)
            return
        match words["language"]:
            case "python":
                self.add_code(attributes, body)
            case "output":
                self.add_output(attributes, body)
            case "raw" | "markdown" as kind:
                cell = {"cell_type": kind, "metadata": attributes, "source": "\n".join(body)}
                _add_cell(self.draft, cell)
            case other:
                raise self.fail(f"a fence is python, output, raw, markdown or has a `file`, not `{other}`")

    def add_file(self, attributes: dict[str, Any], body: Sequence[str]) -> None:
        name = attributes.pop("file")
        if attributes:
            raise self.fail(f"a file has no `{next(iter(attributes))}`")
        if not isinstance(name, str) or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise self.fail(f"`file` is a path beside the notebook, not {name!r}")
        self.draft.files[name] = "\n".join(body) + "\n"

    def add_code(self, attributes: dict[str, Any], body: Sequence[str]) -> None:
        source = []
        number = len(self.draft.cells) + 1
        for index, line in enumerate(body, 1):
            mark = _MARK.search(line)
            if mark is None and re.search("# (?:error|warning|note): NB", line):
                raise self.fail(
                    "a mark is `# error: `, `# warning: ` or `# note: ` and codes separated by `, `, at the line's end",
                    index,
                )
            for code in mark["codes"].split(", ") if mark else ():
                _check_mark(self.page, self.title, self.line + index, code)
                lowered = mark["severity"] if mark and mark["severity"] != "error" else ""
                self.draft.expected.append(Expected(code, number, index, lowered))
            source.append(line[: mark.start()] if mark else line)
        count = attributes.pop("execution_count", None)
        if count is not None and not isinstance(count, int):
            raise self.fail(f"`execution_count` is a number, not {count!r}")
        cell: dict[str, Any] = {"cell_type": "code", "execution_count": count, "metadata": attributes, "outputs": []}
        _add_cell(self.draft, cell | {"source": "\n".join(source)})

    def add_output(self, attributes: dict[str, Any], body: Sequence[str]) -> None:
        if not self.draft.cells or self.draft.cells[-1]["cell_type"] != "code":
            raise self.fail("an output needs a code cell directly above")
        cell = self.draft.cells[-1]
        kind = attributes.get("type", "stream")
        if kind not in _OUTPUT_KEYS:
            raise self.fail(f"an output's `type` is {', '.join(_OUTPUT_KEYS)}, not {kind!r}")
        if unknown := sorted(attributes.keys() - _OUTPUT_KEYS[kind]):
            raise self.fail(f"an output of type {kind} has no `{unknown[0]}`")
        text = ("\n".join(body) + "\n") * attributes.get("repeat", 1)
        output: dict[str, Any] = {"output_type": kind}
        if kind == "stream":
            output |= {"name": attributes.get("name", "stdout"), "text": text}
        elif kind == "error":
            output |= {"ename": attributes.get("ename", "Exception"), "evalue": attributes.get("evalue", "")}
            output["traceback"] = list(body)
        else:
            output |= {"metadata": {}, "data": {attributes.get("mime", "text/plain"): text.rstrip("\n")}}
        if kind == "execute_result":
            output["execution_count"] = attributes.get("execution_count", cell["execution_count"])
        cell["outputs"].append(output)


def _attributes(page: Page, line: int, text: str | None) -> dict[str, Any]:
    """Return ``{key=value key=value}`` as a dict: TOML pairs, separated by spaces."""
    if not text:
        return {}
    rest, pairs = text[1:-1].strip(), []
    while rest:
        key = _PAIR.match(rest)
        # The shortest value that is TOML: spaces may stand inside strings, arrays and inline tables.
        ends = (
            [end for end in range(key.end() + 1, len(rest) + 1) if end == len(rest) or rest[end] == " "] if key else []
        )
        pair = next((rest[:end] for end in ends if _is_toml(rest[:end])), None)
        if pair is None:
            raise ConfigurationError(f"{page.path}:{line}: `{rest}` is no `key=value` pair in TOML")
        pairs.append(pair)
        rest = rest[len(pair) :].strip()
    try:
        return tomllib.loads("\n".join(pairs))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{page.path}:{line}: `{text}`: {error}") from None


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _example(section: Section, draft: _Draft) -> Example:
    metadata = dict(draft.metadata)
    language, name = metadata.pop("language", "python"), metadata.pop("name", "example.ipynb")
    kernel = {"display_name": language, "language": language, "name": "python3" if language == "python" else language}
    saved_as = metadata.pop("nbformat", 4)
    notebook = {
        "cells": draft.cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": language}} | metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    if saved_as == 3:  # noqa: PLR2004 - the only older format examples are written in
        notebook = _old(notebook)
    expected = tuple(sorted(draft.expected, key=_order))
    title = f"{section.title}, line {draft.line}"
    return Example(title, draft.variant, draft.line, name, notebook, draft.files, expected)


def _old(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notebook of code cells without outputs as nbformat 3 writes it."""
    cells = [
        {
            "cell_type": "code",
            "collapsed": False,
            "input": cell["source"],
            "language": "python",
            "metadata": {},
            "outputs": [],
        }
        for cell in notebook["cells"]
    ]
    return {
        "metadata": {"name": ""},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }


def _order(expected: Expected) -> tuple[int, int]:
    return (expected.cell or 0, expected.line)
