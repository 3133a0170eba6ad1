"""`docs/precision.md` has every rule that looks at notebooks, and pages say what it says about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nb2prod.data import rules_folder
from nb2prod.diagnostics import PACKAGE, Severity
from nb2prod.pages import Page, load_page, page_files
from nb2prod.suppress import UNUSED

TABLE = Path(__file__).resolve().parent.parent / "docs" / "precision.md"
if not TABLE.is_file():
    pytest.skip("needs the source checkout", allow_module_level=True)
TEXT = TABLE.read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([\w-]+)` \((\w+)\) \| (\d+) \| \d+ \|", re.MULTILINE)
MEASURED = [
    page
    for page in map(load_page, page_files(rules_folder()))
    if page.rule.about != PACKAGE and page.rule.name != UNUSED
]


def different_findings(page: Page) -> int:
    """Return how many different findings the table counts of a rule."""
    rule = page.rule
    return sum(int(found) for name, code, found in ROW.findall(TEXT) if (name, code) == (rule.name, rule.code))


@pytest.mark.parametrize("page", MEASURED, ids=lambda page: page.rule.name)
def test_every_rule_about_notebooks_was_judged(page: Page) -> None:
    assert f"| `{page.rule.name}` ({page.rule.code}) |" in TEXT


@pytest.mark.parametrize("page", MEASURED, ids=lambda page: page.rule.name)
def test_a_rule_that_real_notebooks_seldom_break_says_that_it_is_unproven(page: Page) -> None:
    said = page.sections["Known problems"].text.lower()
    if different_findings(page) < 20:
        assert "unproven" in said or "an error, although" in said
    else:
        assert "unproven" not in said


@pytest.mark.parametrize(
    "page", [page for page in MEASURED if page.rule.severity is Severity.ERROR], ids=lambda page: page.rule.name
)
def test_the_table_says_why_a_rule_is_an_error(page: Page) -> None:
    assert f"`{page.rule.name}` (" in TEXT.partition("## What is an error")[2]
