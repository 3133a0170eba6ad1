"""untested-step: no test of a generated package expects anything of one of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.generated import GeneratedPackage


def check(package: GeneratedPackage) -> Iterator[Finding]:
    """Yield a finding for each step that no test names, or only tests marked ``untested``."""
    for step, location in package.steps.items():
        tests = [test for test in package.tests if step in test.names]
        if any(not test.is_untested for test in tests):
            continue
        if tests:
            related = (Related(tests[0].location, "it is run here, and nothing is expected of it"),)
            yield Finding(location, f"the tests only run `{step}`: what it makes may change unseen", related)
        else:
            yield Finding(location, f"no test names `{step}`: what it makes may change unseen")
