"""What names hold, as far as learning is concerned: rows, columns, what was learned from which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.learning.rows import Place, Rows
from nb2prod.records import NamedTuple, Record

if TYPE_CHECKING:
    import ast

    from nb2prod.learning.columns import Columns
    from nb2prod.notebook.model import CodeCell


class Fit(Record):
    """Something was learned from rows.

    model  what learned it; None for a plain statistic
    kind   ``model``; ``learns`` for a transformer that learns from how values are distributed;
           ``names`` for one that learns which values there are; ``row-wise`` and ``unknown``
    name   as the notebook spells what learned it
    loops  the loops the fit stands in
    elsewhere  what was learned is applied to rows it was not learned from
    """

    model: Estimator | None
    kind: str
    x: Data
    y: Data | None
    place: Place
    name: str
    loops: tuple[ast.AST, ...] = ()
    elsewhere: bool = False

    @property
    def rows(self) -> Rows:
        """What was learned from."""
        return self.x.rows


class Learned(NamedTuple):
    """What a fit put into values: into all columns, or into ``columns``."""

    fit: Fit
    columns: frozenset[object] | None = None


class Prediction(NamedTuple):
    """Values that a fitted model gave for rows.

    error  how they are held against something by the notebook itself: ``difference``, ``equal``
    cut    what they were compared with to tell classes apart
    """

    fit: Fit
    x: Data
    error: str = ""
    cut: object = None


class Data(NamedTuple):
    """A table, a column or an array.

    learned     what its values carry of what was learned from rows
    traits      ``dated``: its rows go by time; ``lagged``: a row holds values of its neighbours;
                ``dates``: its values are points in time; ``window``: figures of neighbours, to be computed
    label       the target that goes with it in one object (``DMatrix``)
    """

    rows: Rows
    learned: frozenset[Learned] = frozenset()
    columns: Columns | None = None
    prediction: Prediction | None = None
    traits: frozenset[str] = frozenset()
    label: Data | None = None

    def fits(self, *kinds: str) -> list[Fit]:
        """Return what was learned and went into the values, of these kinds, in no order."""
        return [each.fit for each in self.learned if each.fit.kind in kinds]


class Estimator(Record):
    """An object that is fitted.

    qualified  the class; None for what an unknown call made
    kind       see ``Fit``; ``sampler``; ``splitter``
    parts      what it is made of
    given      the texts of its arguments
    takes      the columns that it looks at, or some of them; None for all it is given
    metric     what its ``score`` or ``evaluate`` gives, if that is known
    inputs     the columns that it puts together into one, and
    label      the column to be predicted: in Spark
    own        the features and the target that it was made with, to be fitted later
    """

    qualified: str | None
    kind: str
    place: Place
    parts: tuple[Estimator, ...] = ()
    given: str = ""
    fit: Fit | None = None
    searches: bool = False
    takes: frozenset[object] | None = None
    metric: str | None = None
    inputs: Columns | None = None
    label: str | None = None
    own: tuple[Data, Data] | None = None


class Statistic(NamedTuple):
    """A figure about rows (``mean``), or made from such."""

    fits: frozenset[Fit]
    name: str


class Evaluation(Record):
    """A fitted model met rows.

    metric   what was computed; None where it only predicted
    used     the figure went somewhere else than to the eye
    compared  it was held against another value, to choose
    cut      what the predictions were compared with to tell classes apart
    """

    fit: Fit
    x: Data
    metric: str | None
    place: Place
    loops: tuple[ast.AST, ...] = ()
    used: bool = False
    compared: bool = False
    cut: object = None


class Grouped(NamedTuple):
    """Rows in groups."""

    data: Data


class Score(NamedTuple):
    """A figure that says how good a model is, or several."""

    evaluations: tuple[Evaluation, ...]


class Mask(Record):
    """A condition on rows; ``side`` is false for its negation.

    source  the column it asks of: as values it is computed from that
    """

    key: object
    side: bool = True
    shuffled: bool = False
    source: Data | None = None


class Literal(NamedTuple):
    """A constant."""

    value: object


class Named(NamedTuple):
    """A module, a function or a class of a library."""

    name: str


class Sequence(Record):
    """A list, tuple or dictionary whose items are known; ``keys`` for a dictionary."""

    items: list[object]
    keys: list[object] | None = None


class Many(NamedTuple):
    """A list, nobody knows how long, of which this is an item."""

    item: object


class Callback(NamedTuple):
    """What ends a fit, or keeps its best state, by rows held out."""


class Function(NamedTuple):
    """A function of the notebook."""

    node: ast.FunctionDef | ast.Lambda
    cell: CodeCell


class Unknown:
    """A value nobody knows: it may turn out to be data, or an estimator."""

    # Most values are unknown, and of most nothing is ever asked.
    __slots__ = ("_attributes", "_data", "estimator")

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.estimator: Estimator | None = None
        self._data: Data | None = None
        self._attributes: dict[str, object] | None = None

    @property
    def data(self) -> Data:
        """The rows it would be."""
        if self._data is None:
            self._data = Data(Rows())
        return self._data

    @data.setter
    def data(self, data: Data) -> None:
        self._data = data

    @property
    def attributes(self) -> dict[str, object]:
        """The values of its attributes that have been asked for."""
        if self._attributes is None:
            self._attributes = {}
        return self._attributes


class Changing(Unknown):
    """What a loop gives, one after the other."""

    __slots__ = ()


# Enough for what anybody writes down; a list that holds itself has no end.
_MOST_ITEMS = 200


def scores_in(value: object) -> list[Evaluation]:
    """Return the evaluations whose figures are in ``value``, which may be a list of them."""
    found: list[Evaluation] = []
    waiting = [value]
    for each in waiting:
        if isinstance(each, Score):
            found += each.evaluations
        elif isinstance(each, Many):
            waiting.append(each.item)
        elif isinstance(each, Sequence) and len(waiting) < _MOST_ITEMS:
            waiting += each.items
    return found


def as_data(value: object) -> Data | None:
    """Return ``value`` as data, if it is or may be some."""
    if isinstance(value, Data):
        return value
    if isinstance(value, Mask):
        return value.source
    return value.data if isinstance(value, Unknown) and value.estimator is None else None


def as_estimator(value: object) -> Estimator | None:
    """Return ``value`` as an estimator, if it is known to be one."""
    if isinstance(value, Estimator):
        return value
    return value.estimator if isinstance(value, Unknown) else None


def fresh(data: Data) -> Data:
    """Return data of which only the rows are known."""
    return Data(data.rows, data.learned, None, None, data.traits)


def selected(learned: frozenset[Learned], columns: Columns) -> frozenset[Learned]:
    """Return what ``learned`` is left when only ``columns`` are."""
    kept = set()
    for each in learned:
        if each.columns is None:
            kept.add(each)
            continue
        if columns.only is not None and all(isinstance(name, str) for name in columns.only):
            left = each.columns & columns.only
        else:
            left = each.columns - columns.without
        if left:
            kept.add(Learned(each.fit, left))
    return frozenset(kept)
