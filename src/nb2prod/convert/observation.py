"""What was observed of each step when the package ran: what verification hands to the tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.convert.plan import Contract


@dataclass(frozen=True, slots=True)
class Value:
    """A value as ``scaffold/tests/stored_values.py`` writes it.

    node    the value, or a description of it
    stored  the node holds the whole value
    about   its description
    """

    node: Any
    stored: bool
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ObservedStep:
    """One step of a run.

    printed    what it printed; None where two runs differed
    displayed  what it logged, in order; None where two runs did not log the same names
    arguments  what it was given
    made       its results by name; those that differed between two runs only as a description
    alone      called by itself on its stored arguments it made the same
    varying    what another run logged in its place, by place in ``displayed``, where it was another text
    """

    printed: str | None
    displayed: tuple[str, ...] | None
    arguments: tuple[Value, ...]
    made: Mapping[str, Value]
    alone: bool
    varying: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a package that ran.

    steps     those that came to their end, by name
    inputs    the files that were read into tables, with all columns
    python    the version of the interpreter
    versions  of what the package needs, and all that needs, by distribution
    as_tested  it did the same with nothing but the files its tests have
    figures   the names of the files figures were saved to
    displays  a library displayed something through IPython
    """

    steps: Mapping[str, ObservedStep]
    inputs: Mapping[str, Contract] = field(default_factory=dict)
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    as_tested: bool = False
    figures: tuple[str, ...] = ()
    displays: bool = False
