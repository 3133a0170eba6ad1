"""Sets of rows: which hold which others, and which surely share none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.records import NamedTuple, Record, made

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from nb2prod.learning.values import Data
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# The bounds of a slice, or a mask and which side of it; ``"train"`` and ``"test"`` for a split by call.
Piece = tuple[object, ...]


class Place(NamedTuple):
    """A node and the cell it stands in."""

    node: ast.AST
    cell: CodeCell

    @property
    def location(self) -> Location:
        """Where the node stands."""
        return self.cell.locate(self.node)


class Split(Record):
    """One division of rows into parts that share none.

    shuffled  the rows are drawn at random
    folds     one of several divisions that a cross-validation makes
    """

    place: Place
    shuffled: bool
    folds: bool = False
    inputs: tuple[Data, ...] = ()


class Rows(Record):
    """A set of rows, known by its identity.

    supersets  sets that surely hold all of these rows
    split      the division that these rows are a part of, and ``piece`` which
    copies     what put rows into it that were made from others, or are others again
    parts      the pieces cut from it so far
    place      where it was cut out, if by a slice or a condition
    """

    supersets: list[Rows] = made(factory=list)
    split: Split | None = None
    piece: Piece = ()
    copies: tuple[Place, ...] = ()
    parts: dict[Piece, Rows] = made(factory=dict)
    place: Place | None = None
    # What pieces cut from it belong to.
    cut: Split | None = None

    def chain(self) -> Iterator[Rows]:
        """Yield these rows and every set known to hold them."""
        waiting, seen = [self], {id(self)}
        for each in waiting:
            yield each
            for other in each.supersets:
                if id(other) not in seen:
                    seen.add(id(other))
                    waiting.append(other)

    def within(self, other: Rows) -> bool:
        """Whether all of these rows are surely among ``other``."""
        return any(each is other for each in self.chain())

    def part(self, piece: Piece, place: Place, *, shuffled: bool = False) -> Rows:
        """Return the rows that ``piece`` cuts out, the same set for the same piece."""
        if piece not in self.parts:
            if self.cut is None:
                self.cut = Split(place, shuffled)
            self.parts[piece] = Rows([self], self.cut, piece, self.copies, place=place)
        return self.parts[piece]

    def some(self, piece: Piece = ()) -> Rows:
        """Return rows that are among these, nobody knows which; the same ones for the same ``piece``."""
        if piece and piece in self.parts:
            return self.parts[piece]
        found = Rows([self], copies=self.copies)
        if piece:
            self.parts[piece] = found
        return found

    def training(self) -> Split | None:
        """Return the split that these rows are the training part of, if any."""
        return next((each.split for each in self.chain() if each.piece == ("train",)), None)


def disjoint(one: Rows, other: Rows) -> Split | None:
    """Return the split that surely puts two sets of rows on different sides; None where there is none."""
    others = list(other.chain())
    for each in one.chain():
        for second in others:
            if each.split is not None and each.split is second.split and _apart(each.piece, second.piece):
                return each.split
    return None


def set_apart(rows: Rows, split: Split) -> Place:
    """Return where ``split`` cuts ``rows`` out."""
    found = next((each.place for each in rows.chain() if each.split is split), None)
    return split.place if found is None else found


def _apart(one: Piece, other: Piece) -> bool:
    match one, other:
        case (("train",), ("test",)) | (("test",), ("train",)):
            return True
        case ("mask", key, side), ("mask", second, other_side):
            return bool(key == second and side != other_side)
        case ("rest", key), ("rows", second):
            return key is second
        case ("rows", key), ("rest", second):
            return key is second
        case ("slice", order, lower, upper), ("slice", second_order, second_lower, second_upper):
            return order == second_order and (_before(upper, second_lower) or _before(second_upper, lower))
        case _:
            return False


def _before(upper: object, lower: object) -> bool:
    """Whether a slice that ends at ``upper`` ends before one that begins at ``lower``."""
    if upper is None or lower is None:
        return False
    if isinstance(upper, int) and isinstance(lower, int):
        return upper <= lower and (upper < 0) == (lower < 0)
    return upper == lower


class Indices(NamedTuple):
    """Numbers of rows: a part of whatever they are used on."""

    split: Split
    piece: Piece


class RowsOf(NamedTuple):
    """The index of a table: names exactly its rows."""

    rows: Rows


class Folds(NamedTuple):
    """What a splitter yields: pairs of indices."""

    split: Split
