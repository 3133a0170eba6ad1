"""The examples in docstrings, run where the notebook ran them."""

from __future__ import annotations

import doctest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_doctests(
    names: Sequence[str],
    namespace: dict[str, Any],
    *,
    verbose: bool | None = None,
    report: bool = True,
    optionflags: int = 0,
) -> doctest.TestResults:
    """Run the examples of these functions and classes, as ``doctest.testmod()`` does in a notebook.

    names      of those the notebook had defined by then
    namespace  what the examples see
    verbose, report, optionflags  as ``doctest.testmod`` has them
    """
    finder = doctest.DocTestFinder(exclude_empty=False)
    # The notebook's own module has a docstring as well, without examples.
    tests = [doctest.DocTest([], namespace, "__main__", "__main__", 0, None)]
    for name in names:
        tests += finder.find(namespace[name], f"__main__.{name}", module=False, globs=namespace)
    runner = doctest.DocTestRunner(verbose=verbose, optionflags=optionflags)
    for test in sorted(tests):
        runner.run(test)
    if report:
        runner.summarize()
    return doctest.TestResults(runner.failures, runner.tries)
