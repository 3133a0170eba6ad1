"""``nb2prod check --timing``: where the CPU time of a run goes, by rule."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

from nb2prod.linter import Check, lint, load_check, read_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.diagnostics import Finding, Rule
    from nb2prod.discovery import Target
    from nb2prod.lint_run import Report
    from nb2prod.notebook.model import Notebook

_READING, _REST = "reading", "analysis and the report"


def lint_timed(targets: Sequence[Target], rules: Sequence[Rule]) -> tuple[Report, str]:
    """Do as ``lint``, in this process alone, and return the report and a table of seconds, most first.

    What several rules ask of an analysis (its calls, say) is made once, in the time of the first.
    """
    spent: dict[str, float] = {_READING: 0.0}

    def read(target: Target) -> Notebook:
        start = process_time()
        try:
            return read_target(target)
        finally:
            spent[_READING] += process_time() - start

    def find_check(rule: Rule) -> Check:
        start = process_time()
        check = load_check(rule)
        spent[rule.name] = process_time() - start

        def run(analysis: Analysis) -> Iterator[Finding]:
            start = process_time()
            found = list(check.run(analysis))
            spent[rule.name] += process_time() - start
            return iter(found)

        return Check(run, check.language_independent)

    start = process_time()
    report = lint(targets, rules, find_check=find_check, read=read)
    total = process_time() - start
    spent[_REST] = total - sum(spent.values())
    lines = [
        f"{seconds:8.3f} s {seconds / total:6.1%}  {what}" for what, seconds in sorted(spent.items(), key=_most_first)
    ]
    return report, "\n".join([*lines, f"{total:8.3f} s of CPU for {len(targets)} notebooks"])


def _most_first(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
