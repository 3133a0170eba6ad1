"""The plain TOML of our own data is read as ``tomllib`` reads it; everything else is left to ``tomllib``."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.plain_toml import loads

if TYPE_CHECKING:
    from pathlib import Path

RULES = rules_folder()
TABLES = sorted([*RULES.glob("*.toml"), *RULES.glob("libraries/*.toml")])
# Read by the converter alone, which has time.
NOT_PLAIN = {"conversion.toml"}

# Pieces of documents: what is plain, what nearly is, and what is no TOML.
LINES = [
    'a = "x"', "a = 'x\\y'", 'b = "x" # why', 'b="\\u00e9"', "c = '''", "'''", "it's", 'd = """', '"""', "e = [", "]",
    '"x",', "'y', # z", "f = [1, 2]", "f = { a = 1 }", "f = { a = [true], b = 'x' }", "f = { a = 1, }", "g = 1.5",
    "g = 1979-05-27", "g = +1", "g = -0", "g = 0x1f", "g = 1_000", "h = true", "h = truex", "[t]", "[t.u]", "[[t]]",
    "[ t ]", "[[r]]", "i.j = 1", '"k l" = 1', "\tm = 1", "n =", "= 1", "# only a comment", "", " ", "o = ''", 'o = ""',
    "p = ['''x''']", "q = [[]]", 'q = [["x"], {}]', 'x = "\x01"', "x = 'a' 'b'",
]  # fmt: skip


def outcome(read: object, text: str) -> object:
    """Return what reading gives, or that it is an error."""
    try:
        return read(text)  # type: ignore[operator]
    except ValueError:
        return ValueError


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_our_tables_are_read_as_toml(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert loads(text) == tomllib.loads(text)


@pytest.mark.parametrize("path", [each for each in TABLES if each.name not in NOT_PLAIN], ids=lambda path: path.stem)
def test_what_check_reads_is_plain(path: Path) -> None:
    assert plain_toml.is_plain(path.read_text(encoding="utf-8"))


def test_the_front_matter_of_our_pages_is_plain() -> None:
    for page in sorted(RULES.glob("*.md")):
        parts = page.read_text(encoding="utf-8").split("+++\n")
        if parts[0] == "":
            assert plain_toml.is_plain(parts[1]), page.name
            assert loads(parts[1]) == tomllib.loads(parts[1])


@given(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join))
def test_any_document_gives_what_tomllib_gives(text: str) -> None:
    assert outcome(loads, text) == outcome(tomllib.loads, text)


@given(st.text(alphabet="ab=\"'#[]{},.\\ \n\t1-", max_size=30))
def test_any_text_gives_what_tomllib_gives(text: str) -> None:
    assert outcome(loads, text) == outcome(tomllib.loads, text)


def test_what_is_no_toml_is_an_error_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        loads('a = "x"\nb = \n')
