"""Fixes a copy of every notebook of a folder, and holds the result against what fixing promises.

    python benches/fixes.py [FOLDER]

FOLDER defaults to the corpus of real notebooks (NB2PROD_CORPUS, or `shared/corpus` beside the
checkout). Two things are measured, on each notebook that can be read:

- `--fix --unsafe-fixes`: a second run changes nothing, no rule finds more than before, everything but
  the sources and outputs of the fixed cells is byte for byte what it was, and a file that nbformat
  calls valid stays valid;
- a comment that silences nothing is planted behind every line that can take one, in the text of the
  file; fixing must give the file back as it was, to the byte.

Exit code 1 for any promise that was not kept.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import nbformat  # noqa: E402 - the checkout's own package first

from nb2prod.config import Selectors, Settings  # noqa: E402 - the same
from nb2prod.diagnostics import Edit  # noqa: E402 - the same
from nb2prod.discovery import Target  # noqa: E402 - the same
from nb2prod.errors import UnreadableNotebookError  # noqa: E402 - the same
from nb2prod.fixer.file import encoded, keeps_encoding  # noqa: E402 - the same
from nb2prod.fixer.fix import FixedNotebook, fix_notebooks  # noqa: E402 - the same
from nb2prod.fixer.rewrite import CannotRewriteError, rewrite  # noqa: E402 - the same
from nb2prod.linter import lint  # noqa: E402 - the same
from nb2prod.notebook.read import read_notebook  # noqa: E402 - the same
from nb2prod.rulebook import all_rules  # noqa: E402 - the same
from nb2prod.suppress import UNUSED, suppressions  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.lint_run import Report
    from nb2prod.notebook.model import CodeCell, Notebook

RULES = all_rules()
PLANTED = "  # nb2prod: ignore[NB999]"
# What a fix may change in a cell; everything else in the file it may not.
CHANGEABLE = ("source", "outputs")


def corpus() -> Path:
    """Return the folder to run over: the argument, NB2PROD_CORPUS, or the one beside the checkout."""
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NB2PROD_CORPUS")
    return Path(named) if named else ROOT.parent / "shared" / "corpus"


def fixed(path: Path, settings: Settings) -> tuple[Report, FixedNotebook | None]:
    """Return what is found in the file and what fixing it gives."""
    targets = [Target(path, settings)]
    report = lint(targets, RULES)
    found = fix_notebooks(targets, report, RULES, unsafe=True)
    return report, found[0] if found else None


def broken_promises(path: Path) -> tuple[list[str], Counter[str]]:
    """Fix the file in its place; return which promises were not kept, and how often each rule was fixed."""
    report, result = fixed(path, Settings())
    if result is None:
        return [], Counter()
    counts = Counter(f"{each.diagnostic.rule.code} fixed" for each in result.applied)
    counts.update(f"{each.diagnostic.rule.code} not fixed: {each.reason}" for each in result.dropped)
    if result.fixed == result.content:
        return [], counts
    path.write_bytes(result.fixed)
    broken = []
    again, second = fixed(path, Settings())
    if second is not None and second.fixed != result.fixed:
        broken.append("a second run changes the file again")
    before, after = (Counter(each.rule.code for each in one.diagnostics) for one in (report, again))
    if more := after - before:
        broken.append(f"new findings: {dict(more)}")
    broken += [f"changed: {each}" for each in touched(result)]
    if is_valid(result.content) and not is_valid(result.fixed):
        broken.append("nbformat calls it invalid")
    return broken, counts


def touched(result: FixedNotebook) -> list[str]:
    """Return what changed in the file beyond what fixes may change."""
    old, new = (content.decode("utf-8-sig", "surrogatepass") for content in (result.content, result.fixed))
    old_head, old_cells, old_tail = parts(old)
    new_head, new_cells, new_tail = parts(new)
    wrong = [name for name, one, other in (("head", old_head, new_head), ("tail", old_tail, new_tail)) if one != other]
    for number, (cell, origin) in enumerate(zip(new_cells, result.origins, strict=True), 1):
        was = None if origin is None else old_cells[origin - 1]
        if was is not None and cell != was and frame(cell) != frame(was):
            wrong.append(f"cell {number} outside of {' and '.join(CHANGEABLE)}")
    return wrong


def parts(text: str) -> tuple[str, list[str], str]:
    """Return the text before the cells, the cells, the text behind them; read with the standard library alone."""
    decoder = json.JSONDecoder()
    start = next(found.end() for found in re.finditer(r'"cells"\s*:\s*\[', text) if is_member(text[: found.start()]))
    cells, at = list[str](), start
    while True:
        at = len(text) - len(text[at:].lstrip(" \t\r\n,"))
        if text[at] == "]":
            return text[:start], cells, text[at:]
        _, end = decoder.raw_decode(text, at)
        cells.append(text[at:end])
        at = end


def frame(cell: str) -> str:
    """Return a cell's text without the values that fixes may change."""
    decoder = json.JSONDecoder()
    for key in CHANGEABLE:
        at = cell.find(f'"{key}":')
        # The key is the cell's own if what comes before it closes all it opens.
        while at >= 0 and not is_member(cell[:at]):
            at = cell.find(f'"{key}":', at + 1)
        if at >= 0:
            at = cell.index(":", at) + 1
            at += len(cell[at:]) - len(cell[at:].lstrip())
            cell = f"{cell[:at]}null{cell[decoder.raw_decode(cell, at)[1] :]}"
    return cell


