"""`check --add-ignores` on a copy of every notebook: what is promised of it, held against what it does.

    python benches/ignores.py [FOLDER] [--every N] [--reason TEXT]

For every notebook with findings: nothing is found afterwards; a second run changes nothing; all that is
new in the file is comments at the ends of lines, lines with such a comment at the ends of cells, and
metadata of ours; code, outputs and everything else are the same. Exit code 1 for a promise not kept.
FOLDER defaults to the corpus of real notebooks (NB2PROD_CORPUS, or `shared/corpus` beside the checkout).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.config import Settings  # noqa: E402 - after the checkout is on the path
from nb2prod.discovery import Target  # noqa: E402
from nb2prod.fixer.ignore import ignore_findings  # noqa: E402
from nb2prod.linter import lint  # noqa: E402
from nb2prod.notebook.model import CodeCell, Notebook  # noqa: E402
from nb2prod.rulebook import all_rules  # noqa: E402
from nb2prod.suppress import UNUSED  # noqa: E402

if TYPE_CHECKING:
    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.fixer.fix import FixedNotebook

# As the JSON of a source has them: with the end of the line before them, if they have a line of their own.
_ADDED = re.compile(r"(?:(?:\r?\n)?# nb2prod: ignore-cell|[ ]{0,2}# nb2prod: ignore)\[[^\]]*\][^\r\n]*")


def without_ours(whole: Any) -> Any:
    """Return a notebook's JSON without what silences findings."""
    for cell in whole["cells"]:
        source = cell.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        cell["source"] = "\n".join(line.rstrip() for line in _ADDED.sub("", source).splitlines()).rstrip()
        cell.get("metadata", {}).pop("nb2prod", None)
    whole.get("metadata", {}).pop("nb2prod", None)
    return whole


def code(notebook: Notebook) -> list[object]:
    """Return what the cells do."""
    cells = [cell for cell in notebook.cells if isinstance(cell, CodeCell)]
    return [(ast.dump(cell.tree) if cell.tree else None, [magic[:4] for magic in cell.magics]) for cell in cells]


def broken_promises(fixed: FixedNotebook, rules: list[Rule]) -> list[str]:
    """Return which promises one notebook breaks."""
    found = []
    if any(each.rule.name != UNUSED for each in fixed.report.diagnostics):
        found.append("something is still found")
    if any(each.rule.name == UNUSED for each in fixed.report.diagnostics):
        found.append("a comment silences nothing")
    if code(fixed.before) != code(fixed.after):
        found.append("other code")
    before, after = (json.loads(text) for text in (fixed.before.text, fixed.after.text))
    if without_ours(before) != without_ours(after):
        found.append("more is changed than comments and our metadata")
    if not is_subsequence(fixed.before.text, fixed.after.text):
        found.append("text of the file is lost")
    fixed.target.path.write_bytes(fixed.fixed)
    again = ignore_findings([fixed.target], findings(fixed.target, rules), rules)
    if any(each.fixed != fixed.fixed for each in again):
        found.append("not idempotent")
    return found


def is_subsequence(short: str, long: str) -> bool:
    """Whether ``long`` is ``short`` with text put in."""
    characters = iter(long)
    return all(character in characters for character in short)


def findings(target: Target, rules: list[Rule]) -> tuple[Diagnostic, ...]:
    """Return what is found in a notebook."""
    return lint([target], rules).diagnostics


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth notebook")
    parser.add_argument("--reason", default="")
    given = parser.parse_args()
    folder = given.folder or Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    notebooks = sorted(folder.rglob("*.ipynb"))[:: given.every]
    if not notebooks:
        print(f"no notebooks in {folder}: nothing measured")
        return 0
    rules = list(all_rules(()))
    counts: Counter[str] = Counter()
    places: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for number, notebook in enumerate(notebooks):
            path = Path(scratch, str(number), notebook.name)
            path.parent.mkdir()
            shutil.copy(notebook, path)
            path.chmod(0o600)
            target = Target(path, Settings())
            counts["notebooks"] += 1
            (fixed,) = ignore_findings([target], findings(target, rules), rules, reason=given.reason) or (None,)
            if fixed is None:
                counts["nothing found, or unreadable"] += 1
                continue
            if not fixed.applied:
                counts[f"not written: {fixed.dropped[0].reason}"] += 1
                continue
            counts["findings"] += len(fixed.applied)
            places.update(re.sub(r"\d+", "N", each.fix.title) for each in fixed.applied)
            broken = broken_promises(fixed, rules)
            counts.update(broken or ["all promises kept"])
            for each in broken:
                print(f"{notebook}: {each}")
            shutil.rmtree(path.parent)
    for table in (counts, places):
        print("\n".join(f"{count:>8}  {what}" for what, count in table.items()))
    return 1 if any(promise in counts for promise in PROMISES) else 0


PROMISES = (
    "something is still found",
    "a comment silences nothing",
    "other code",
    "more is changed than comments and our metadata",
    "text of the file is lost",
    "not idempotent",
)

if __name__ == "__main__":
    sys.exit(main())
