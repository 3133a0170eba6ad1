"""IPython's own transformer judges which lines of a cell are IPython syntax, and what then parses."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager, make_tokens_by_line

from nb2prod.errors import UnreadableNotebookError
from nb2prod.notebook.code import read_code
from nb2prod.notebook.magic_table import UNKNOWN, magic_table
from nb2prod.notebook.parse import silenced
from nb2prod.notebook.read import read_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Without one of these characters IPython has nothing to transform in a cell.
POSSIBLE = re.compile(r"[%!?]|>>>|^[ \t]*[,;/]|In \[", re.MULTILINE)
FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def transformed(source: str, first: int = 0) -> tuple[set[int], list[str]]:
    """Return the lines (from 0) IPython changes in a cell, and the code it makes of it.

    What a cell magic runs as Python is again a cell, as for IPython when it runs the magic.
    """
    lines = (source if source.endswith("\n") else source + "\n").splitlines(keepends=True)
    manager = TransformerManager()
    cleaned = lines
    for transform in manager.cleanup_transforms:
        cleaned = transform(cleaned)
    numbers = list(range(first + len(lines) - len(cleaned), first + len(lines)))
    stripped = [line.strip() for line in lines[len(lines) - len(cleaned) :]]
    changed = {number for number, line, was in zip(numbers, cleaned, stripped, strict=True) if line.strip() != was}
    if cleaned and cleaned[0].startswith("%%") and not re.match(r"%%\w+\?", cleaned[0]):
        name = cleaned[0][2:].rstrip().partition(" ")[0]
        entry = magic_table().cell.get(name)
        if entry is None or entry.python is None:
            return changed | set(numbers), []
        inner, code = transformed("".join(cleaned[1:]), numbers[0] + 1)
        return changed | {numbers[0]} | inner, code
    while True:
        step = one_transform(manager, cleaned)
        if step is None:
            return changed, ["".join(cleaned)]
        start, after = step
        removed = len(cleaned) - len(after) + 1
        changed |= set(numbers[start : start + removed])
        numbers[start : start + removed] = [numbers[start]]
        cleaned = after


def one_transform(manager: TransformerManager, lines: list[str]) -> tuple[int, list[str]] | None:
    """Do what the manager does in one step, and tell on which line."""
    tokens = make_tokens_by_line(lines)
    found = [transformer for each in manager.token_transformers if (transformer := each.find(tokens))]
    for transformer in sorted(found, key=lambda each: each.sortby()):
        try:
            return transformer.start_line, transformer.transform(lines)
        except SyntaxError:
            continue
    return None


def parses(code: str) -> bool:
    try:
        with silenced():
            compile(code, "<cell>", "exec", FLAGS)
    except (SyntaxError, ValueError):
        return False
    return True


def disagreement(source: str) -> str | None:
    """Return how our reading of a cell differs from IPython's, None where it does not."""
    expected_lines, code = transformed(source)
    with silenced():
        cell = read_code(PurePath("cell"), 1, None, source, {})
    pairs = enumerate(zip(source.split("\n"), cell.python.split("\n"), strict=True))
    masked = {number for number, (line, python) in pairs if line != python}
    blank = {number for number, line in enumerate(source.split("\n")) if not line.strip()}
    # `%time f(x, \\` on two lines: IPython rewrites both, of which ours keeps the Python visible.
    kept = {
        number
        for magic in cell.magics
        if magic.kind == "line" and magic_table().line.get(magic.name, UNKNOWN).python
        for number in range(magic.range.start.line, magic.range.end.line)
    }
    if masked - kept != expected_lines - blank - kept:
        return f"lines {sorted(masked ^ (expected_lines - blank))}"
    if (cell.tree is not None) != all(parses(piece) for piece in code):
        return "parses" if cell.tree is not None else f"does not parse: {cell.problem}"
    return None


def possible_cells(folder: Path) -> Iterator[tuple[Path, int, str]]:
    seen: set[str] = set()
    for path in sorted(folder.rglob("*.ipynb")):
        try:
            notebook = read_notebook(path)
        except UnreadableNotebookError:
            continue
        if notebook.language == "python":
            # Copies of a notebook tell nothing new.
            for cell in notebook.code_cells:
                source = "\n".join(cell.lines)
                # IPython splits lines at these too; Python and editors do not.
                if (
                    source not in seen
                    and POSSIBLE.search(source)
                    and not re.search(r"[\v\f\x1c-\x1e\x85\u2028\u2029\0\ud800-\udfff]", source)
                ):
                    seen.add(source)
                    yield path, cell.index, source


LINES = st.sampled_from(
    # One a line; `⏎` inside a piece of several lines.
    r"""
%matplotlib inline
!ls -l
x = !ls
x = %env A
?foo
%time x = f(y)
%timeit f(y)
x = 1
if x:
    y = 2
    !ls
    %cd ..
for i in y: z = !ls
print("a"⏎  % 3)
s = \'\'\'⏎%foo⏎\'\'\'
!echo it's
# comment?
x = 5 % 3
a, b = !ls {x}
!ls \⏎  -l
x = \⏎%env
%time
d["a"] = !pwd
f(x = !ls)
x == !ls
x += !ls
x: int = %env
%%time
%%bash
%%capture c
!!ls
??
/f a b
,f a
what?
%foo?
!ls foo?
'what?'
x = foo?
lambda x=3: x
%run a.py  # what?
x = % foo
%
!
@dec
[1,⏎2]
x=y=!ls
# %time
f'{x!r}'
%time !ls
r = %timeit -o f()
""".replace("\\'", "'").split("\n")
).map(lambda line: line.replace("⏎", "\n"))


@given(st.lists(LINES, min_size=1, max_size=6).map("\n".join))
def test_ipython_agrees_on_cells_made_of_lines_of_all_forms(source: str) -> None:
    # Where neither makes Python of it, it does not matter what IPython touched before it gave up.
    with silenced():
        broken = read_code(PurePath("cell"), 1, None, source, {}).tree is None
    assert disagreement(source) is None or (broken and not all(map(parses, transformed(source)[1])))


@pytest.mark.parametrize("folder", ["fixtures", "corpus"])
def test_ipython_masks_the_same_lines_and_its_code_parses_where_ours_does(
    folder: str, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue(folder)
    counts: Counter[str] = Counter()
    different = []
    for path, index, source in possible_cells(where):
        counts["cells"] += 1
        if what := disagreement(source):
            different.append(f"{path}:cell {index}: {what}")
    assert counts["cells"] > 0
    assert different == []
