from __future__ import annotations

import copy
import pickle
import typing

import pytest

from nb2prod.records import NamedTuple, Record, made


class Place(NamedTuple):
    """A point, with a name."""

    line: int
    column: int = 1
    name: str = ""

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"

    @property
    def is_first(self) -> bool:
        """Whether it is on the first line."""
        return self.line == 1


class Named(Place):
    """Inherits the fields."""


class Empty(NamedTuple):
    """Has no field."""


class Standard(typing.NamedTuple):
    """The same, made by the standard library."""

    line: int
    column: int = 1
    name: str = ""


def test_it_is_the_tuple_that_the_standard_library_makes() -> None:
    ours, theirs = Place(3, name="x"), Standard(3, name="x")
    assert tuple(ours) == tuple(theirs) == (3, 1, "x")
    assert ours == (3, 1, "x")
    assert hash(ours) == hash(theirs)
    assert repr(ours) == repr(theirs).replace("Standard", "Place")
    assert ours._asdict() == theirs._asdict()
    assert ours._fields == theirs._fields
    assert Place._field_defaults == Standard._field_defaults
    assert Place.__match_args__ == Standard.__match_args__
    assert Place.__doc__ == "A point, with a name."
    assert not hasattr(ours, "__dict__")


def test_fields_methods_and_properties_are_there() -> None:
    place = Place(line=1, column=4)
    assert (place.line, place.column, place.name) == (1, 4, "")
    assert str(place) == "1:4"
    assert place.is_first
    match place:
        case Place(line, column):
            assert (line, column) == (1, 4)
    with pytest.raises(AttributeError):
        place.line = 2  # type: ignore[misc]


def test_wrong_arguments_are_errors() -> None:
    for wrong in ((), (1, 2, "", 3)):
        with pytest.raises(TypeError):
            Place(*wrong)
    with pytest.raises(TypeError):
        Place(1, nothing=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Place._make([1])
    with pytest.raises(ValueError, match="nothing"):
        Place(1)._replace(nothing=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        type("Wrong", (NamedTuple,), {"__annotations__": {"a": int, "b": int}, "a": 1})


def test_replaced_copied_and_sent_to_other_processes_it_stays_what_it_is() -> None:
    place = Place(3)
    assert place._replace(column=2) == Place(3, 2)
    for other in (place._replace(), Place._make(place), copy.deepcopy(place), _sent(place)):
        assert other == place
        assert type(other) is Place


def test_what_inherits_the_fields_makes_objects_of_its_own_class() -> None:
    for _ in range(2):  # the first makes the constructor
        assert type(Named(1, 2)) is Named
        assert type(Place(1, 2)) is Place
    assert Named(1) == Place(1)


def test_there_may_be_no_field() -> None:
    assert Empty() == ()
    assert repr(Empty()) == "Empty()"


def _sent(place: Place) -> Place:
    copied: Place = pickle.loads(pickle.dumps(place))  # noqa: S301 - our own
    return copied


class Shelf(Record):
    """A place for books."""

    height: int
    books: list[str] = made(factory=list)
    label: str = "?"
    first: str = made(init=False)

    def __post_init__(self) -> None:
        self.first = self.books[0] if self.books else ""


class LongShelf(Shelf):
    """Has a field more."""

    length: int = 1


class SameShelf(Shelf):
    """Has no field of its own."""

    __slots__ = ()


def test_a_record_has_its_fields_and_no_others() -> None:
    shelf = Shelf(3, label="x")
    assert (shelf.height, shelf.books, shelf.label, shelf.first) == (3, [], "x", "")
    shelf.label = "y"
    assert shelf.label == "y"
    assert not hasattr(shelf, "__dict__")
    assert shelf != Shelf(3, label="y")
    with pytest.raises(AttributeError):
        shelf.colour = 1  # type: ignore[attr-defined]


def test_what_is_made_for_a_record_is_its_own() -> None:
    one, other = Shelf(1), Shelf(1)
    one.books.append("a")
    assert (one.books, other.books) == (["a"], [])


def test_a_record_inherits_the_fields_of_its_base() -> None:
    Shelf(1)  # its constructor is not that of what inherits from it
    long = LongShelf(1, ["a"], length=4)
    assert (long.height, long.books, long.label, long.length, long.first) == (1, ["a"], "?", 4, "a")
    assert SameShelf(2).height == 2


def test_a_record_with_something_replaced_is_another() -> None:
    shelf = LongShelf(1, ["a"], length=4)
    other = shelf._replace(books=["b"])
    assert (other.height, other.books, other.length, other.first) == (1, ["b"], 4, "b")
    assert (type(other), shelf.first) == (LongShelf, "a")
    with pytest.raises(TypeError):
        shelf._replace(colour=1)


def test_a_record_is_copied_and_sent_to_other_processes() -> None:
    shelf = Shelf(1, ["a"])
    for other in (copy.copy(shelf), pickle.loads(pickle.dumps(shelf))):  # noqa: S301 - our own bytes
        assert (other.height, other.books, other.first) == (1, ["a"], "a")


def test_wrong_fields_of_a_record_are_errors() -> None:
    with pytest.raises(TypeError):
        Shelf()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Shelf(1, nothing=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="behind"):

        class Bad(Record):
            """A field without a default is last."""

            a: int = 1
            b: int  # type: ignore[misc]
