"""How a generated test compares what a run says with what the notebook was saved with."""

from __future__ import annotations

import pytest

from nb2prod.convert.scaffold.tests import notebook_text
from nb2prod.convert.scaffold.tests.notebook_text import assert_displayed, assert_text

SAME = {
    "white space does not count": ("a  1\n b", "a 1 b\n"),
    "numbers are compared by value": ("x 0.5 1e3", "x 0.50 1000"),
    "one unit of the last digit is rounding": ("auc 0.871", "auc 0.870"),
    "the coarser text counts": ("[0.333333]", "[0.3333]"),
    "anything stands where the notebook cannot tell": ("took 3 s\nrows 7", "...\nrows 7"),
    "anything at the end": ("rows 7 and more", "rows 7 ..."),
    "a number with its own tolerance": ("share 0.84", "share 0.87±0.05"),
    "a dash is no sign": ("2024-03-01", "2024-03-01"),
    "NumPy 2 names the types of scalars": ("[np.float64(0.5), np.int64(2)]", "[0.5, 2]"),
    "pandas 3 has another dtype for text": ("0 a\nName: x, dtype: str", "0 a\nName: x, dtype: object"),
    "pandas 2 names counts otherwise": (
        "region\nEast 3\nName: count, dtype: int64",
        "East 3\nName: region, dtype: int64",
    ),
    "an index has one class since pandas 2": ("Index([1, 2], dtype='int64')", "Int64Index([1, 2], dtype='int64')"),
    "info is laid out otherwise since pandas 1": (
        " #   Column  Non-Null Count  Dtype\n---  ------  --------------  -----\n 0   age     8 non-null      str\n",
        "age    8 non-null object\n",
    ),
    "an image has no address": ("<Image mode=L size=6x4 at 0x7F50BD502890>", "<Image mode=L size=6x4>"),
    "a column in a tuple": ("(a 1\nb 2\ndtype: int64, (3, 4))", "(a 1\n b 2\n dtype: object,\n (3, 4))"),
    "a class in a value is shown by its name": ("{'a': <class '__main__.A'>}", "{'a': __main__.A}"),
}
DIFFERENT = {
    "another value behind a column": ("(a 1\ndtype: int64, (3, 5))", "(a 1\n dtype: int64,\n (3, 4))"),
    "another class in a value": ("{'a': <class '__main__.A'>}", "{'a': __main__.B}"),
    "another word": ("rows 7", "lines 7"),
    "another whole number": ("rows 7", "rows 8"),
    "a number further off than its last digit": ("auc 0.875", "auc 0.870"),
    "a number further off than its tolerance": ("share 0.81", "share 0.87±0.05"),
    "a line too much": ("rows 7\nrows 8", "rows 7"),
    "a line too few": ("rows 7", "rows 7\nrows 8"),
    "nothing": ("", "rows 7"),
    "another order": ("b a", "a ... b"),
    "another sign": ("-0.5", "0.5"),
    "what stands last is missing": ("rows 7 end more", "... end"),
}


@pytest.mark.parametrize("name", SAME)
def test_texts_that_say_the_same_are_equal(name: str) -> None:
    assert_text(*SAME[name])


@pytest.mark.parametrize("name", DIFFERENT)
def test_texts_that_say_something_else_differ(name: str) -> None:
    with pytest.raises(AssertionError):
        assert_text(*DIFFERENT[name])


def test_the_message_names_the_first_difference() -> None:
    with pytest.raises(AssertionError, match=r"^after 'rows 7 columns' the notebook says '8'"):
        assert_text("rows 7 columns 9", "rows 7 columns 8")


def test_one_of_the_displayed_values_has_to_say_it() -> None:
    assert_displayed(["1", "2"], "2")
    with pytest.raises(AssertionError):
        assert_displayed(["1", "3"], "2")
    with pytest.raises(AssertionError, match="nothing of that name"):
        assert_displayed([], "2")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("auc 0.75", True), ("auc 0.78", True), ("auc 0.70", False), ("auc 0.99", False), ("loss 1.2", False)],
)
def test_a_metric_keeps_its_floor_and_its_distance(text: str, accepted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"model_auc": {"notebook": 0.77, "tolerance": 0.1, "floor": 0.72}}
    monkeypatch.setattr(notebook_text, "metrics", lambda: table)

    if accepted:
        assert_text(text, "auc {model_auc}")
    else:
        with pytest.raises(AssertionError):
            assert_text(text, "auc {model_auc}")


def test_braces_that_name_no_metric_are_braces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook_text, "metrics", dict)

    assert_text("{a}", "{a}")
    with pytest.raises(AssertionError):
        assert_text("{b}", "{a}")
