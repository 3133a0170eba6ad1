"""Compares what a cell takes and gives, by our dataflow, with cases another tool's authors wrote down.

    python benches/cell_io.py

Reads `truth/soorgeon_cell_io.jsonl` of the corpus (NB2PROD_CORPUS, or `shared/corpus` beside the
checkout). There, inputs are names a cell needs from before, outputs what it sets or surely changes;
imports, functions, classes, loop variables and `with … as` names are neither. The rows named
`test_find_…_and_io` look at the first statement alone and count what it binds separately. Every
disagreement is printed with its reason; one without a reason makes the exit code 1.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.dataflow.flow import PREDEFINED, analyse, collect_statements  # noqa: E402
from nb2prod.notebook.read import parse_notebook  # noqa: E402

if TYPE_CHECKING:
    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Statement

# Where we differ on purpose: the case and why.
JUSTIFIED = {
    "test_io.py::test_find_function_scope_and_io[9]": (
        "an annotation is evaluated with the definition: `Mapping` is needed from before (the row above agrees)"
    ),
    "test_io_find_inputs_and_outputs.py::test_find_inputs_and_outputs[29]": (
        "`some_function` is called and defined nowhere, so it must come from before, as `z` does in `z(x, y)` elsewhere"
    ),
}


def flow_of(source: str) -> Flow:
    """Return the flow of a notebook with one code cell."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "c",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
    kernel = {"kernelspec": {"name": "python3", "language": "python"}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": [cell]}
    return analyse(collect_statements(parse_notebook(json.dumps(document).encode(), Path("cell.ipynb"))))


def inputs(flow: Flow, statements: tuple[Statement, ...]) -> set[str]:
    """Return the names the statements read that nothing in them has bound."""
    return {
        use.name
        for statement in statements
        for use in statement.uses
        if use.name not in PREDEFINED
        and not any(each.kind != "mutate" for each in flow.reaching(use))
        and isinstance(use.node, ast.Name)
    }


def outputs(flow: Flow, statements: tuple[Statement, ...]) -> set[str]:
    """Return the names the statements assign, or whose object they surely change."""
    imported = {each.name for found in flow.statements for each in found.definitions if each.kind == "import"}
    return {
        each.name
        for statement in statements
        for each in statement.definitions
        if each.kind in ("assign", "augment") or (each.kind == "mutate" and is_store(statement, each))
    } - imported


def is_store(statement: Statement, change: Definition) -> bool:
    """Return whether a change in place is written as an assignment: `d["x"] = 1`."""
    return not isinstance(statement.node, ast.Expr) and change.kind == "mutate"


def bound(statement: Statement) -> set[str]:
    """Return what a loop, a `with` or a function's parameters bind."""
    if isinstance(statement.node, ast.FunctionDef):
        return {argument.arg for argument in ast.walk(statement.node.args) if isinstance(argument, ast.arg)}
    return {each.name for each in statement.definitions if each.kind in ("loop", "with")}


def compare(row: dict[str, Any]) -> dict[str, tuple[set[str], set[str]]]:
    """Return what differs: theirs and ours."""
    source = row.get("code_str", row.get("code", ""))
    flow = flow_of(source)
    alone = "code" in row
    statements = flow.statements[:1] if alone else flow.statements
    theirs = {
        "inputs": row["in_expected" if alone else "inputs"],
        "outputs": row["out_expected" if alone else "outputs"],
    }
    ours = {"inputs": inputs(flow, statements), "outputs": outputs(flow, statements)}
    if "def_expected" in row:
        theirs["bound"], ours["bound"] = row["def_expected"], bound(statements[0])
    return {key: (set(theirs[key]), ours[key]) for key in ours if set(theirs[key]) != ours[key]}


def corpus() -> Path:
    """Return the folder of the corpus."""
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NB2PROD_CORPUS")
    return Path(named) if named else ROOT.parent / "shared" / "corpus"


def main() -> int:
    """Print the table; return the exit code."""
    path = corpus() / "truth" / "soorgeon_cell_io.jsonl"
    if not path.is_file():
        print(f"no {path}: nothing measured")
        return 0
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    different = {row["case"]: (row, found) for row in rows if (found := compare(row))}
    print(f"{len(rows)} cells, {len(rows) - len(different)} agree")
    for case, (row, found) in different.items():
        print(f"  {case}: {JUSTIFIED.get(case, 'NO REASON')}\n    {row.get('code_str', row.get('code'))!r}")
        for key, (theirs, ours) in found.items():
            print(f"    {key}: theirs {sorted(theirs)}, ours {sorted(ours)}")
    return int(any(case not in JUSTIFIED for case in different))


if __name__ == "__main__":
    sys.exit(main())
