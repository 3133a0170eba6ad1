"""What is known of a library, a call and a class, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

EFFECTS: Final = frozenset(
    {
        "random",
        "seed",
        "read-file",
        "write-file",
        "network",
        "display",
        "draw",
        "print",
        "shell",
        "clock",
        "mutates-argument",
        "global-setting",
        "pure",
        "fit",
        "transform",
        "predict",
        "split",
        "score",
        "model-save",
        "model-load",
        "does-not-retain",
        "names-in-strings",
        "input",
        "unpickle",
    }
)
ROLES: Final = frozenset({"path", "seed", "model"})


class Condition(NamedTuple):
    """An effect that depends on arguments: it is there if (``unless``: if not) a parameter has one of the values."""

    effect: str
    values: tuple[tuple[str, tuple[object, ...]], ...]
    unless: bool


class CallInfo(NamedTuple):
    """What one call does.

    effects     from the closed set ``EFFECTS``: what the call may do, whatever its arguments; see ``effects_given``
    parameters  in positional order
    variadic    the last of ``parameters`` takes all further positional arguments
    path        parameters that are a file path or URL
    seed        the parameter that makes the call repeatable when it is given and not None
    seed_aliases  what other versions of the library call ``seed``
    seeded_by   calls that also make it repeatable, any one of them; ``self``: the object it is called
                on was seeded, or not, where it was made
    returns     the class of the result, if it is always that class; a tuple if the result is one
    seeds       for a call with the effect ``seed``: what it seeds, as ``seeded_by`` of others names it
    model       the parameter that is a model
    defaults    literal defaults of the parameters that conditions ask for
    conditions  effects that depend on arguments
    otherwise   the effects if no condition holds
    until       the first version of the library without it, if it was removed
    """

    qualified_name: str
    library: str
    effects: frozenset[str]
    parameters: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    seed: str | None = None
    seeded_by: tuple[str, ...] = ()
    returns: str | tuple[str, ...] | None = None
    variadic: bool = False
    seeds: tuple[str, ...] = ()
    model: str | None = None
    defaults: tuple[tuple[str, object], ...] = ()
    conditions: tuple[Condition, ...] = ()
    otherwise: frozenset[str] = frozenset()
    seed_aliases: tuple[str, ...] = ()
    until: str | None = None


class ClassInfo(NamedTuple):
    """A class whose objects the tables know.

    bases           qualified names; calls and attributes are inherited
    attributes      attributes and properties reading which changes nothing, to the class of the value or None
    items           the class of a subscription with a literal string, ``df["price"]``
    members         for groups, the class of each: what comes after the key in a loop over them
    pure_operators  operators, subscripts, comparisons, ``len``, iteration and formatting change nothing
    """

    qualified_name: str
    library: str
    bases: tuple[str, ...]
    attributes: Mapping[str, str | None]
    items: str | None
    members: str | None
    pure_operators: bool


class Group(NamedTuple):
    """What the rows of one ``[[calls]]`` or ``[[classes]]`` group share; ``shared`` has no name of its own."""

    shared: CallInfo
    bases: tuple[str, ...]
    attributes: str
    items: str | None
    members: str | None
    pure_operators: bool


class Library(NamedTuple):
    """One table: a top-level import name, the distribution that installs it, and what its calls do.

    distribution    None for the standard library
    pure_import     importing it does nothing beyond loading it, except for ``impure_imports``
    calls, classes  qualified name to its group and the text of its row, which is read when asked for;
                    a class is also the call that makes an object of it
    aliases         dotted prefix to the prefix it stands for
    verified        the version its names were verified against
    """

    import_name: str
    distribution: str | None
    pure_import: bool
    impure_imports: tuple[str, ...]
    calls: Mapping[str, tuple[Group, str]]
    classes: Mapping[str, tuple[Group, str]]
    aliases: Mapping[str, str]
    verified: str | None