def is_member(head: str) -> bool:
    """Whether a key may follow ``head`` in the outermost object."""
    try:
        json.loads(f'{head}{"" if head.rstrip().endswith(("{", ",")) else ","}"": 0}}')
    except ValueError:
        return False
    return True


def is_valid(content: bytes) -> bool:
    """Whether nbformat accepts the file."""
    try:
        nbformat.validate(json.loads(content.decode("utf-8-sig")))
    except (ValueError, nbformat.ValidationError):
        return False
    return True


def plant(notebook: Notebook) -> list[Edit]:
    """Return edits that put the comment behind every line of code where it would be a comment."""
    return [edit for cell in notebook.code_cells for edit in plant_in(cell)]


def plant_in(cell: CodeCell) -> Sequence[Edit]:
    """Return the edits of one cell: each line in turn is tried, with the reader as the judge."""
    if cell.tree is None or "nb2prod:" in cell.source or not cell.source.strip():
        return []
    masked = {number for magic in cell.magics for number in range(magic.range.start.line, magic.range.end.line + 1)}
    if any(magic.kind == "cell" for magic in cell.magics):
        return []
    lines = cell.lines
    free = [
        number
        for number, line in enumerate(lines, 1)
        if line.strip()
        and number not in masked
        and line == line.rstrip()
        and not line.endswith("\\")
        and "#" not in line
    ]
    strings = inside_strings(cell)
    return [
        Edit(cell.location(number, len(lines[number - 1]) + 1), PLANTED) for number in free if number not in strings
    ]


def inside_strings(cell: CodeCell) -> frozenset[int]:
    """Return the lines whose end is inside a string."""
    inside: set[int] = set()
    for node in ast.walk(cell.tree) if cell.tree else ():
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno:
            inside.update(range(node.lineno, node.end_lineno))
    return frozenset(inside)


def planted_and_removed(path: Path) -> tuple[int, str | None]:
    """Return how many comments were planted into the file's text, and what went wrong when they were removed."""
    content = path.read_bytes()
    try:
        notebook = read_notebook(path)
        edits = plant(notebook)
        text = rewrite(notebook, edits).text
    except (UnreadableNotebookError, CannotRewriteError):
        return 0, None
    if not edits or not keeps_encoding(content) or notebook.language != "python":
        return 0, None
    path.write_bytes(encoded(text, content))
    seen = sum(len(suppressions(cell)) for cell in read_notebook(path).code_cells)
    if seen != len(edits):
        return len(edits), f"{len(edits)} comments were planted and {seen} are read"
    _, result = fixed(path, Settings(select=Selectors((UNUSED,), "the bench")))
    if result is None or len(result.applied) != len(edits):
        return len(edits), f"{len(edits)} comments were planted, {len(result.applied) if result else 0} removed"
    return len(edits), None if result.fixed == content else "the file is not what it was"


def main() -> None:
    """Run over the folder and print what was found."""
    folder = corpus()
    if not folder.is_dir():
        sys.exit("no corpus: name a folder of notebooks")
    notebooks = sorted(folder.rglob("*.ipynb"))
    counts: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "copy.ipynb"
        for path in notebooks:
            copy.write_bytes(path.read_bytes())
            wrong, done = broken_promises(copy)
            counts += done
            planted["notebooks fixed"] += any(key.endswith(" fixed") for key in done)
            copy.write_bytes(path.read_bytes())
            comments, problem = planted_and_removed(copy)
            planted += Counter({"comments": comments, "notebooks with comments": bool(comments)})
            broken += [f"{path.relative_to(folder)}: {each}" for each in (*wrong, *([problem] if problem else []))]
    show(len(notebooks), counts, planted, broken)
    sys.exit(1 if broken else 0)


def show(notebooks: int, counts: Counter[str], planted: Counter[str], broken: Sequence[Any]) -> None:
    """Print the figures."""
    print(f"{notebooks} notebooks, {planted['notebooks fixed']} of them fixed")
    for name, count in sorted(counts.items()):
        print(f"{count:7}  {name}")
    print(f"{planted['comments']} comments planted into {planted['notebooks with comments']} notebooks and removed")
    print(f"{len(broken)} promises not kept")
    for each in broken:
        print(f"  {each}")


if __name__ == "__main__":
    main()
