"""What `undefined-name` and `use-before-definition` report, against what generated programs do."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHES = Path(__file__).resolve().parent.parent / "benches"
if not BENCHES.is_dir():
    pytest.skip("needs the source checkout", allow_module_level=True)
sys.path.insert(0, str(BENCHES))

from error_oracle import Claim, claims_of, refuted  # noqa: E402 - found beside the tests
from programs import HARNESS, Program, programs  # noqa: E402


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # coroutines nobody awaits
def test_no_error_is_refuted_by_running_the_program() -> None:
    confirmed: Counter[str] = Counter()
    for program in programs(300, seed=2):
        assert refuted(program, claims_of(program), confirmed) == set(), program.cells
    assert confirmed["nowhere"] > 30
    assert confirmed["later"] > 50


@pytest.mark.parametrize(
    ("cells", "claim"),
    [
        (("a = 1", "use(a)"), Claim("a", "nowhere", 2)),
        (("if choose():\n    use(a)", "a = 1"), Claim("a", "later", 1)),
        (("a = 1\nif choose():\n    del a", "use(a)"), Claim("a", "deleted", 2)),
    ],
)
def test_a_wrong_claim_is_refuted(cells: tuple[str, ...], claim: Claim) -> None:
    assert refuted(Program((HARNESS, *cells), ()), [claim], Counter()) == {claim}
