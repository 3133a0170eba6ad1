"""What a notebook did with its data, in the order it runs: splits, fits, evaluations and what resembles them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.records import NamedTuple, Record, made

if TYPE_CHECKING:
    from nb2prod.learning.rows import Place, Rows, Split
    from nb2prod.learning.values import Data, Estimator, Evaluation, Fit


class CrossValidation(NamedTuple):
    """A call that splits, fits and scores by itself; ``search``: to choose parameters."""

    model: Estimator | None
    x: Data
    y: Data | None
    place: Place
    shuffled: bool
    search: bool = False


class Stopped(NamedTuple):
    """A fit that goes on until it is best on rows it does not learn from."""

    fit: Fit
    x: Data


class Mixed(NamedTuple):
    """Data whose rows were put into a random order."""

    x: Data
    place: Place


class History(Record):
    """Everything that happened, each list in the order of the run.

    passed  data that went into calls nobody knows: they may do anything with it
    lent    models that did
    stopped  fits that rows held out put an end to
    mixed  data whose rows were put into a random order
    drawn  rows that were drawn at random from others
    """

    splits: list[Split] = made(factory=list)
    fits: list[Fit] = made(factory=list)
    evaluations: list[Evaluation] = made(factory=list)
    cross_validations: list[CrossValidation] = made(factory=list)
    passed: list[Data] = made(factory=list)
    lent: list[Estimator] = made(factory=list)
    stopped: list[Stopped] = made(factory=list)
    mixed: list[Mixed] = made(factory=list)
    drawn: list[Rows] = made(factory=list)

    def is_evaluated(self, split: Split) -> bool:
        """Whether the test part of ``split`` is put to use: predicted, scored, or given to an unknown call."""
        used = (*(each.x for each in self.evaluations), *self.passed)
        return any(
            row.split is split and row.piece[0] in {"test", "rest"} for data in used for row in data.rows.chain()
        )
