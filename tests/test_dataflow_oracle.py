"""The dataflow against the interpreter: generated programs run statement by statement on all paths."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

BENCHES = Path(__file__).resolve().parent.parent / "benches"
if not BENCHES.is_dir():
    pytest.skip("needs the source checkout", allow_module_level=True)
sys.path.insert(0, str(BENCHES))

from kernel_oracle import compare, flow_of, unbound  # noqa: E402 - found beside the tests
from programs import (  # noqa: E402
    FORMS,
    HARNESS,
    NAMES,
    POSITIONS,
    SCOPES,
    Program,
    is_python,
    item,
    plain,
    programs,
    small_programs,
)
from seeded_bugs import BUGS, Bug, seeded  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence


def disagreements(*cells: str) -> list[tuple[str, str]]:
    """Return (check, name) of what the interpreter refutes, each once."""
    found = compare(Program((HARNESS, *cells), ()))
    assert found.runs, "no path was run to its end"
    return sorted({(each.check, each.name) for each in found.disagreements})


def test_the_interpreter_agrees_on_generated_programs() -> None:
    wrong = []
    reads = 0
    for program in programs(500, seed=1):
        result = compare(program, paths=8)
        reads += result.reads
        wrong += [(program.cells, each) for each in result.disagreements[:1]]
    assert reads > 20_000
    assert wrong == []


@pytest.mark.parametrize("form", FORMS)
def test_the_interpreter_agrees_on_every_binding_form_in_every_scope(form: str) -> None:
    possible = [program for scope in SCOPES if (program := plain(form, scope)) is not None]
    if not possible and sys.version_info < (3, 12):
        assert form.startswith("type ")
    else:
        assert len(possible) >= 3  # a star import stands at module level only
    assert [each for program in possible for each in compare(program).disagreements] == []


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize(
    "scope", ["module", "function, global", "method, global", "class in function", "nested, nonlocal"]
)
def test_the_interpreter_agrees_wherever_a_use_stands(scope: str, position: str) -> None:
    made = item("assignment", scope, position, "b", 1, lambda texts: texts[2])
    assert is_python(made.cells)
    assert disagreements("b = [0]", *made.cells) == []
    assert disagreements(*made.cells) == []


@pytest.fixture(scope="module")
def some_programs() -> Sequence[Program]:
    return (*small_programs(), *programs(300, seed=3))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_bug_in_the_analyser_is_seen(bug: Bug, some_programs: Sequence[Program]) -> None:
    with seeded(bug):
        assert any(compare(program, paths=8).disagreements for program in some_programs)


def test_the_true_analyser_is_back_after_a_seeded_bug() -> None:
    before = flow_of(("*a, b = 1, 2", "a"))
    with seeded(next(bug for bug in BUGS if bug.name == "star target is missed")):
        assert list(unbound(flow_of(("*a, b = 1, 2", "a")))) != []
    assert list(unbound(before)) == list(unbound(flow_of(("*a, b = 1, 2", "a")))) == []


def test_the_programs_are_the_same_for_the_same_seed() -> None:
    assert list(programs(5, seed=4)) == list(programs(5, seed=4))
    assert list(programs(5, seed=4)) != list(programs(5, seed=5))


def test_ipython_raises_where_the_flow_says_unbound_and_keeps_what_it_says_is_bound() -> None:
    """Through a real shell: magics, top-level await and the shell's own names."""
    shell_module = pytest.importorskip("IPython.core.interactiveshell")
    cells = (
        "a = 1\n_ = a", "%time b = 2", "c = !echo hello", "%%capture d\nprint(a)", "del a", "a", "import math as a",
        "async def f():\n    return 3\ne = await f()", "g",
        "[h for h in range(3)]\n_", "h", "In, Out, get_ipython, display",
        "try:\n    1 / 0\nexcept ZeroDivisionError as i:\n    pass", "i", "(j := 5)", "%%time\nk = 6", "l = %env", "m",
    )  # fmt: skip
    shell = shell_module.InteractiveShell()
    failed = []
    for number, cell in enumerate(cells):
        result = shell.run_cell(cell, store_history=True, silent=False)
        if isinstance(result.error_in_exec, NameError):
            failed.append(number)
        else:
            assert result.error_in_exec is None
    flow = flow_of(cells)
    assert [use.cell.index - 1 for use in unbound(flow)] == failed == [5, 8, 10, 13, 17]
    bound = {name for name in flow.after() if name != "_"}
    assert {name for name in shell.user_ns if len(name) == 1 and name != "_"} == bound
    assert set(NAMES[:3]) <= bound
