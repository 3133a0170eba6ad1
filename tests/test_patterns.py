"""Patterns are compiled when they are first used, and work as compiled ones."""

from __future__ import annotations

import re

import pytest

from nb2prod.patterns import lazy_pattern


def test_a_pattern_does_what_a_compiled_one_does() -> None:
    words = lazy_pattern(r"(?P<word>[a-z]+)", re.IGNORECASE)
    assert words.findall("One two") == ["One", "two"]
    assert words.sub("x", "One two") == "x x"
    assert [found["word"] for found in words.finditer("One two")] == ["One", "two"]


def test_a_pattern_that_is_wrong_is_found_at_its_first_use() -> None:
    wrong = lazy_pattern("(")
    with pytest.raises(re.error, match="unterminated"):
        wrong.match("x")
