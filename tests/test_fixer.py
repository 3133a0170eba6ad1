"""The fixer: what a fix touches changes, every other byte of the file stays, and nothing new is found."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.config import Selectors, Settings
from nb2prod.diagnostics import (
    Applicability,
    Edit,
    Finding,
    Fix,
    InsertCell,
    RemoveOutputs,
    ReorderCells,
    Rule,
    Severity,
)
from nb2prod.discovery import Target
from nb2prod.fixer import attempt as attempt_module
from nb2prod.fixer.file import UnwritableFileError, keeps_encoding, replace_file
from nb2prod.fixer.fix import FixedNotebook, fix_notebooks, with_fixed
from nb2prod.fixer.overlap import apart
from nb2prod.fixer.rewrite import CannotRewriteError, Rewritten, rewrite
from nb2prod.fixer.source import Replacement, edited_source
from nb2prod.linter import Check, lint
from nb2prod.notebook.read import parse_notebook
from nb2prod.pages import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.diagnostics import Change
    from nb2prod.notebook.model import Notebook

PATH = Path("a.ipynb")


def code(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source} | more


def whole(*cells: dict[str, Any], minor: int = 4) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": minor}


def read(text: str) -> Notebook:
    return parse_notebook(text, PATH)


def edit(notebook: Notebook, cell: int, start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
    return Edit(notebook.cells[cell - 1].location(*start, *end), text)


LINES = ["a = 1\n", "b = 'é😀'\n", "c = 3"]


@pytest.mark.parametrize(
    ("value", "replacement", "expected"),
    [
        ('"a\\u00e9b"', Replacement(2, 3, "é"), '"a\\u00e9é"'),
        ('"a\\ud83d\\ude00b"', Replacement(2, 3, ""), '"a\\ud83d\\ude00"'),
        ('"\\/x\\n"', Replacement(1, 2, '"'), '"\\/\\"\\n"'),
        ('["a\\n", "b"]', Replacement(0, 1, "x"), '["x\\n", "b"]'),
        ('["a\\n", "b"]', Replacement(2, 3, "x\ny"), '["a\\n", "x\\n", "y"]'),
        ('[\n  "a\\n",\n  "b\\n",\n  "c"\n ]', Replacement(2, 4, ""), '[\n  "a\\n",\n  "c"\n ]'),
        ('[\n  "a\\n",\n  "b"\n ]', Replacement(1, 3, ""), '[\n  "a"\n ]'),
        ('[\n  "a\\n",\n  "b"\n ]', Replacement(0, 2, ""), '[\n  "b"\n ]'),
        ('[\n  "a\\n",\n  "b"\n ]', Replacement(0, 0, "x\n"), '[\n  "x\\n",\n  "a\\n",\n  "b"\n ]'),
        ('[\n  "a\\n",\n  "b\\n"\n ]', Replacement(4, 4, "c"), '[\n  "a\\n",\n  "b\\n",\n  "c"\n ]'),
        ('["a"]', Replacement(0, 1, ""), "[]"),
        ('["a"]', Replacement(1, 1, "\nb"), '["a\\n", "b"]'),
        ("[\n   ]", Replacement(0, 0, "a\nb"), '["a\\n", "b"]'),
        ('["a\\nb\\n","c"]', Replacement(2, 3, "x"), '["a\\nx\\n","c"]'),
        ('["a", null]', Replacement(0, 1, "x"), None),
    ],
)
def test_a_source_keeps_what_is_not_edited(value: str, replacement: Replacement, expected: str | None) -> None:
    assert edited_source(value, [replacement], ascii_only=False) == expected


def test_new_text_is_escaped_where_the_file_is_ascii() -> None:
    assert edited_source('"ab"', [Replacement(1, 1, "é😀")], ascii_only=True) == '"a\\u00e9\\ud83d\\ude00b"'


TEXTS = st.text(st.sampled_from('ab"\\\n\r\té😀\u2028\ud83d'), max_size=12)


@given(
    entries=st.one_of(TEXTS, st.lists(TEXTS, max_size=4)),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1, "\t"]),
    data=st.data(),
)
def test_an_edited_source_reads_as_the_edited_text(
    entries: str | list[str], ascii_only: bool, indent: Any, data: st.DataObject
) -> None:
    """Whatever the text, its escapes and its entries; and what is no edit gives the same bytes."""
    value = json.dumps(entries, ensure_ascii=ascii_only, indent=indent)
    read_back = json.loads(value)
    source = read_back if isinstance(read_back, str) else "".join(read_back)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(source)), min_size=4, max_size=4)))
    first, second = data.draw(TEXTS), data.draw(TEXTS)
    result = edited_source(
        value, [Replacement(cuts[0], cuts[1], first), Replacement(cuts[2], cuts[3], second)], ascii_only=ascii_only
    )
    assert result is not None
    back = json.loads(result)
    # Two halves of a character that come to stand together are read as one character.
    expected = source[: cuts[0]] + first + source[cuts[1] : cuts[2]] + second + source[cuts[3] :]
    assert whole_characters(back if isinstance(back, str) else "".join(back)) == whole_characters(expected)
    assert isinstance(back, type(entries))


def whole_characters(text: str) -> bytes:
    return text.encode("utf-16", "surrogatepass")


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_bytes_outside_an_edit_stay(indent: Any, newline: str, ascii_only: bool) -> None:
    text = json.dumps(whole(code(LINES), code("x = 1")), indent=indent, ensure_ascii=ascii_only)
    text = text.replace("\n", newline) + newline
    notebook = read(text)
    changed = rewrite(notebook, [edit(notebook, 1, (3, 5), (3, 6), "4"), edit(notebook, 2, (1, 5), (1, 6), "2")])
    assert changed.text == text.replace("c = 3", "c = 4").replace("x = 1", "x = 2")
    assert changed.origins == (1, 2)


def test_keys_of_one_name_count_as_the_reader_counts_them() -> None:
    text = '{"cells": [{"source": "old", "cell_type": "code", "source": "x = 1"}], "nbformat": 4}'
    notebook = read(text)
    assert rewrite(notebook, [edit(notebook, 1, (1, 1), (1, 2), "y")]).text == text.replace("x = 1", "y = 1")


def test_cells_change_places_and_the_space_between_them_does_not() -> None:
    text = (
        '{"cells": [\n {"source": "a", "cell_type": "raw"} ,\n\n  {"cell_type":"raw","source":["b"]}], "nbformat": 4}'
    )
    changed = rewrite(read(text), [ReorderCells((2, 1))])
    assert changed == Rewritten(
        '{"cells": [\n {"cell_type":"raw","source":["b"]} ,\n\n  {"source": "a", "cell_type": "raw"}], "nbformat": 4}',
        (2, 1),
    )


def test_outputs_are_removed_and_the_rest_of_the_cell_stays() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "outputs"}
    notebook = read(json.dumps(whole(code("a", outputs=[output], execution_count=3), code("b", outputs=[output]))))
    cells = json.loads(rewrite(notebook, [RemoveOutputs(1)]).text)["cells"]
    assert cells == [code("a", execution_count=3), code("b", outputs=[output])]


@pytest.mark.parametrize("minor", [4, 5])
@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_a_new_cell_looks_like_the_others(minor: int, indent: Any, before: int) -> None:
    """It has an id exactly if cells of that format have one, and the file is as its writer would write it."""
    ids: list[dict[str, Any]] = [{"id": name} if minor == 5 else {} for name in ("one", "two")]
    data = whole(code(["a"], **ids[0]), code(["b"], **ids[1]), minor=minor)
    text = json.dumps(data, indent=indent) + "\n"
    changed = rewrite(read(text), [InsertCell(before, "code", "x = 1\ny = 2")])
    new = json.loads(changed.text)["cells"][before - 1]
    assert ("id" in new) == (minor == 5)
    assert {key: value for key, value in new.items() if key != "id"} == code(["x = 1\n", "y = 2"])
    data["cells"].insert(before - 1, new)
    assert changed.text == json.dumps(data, indent=indent) + "\n"
    assert changed.origins == (*range(1, before), None, *range(before, 3))
    pytest.importorskip("nbformat").validate(json.loads(changed.text))


def test_a_new_cell_that_is_there_twice_has_two_ids() -> None:
    text = json.dumps(whole(code("a", id="one"), minor=5))
    first = rewrite(read(text), [InsertCell(1, "markdown", "x")]).text
    second = rewrite(read(first), [InsertCell(1, "markdown", "x")]).text
    assert len({cell["id"] for cell in json.loads(second)["cells"]}) == len(json.loads(second)["cells"])
    assert rewrite(read(text), [InsertCell(1, "markdown", "x")]).text == first


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [{"cell_type": "code", "source": ["a", null]}], "nbformat": 4}',
        '{"cells": [{"cell_type": "code"}], "nbformat": 4}',
        json.dumps(
            {
                "worksheets": [{"cells": [{"cell_type": "code", "input": "a", "language": "python", "outputs": []}]}],
                "metadata": {"name": ""},
                "nbformat": 3,
                "nbformat_minor": 0,
            }
        ),
    ],
)
def test_what_is_malformed_or_old_is_not_rewritten(text: str) -> None:
    notebook = read(text)
    with pytest.raises(CannotRewriteError):
        rewrite(notebook, [edit(notebook, 1, (1, 1), (1, 1), "x")])


def test_changes_that_touch_are_made_one_after_the_other() -> None:
    notebook = read(json.dumps(whole(code(LINES), code(LINES))))

    def fix(*changes: Change) -> Fix:
        return Fix("x", changes, Applicability.SAFE)

    first = fix(edit(notebook, 1, (1, 1), (1, 3), "x"))
    adjoining = fix(edit(notebook, 1, (1, 3), (1, 4), "y"))
    elsewhere = fix(edit(notebook, 1, (2, 1), (2, 2), "z"), RemoveOutputs(1))
    again = fix(RemoveOutputs(1), edit(notebook, 2, (1, 1), (1, 2), "z"))
    order, insertion = fix(ReorderCells((2, 1))), fix(InsertCell(1, "code", ""))
    assert apart([first, adjoining, elsewhere, again, order, insertion]) == [first, elsewhere, order]


# Rules that say what they are told to, each with its fix.


def rule(number: int) -> Rule:
    return Rule(f"NB9{number:02}", f"word-{number}", "", Severity.WARNING, "safe", "0.1.0")


def replacing(word: str, by: str, applicability: Applicability = Applicability.SAFE) -> Callable[[Rule], Check]:
    """Return a check that finds ``word`` in every line and would put ``by`` in its place."""

    def check(analysis: Analysis) -> Iterator[Finding]:
        for cell in analysis.notebook.cells:
            for number, line in enumerate(cell.lines, 1):
                if word in line:
                    at = line.index(word) + 1
                    place = cell.location(number, at, number, at + len(word))
                    yield Finding(place, word, fix=Fix(f"{word} to {by}", (Edit(place, by),), applicability))

    return lambda _: Check(check, language_independent=True)


def fix_file(path: Path, checks: dict[Rule, Callable[[Rule], Check]], *, unsafe: bool = False) -> FixedNotebook | None:
    targets = [Target(path, Settings())]
    found = lambda each: checks[each](each)  # noqa: E731 - what `lint` calls
    report = lint(targets, tuple(checks), find_check=found)
    assert not report.internal_errors
    fixed = fix_notebooks(targets, report, tuple(checks), unsafe=unsafe, find_check=found)
    return fixed[0] if fixed else None


def written(folder: Path, *sources: str) -> Path:
    path = folder / "a.ipynb"
    path.write_text(json.dumps(whole(*map(code, sources))), encoding="utf-8")
    return path


def sources(fixed: FixedNotebook) -> list[str]:
    return [cell["source"] for cell in json.loads(fixed.fixed)["cells"]]


def test_a_fix_that_brings_another_finding_is_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, "one = 1\none = 2")
    fixed = fix_file(path, {rule(1): replacing("one", "two"), rule(2): replacing("two", "three")})
    assert fixed
    assert sources(fixed) == ["one = 1\none = 2"]
    assert {each.reason for each in fixed.dropped} == {"it would bring a finding of NB902 (word-2)"}


def test_fixes_that_overlap_are_made_in_rounds(tmp_path: Path) -> None:
    path = written(tmp_path, "abc = 1")
    fixed = fix_file(path, {rule(1): replacing("ab", "x"), rule(2): replacing("c", "y")})
    assert fixed
    assert sources(fixed) == ["xy = 1"]
    assert [each.fix.title for each in fixed.applied] == ["ab to x", "c to y"]


def test_a_fix_that_leaves_its_finding_is_dropped_and_the_others_are_made(tmp_path: Path) -> None:
    path = written(tmp_path, "one = 1", "two = 2", "one = 3")
    fixed = fix_file(path, {rule(1): replacing("one", "one_one"), rule(2): replacing("two", "three")})
    assert fixed
    assert sources(fixed) == ["one = 1", "three = 2", "one = 3"]
    assert {each.reason for each in fixed.dropped} == {"the finding would remain"}
    assert [each.location.cell for each in fixed.report.diagnostics] == [1, 3]


def test_a_fix_that_breaks_the_cell_is_dropped(tmp_path: Path) -> None:
    fixed = fix_file(written(tmp_path, "one = 1"), {rule(1): replacing("one =", "two = =")})
    assert fixed
    assert fixed.fixed == fixed.content
    assert [each.reason for each in fixed.dropped] == ["cell 1 would not be valid code any more"]


def test_unsafe_fixes_are_made_where_that_is_asked_for_and_shown_ones_never(tmp_path: Path) -> None:
    path = written(tmp_path, "one = 1\ntwo = 2")
    checks = {
        rule(1): replacing("one", "x", Applicability.UNSAFE),
        rule(2): replacing("two", "y", Applicability.DISPLAY),
    }
    assert fix_file(path, checks) is None
    fixed = fix_file(path, checks, unsafe=True)
    assert fixed
    assert sources(fixed) == ["x = 1\ntwo = 2"]


def test_what_is_no_notebook_any_more_is_a_bug_and_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_module, "rewrite", lambda *_: Rewritten("{", ()))
    with pytest.raises(AssertionError, match="is no notebook"):
        fix_file(written(tmp_path, "one = 1"), {rule(1): replacing("one", "two")})


def test_suppressed_findings_are_not_fixed(tmp_path: Path) -> None:
    source = "one = 1  # nb2prod: ignore\none = 2"
    fixed = fix_file(written(tmp_path, source), {rule(1): replacing("one", "two")})
    assert fixed
    assert sources(fixed) == ["one = 1  # nb2prod: ignore\ntwo = 2"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_byte_order_mark_stays(tmp_path: Path, mark: bytes) -> None:
    path = written(tmp_path, "one = 1")
    path.write_bytes(mark + path.read_bytes())
    fixed = fix_file(path, {rule(1): replacing("one", "two")})
    assert fixed
    assert fixed.fixed == fixed.content.replace(b"one", b"two")


def test_an_encoding_that_cannot_be_written_back_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "one = 1")
    content = b"\xfe\xff" + path.read_text(encoding="utf-8").encode("utf-16-be")
    assert not keeps_encoding(content)
    path.write_bytes(content)
    fixed = fix_file(path, {rule(1): replacing("one", "two")})
    assert fixed
    assert fixed.fixed == content
    assert [each.reason for each in fixed.dropped] == ["its encoding cannot be kept"]


def test_the_report_says_what_is_left(tmp_path: Path) -> None:
    """The other notebook's findings stay in it, sorted by path, and the run fails by what is left."""
    cells = whole(code("x = 1  # nb2prod: ignore[NB301]"), code("y = = 1"))
    first, second = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    first.write_text(json.dumps(cells), encoding="utf-8")
    second.write_text(json.dumps(whole(code("z = = 1"))), encoding="utf-8")
    targets = [Target(path, Settings()) for path in (second, first)]
    report = lint(targets, load_rules())
    assert report.failed
    left = with_fixed(report, targets, fix_notebooks(targets, report, load_rules()))
    assert [(each.location.path, each.rule.code) for each in left.diagnostics] == [(first, "NB002"), (second, "NB002")]
    assert left.failed
    assert left.sources.keys() == {(first, 2), (second, 1)}
    only = [Target(first, Settings(select=Selectors(("NB006", "NB301"), "the test")))]
    report = lint(only, load_rules())
    assert not with_fixed(report, only, fix_notebooks(only, report, load_rules())).diagnostics


def test_a_file_is_replaced_with_its_mode_and_through_its_link(tmp_path: Path) -> None:
    path, link = tmp_path / "a.ipynb", tmp_path / "link.ipynb"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path.name)
    replace_file(link, b"old", b"new")
    assert path.read_bytes() == b"new"
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.ipynb", "link.ipynb"]


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"newer")
    with pytest.raises(UnwritableFileError, match="was changed while it was being fixed"):
        replace_file(path, b"old", b"new")
    assert path.read_bytes() == b"newer"


def test_a_file_that_cannot_be_written_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("nb2prod.fixer.file.shutil.copymode", full)
    with pytest.raises(UnwritableFileError, match="cannot be written: No space left"):
        replace_file(path, b"old", b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.ipynb"]
