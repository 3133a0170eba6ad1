"""Credentials in their issuers' formats: assembled here, so that no forge takes this file for a leak."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from click.testing import CliRunner

from nb2prod.analysis import analyse_notebook
from nb2prod.checks.secret_in_source import check
from nb2prod.cli.check import check as command
from nb2prod.notebook.read import parse_notebook

# Letters and digits of every kind in no order: what a generator gives.
RANDOM = "q8Zr2LmX0vTnB7yKc4WdE1sJh6GfA3pUo9Ri5NbQxYeVtMwHgDzSkCjPlIaFuO"

FORMATS = {
    "aws": "AK" + "IA" + "Q3EGWXNMTRZ7PLD2",
    "google": "AI" + "za" + RANDOM[:35],
    "github": "gh" + "p_" + RANDOM[:36],
    "github fine-grained": "github" + "_pat_" + RANDOM[:40],
    "gitlab": "gl" + "pat-" + RANDOM[:20],
    "slack": "xo" + "xb-" + "2480193344-" + RANDOM[:24],
    "slack webhook": "https://hooks." + "slack.com/services/T02A8QZ/B03K9XW/" + RANDOM[:24],
    "openai": "sk" + "-proj-" + RANDOM[:48],
    "anthropic": "sk" + "-ant-api03-" + RANDOM[:48],
    "stripe": "sk" + "_live_" + RANDOM[:24],
    "hugging face": "h" + "f_" + RANDOM[:34],
    "sendgrid": "S" + "G." + RANDOM[:22] + "." + RANDOM[:43],
    "npm": "np" + "m_" + RANDOM[:36],
    "web token": "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiJhbm5hIn0." + RANDOM[:43],
    "azure": "Account" + "Key=" + RANDOM + RANDOM[:24] + "==",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "openssh key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
}


def findings(source: str, cell_type: str = "code") -> list[tuple[int, str]]:
    """Return line and message of every finding in a notebook of one cell."""
    cell: dict[str, object] = {"cell_type": cell_type, "metadata": {}, "source": source}
    if cell_type == "code":
        cell |= {"execution_count": None, "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    analysis = analyse_notebook(parse_notebook(json.dumps(notebook), PurePosixPath("n.ipynb")))
    return [(finding.location.line, finding.message) for finding in check(analysis)]


@pytest.mark.parametrize("issuer", FORMATS)
@pytest.mark.parametrize(
    ("source", "cell_type"),
    [
        ("x = 1\nvalue = '{}'", "code"),
        ("x = 1\n# was {}", "code"),
        ("x = 1\n!tool --use {}", "code"),
        ("Use\n`{}` for now.", "markdown"),
        ("first\n{}", "raw"),
    ],
    ids=["assigned to any name", "in a comment", "in a shell line", "in text", "in a raw cell"],
)
def test_an_issuers_format_is_found_wherever_it_stands_and_never_repeated(
    issuer: str, source: str, cell_type: str
) -> None:
    secret = FORMATS[issuer]
    found = findings(source.format(secret), cell_type)
    assert [line for line, _ in found] == [2]
    assert secret not in found[0][1]
    assert secret[-12:] not in found[0][1]


@pytest.mark.parametrize("issuer", [name for name in FORMATS if not name.endswith("key")])
def test_a_format_inside_a_longer_run_of_base64_is_chance(issuer: str) -> None:
    assert findings(f"picture = 'iVBORw0KGgo{FORMATS[issuer]}AAAANSUhEUg/{RANDOM}'") == []


@pytest.mark.parametrize(
    "source",
    [
        "key = 'sk" + "-xxxxxxxxxxxxxxxxxxxxxxxx'",
        "key = 'AK" + "IAIOSFODNN7EXAMPLE'",
        "key = 'sk" + "-your-key-goes-Here-0123456789'",
        "<style>.sk" + "-estimator-doc-link-label-fitted{}</style>",
        "url = 'https://user:password@example.org/x'",
        "url = 'https://example.org/a:b@c'",
        "git@github.com:anna/churn.git",
    ],
)
def test_a_stand_in_in_an_issuers_format_is_none(source: str) -> None:
    assert findings(source, "raw") == []


def test_one_line_is_one_finding_although_name_and_format_both_tell() -> None:
    assert len(findings(f"api_key = '{FORMATS['google']}'")) == 1


def test_a_broken_cell_is_searched_all_the_same() -> None:
    assert [line for line, _ in findings(f"print 'x'\nkey = '{FORMATS['aws']}'")] == [2]


def test_a_secret_in_an_output_shows_no_line_of_the_cell_that_printed_it(checkout: Path) -> None:
    case = checkout / "fixtures" / "cases" / "messy_exploration" / "notebook.ipynb"
    done = CliRunner().invoke(command, ["--isolated", "--no-cache", "--select", "NB402", str(case)])
    assert "secret-in-output" in done.output
    assert "q7Zt4VhX2mLw" not in done.output
