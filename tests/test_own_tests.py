"""Tests that a notebook runs of itself find in the package what they found in the notebook."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.write import write_package
from nb2prod.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

UNITTEST = (
    "import unittest\nlimit = 2\nclass TestLimit(unittest.TestCase):\n    def test_it(self):\n        assert limit == 2"
)
LATER = "class TestLater(unittest.TestCase):\n    def test_later(self):\n        assert False"
DOCTEST = (
    "import doctest\nn = 1\nfor i in range(2):\n    n += i\n"
    "def f(x):\n    '''\n    >>> f(n)\n    4\n    '''\n    return x + n"
)


def done(folder: Path, *cells: str) -> subprocess.CompletedProcess[str]:
    """Return what the package of a notebook with these cells did."""
    conversion = convert_notebook(folder / "n.ipynb", content=document(*cells))
    write_package(conversion.package, folder / "out")
    environment = {"PYTHONPATH": str(folder / "out" / "src"), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", conversion.plan.package]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    "call",
    [
        "unittest.main(argv=[''], exit=False, verbosity=2)",
        "if __name__ == '__main__':\n    unittest.main(argv=['x'], exit=False, verbosity=2)",
        "result = unittest.main(argv=[''], verbosity=2, exit=False,)",
        "from unittest import main\nmain(argv=[''], exit=False, verbosity=2, defaultTest='TestLimit')",
    ],
)
def test_unittest_runs_the_tests_that_stand_above_and_no_others(call: str, tmp_path: Path) -> None:
    told = done(tmp_path, UNITTEST, call, LATER, "print(TestLater.__name__)").stderr

    assert "test_it (__main__.TestLimit" in told
    assert "Ran 1 test in" in told
    assert told.rstrip().endswith("OK") or "\nOK\n" in told


def test_examples_in_docstrings_are_run_and_see_the_notebooks_names(tmp_path: Path) -> None:
    later = "def g():\n    '''\n    >>> g()\n    2\n    '''\n    return 1"
    printed = done(tmp_path, DOCTEST, "print(doctest.testmod())", later, "print(doctest.testmod().failed, g(), f(1))")

    assert printed.stdout.splitlines()[0] == "TestResults(failed=0, attempted=1)"
    assert "in __main__.g" in printed.stdout
    assert printed.stdout.splitlines()[-1] == "1 1 3"


def test_examples_are_told_by_the_names_they_had(tmp_path: Path) -> None:
    printed = done(tmp_path, DOCTEST, "result = doctest.testmod(verbose=True)").stdout

    assert "1 items had no tests:\n    __main__\n" in printed or "1 item had no tests:\n    __main__\n" in printed
    assert "in __main__.f" in printed


@pytest.mark.parametrize(
    "cell",
    [
        "import unittest\nunittest.main('other', argv=[''], exit=False)",
        "import unittest\nunittest.main(module='other', argv=[''], exit=False)",
        "import unittest\ndef run():\n    unittest.main(argv=[''], exit=False)\nrun()",
        "import doctest\ndoctest.testmod(doctest)",
        "import doctest\ndoctest.testmod(globs={})",
    ],
)
def test_tests_of_something_else_are_refused(cell: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cell"):
        done(tmp_path, cell)
