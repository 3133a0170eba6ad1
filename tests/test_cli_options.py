"""Plain command lines of ``check``, which are read without click: what is read is what click reads."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.cli.check import check
from nb2prod.cli.check_options import OPTIONS
from nb2prod.cli.options import FLAG, Option, read

if TYPE_CHECKING:
    from pathlib import Path

_VALUES = [
    *{choice for option in OPTIONS for choice in option.choices},
    *("NB301", "NB3,S", "a/b.ipynb", "fail-on=error", "x=y=z", "-", "--", "--fix", "-h", "", "sarif:out.sarif"),
]
_ARGUMENTS = st.one_of(
    st.sampled_from([option.written for option in OPTIONS]),
    st.sampled_from(_VALUES),
    st.builds("{}={}".format, st.sampled_from([option.written for option in OPTIONS]), st.sampled_from(_VALUES)),
    # No system passes a program the zero byte.
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
)


def read_by_click(arguments: list[str]) -> dict[str, Any] | None:
    """Return what click makes of a command line, None for an error."""
    try:
        return check.make_context("check", list(arguments)).params
    except (click.ClickException, click.exceptions.Exit):
        return None


@given(st.lists(_ARGUMENTS, max_size=6))
def test_what_is_read_is_what_click_reads(arguments: list[str]) -> None:
    values = read(OPTIONS, arguments)

    assert values is None or values == read_by_click(arguments)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.written)
def test_every_option_that_takes_no_path_is_read(option: Option) -> None:
    given_value = [] if option.kind == FLAG else [option.choices[0] if option.choices else "value"]
    line = [option.written, *given_value, "a.ipynb"]

    assert (read(OPTIONS, line) is not None) == (option.kind not in ("file", "output"))
    # Each sets its own parameter, and no other.
    bare, values = read_by_click([]), read_by_click([*line[:-1]])
    assert bare is not None
    if values is not None:
        assert [name for name in bare if values[name] != bare[name]] == [option.parameter]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["-h"], id="short"),
        pytest.param(["--", "a.ipynb"], id="end of options"),
        pytest.param(["--select"], id="no value"),
        pytest.param(["--select", "--fix"], id="a value that looks like an option"),
        pytest.param(["--fix=yes"], id="a flag with a value"),
        pytest.param(["--fail-on", "nothing"], id="no choice"),
        pytest.param(["--sel", "NB301"], id="no option"),
        pytest.param(["--output", "sarif:x"], id="a format and its file"),
        pytest.param(["--baseline", "b.json"], id="a file"),
    ],
)
def test_what_is_not_plain_is_left_to_click(line: list[str]) -> None:
    assert read(OPTIONS, line) is None


def test_a_plain_check_does_without_click(tmp_path: Path) -> None:
    program = (
        "import sys; from nb2prod.cli import run; code = run(['check', '--isolated', '--no-cache', '.']);"
        "print(code, sorted(name for name in sys.modules if name.partition('.')[0] == 'click'))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert ended.stdout.splitlines()[-1] == "0 []"
