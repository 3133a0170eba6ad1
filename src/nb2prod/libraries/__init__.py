"""What library calls do: the tables of ``rules/libraries``, each read when its library is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from nb2prod.data import rules_folder
from nb2prod.libraries.model import EFFECTS, CallInfo, ClassInfo, Condition, Library
from nb2prod.libraries.table import call_info, class_info, load_toml, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = [
    "EFFECTS",
    "UNKNOWN",
    "CallInfo",
    "ClassInfo",
    "Condition",
    "Libraries",
    "Library",
    "bind",
    "effects_given",
]

UNKNOWN: Final = object()
"""Stands for the value of an argument that is no literal, in ``effects_given``."""

_MOST_HOPS = 8  # aliases and bases are a few steps long; more is a circle

T = TypeVar("T")


class Libraries:
    """The tables in ``folder``. Builtins are spelled ``builtins.print``, their methods ``builtins.list.append``.

    Every lookup raises ``ConfigurationError`` if the table it needs is wrong. The tables read are
    kept in the object.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder of the tables (default: our own); none is read yet."""
        self.folder = folder or rules_folder() / "libraries"
        self._tables: dict[str, Library | None] = {}
        self._calls: dict[str, CallInfo | None] = {}
        self._classes: dict[str, ClassInfo | None] = {}
        self._distributions: dict[str, str] = {}
        self._canonical: dict[str, str] = {}

    def library(self, import_name: str) -> Library | None:
        """Return the table of a module's top-level package; None if there is none."""
        name = import_name.partition(".")[0]
        if name not in self._tables:
            file = self.folder / f"{name}.toml"
            known = name.isidentifier() and not name.startswith("_") and file.is_file()
            self._tables[name] = read_table(file) if known else None
        return self._tables[name]

    def call(self, qualified_name: str) -> CallInfo | None:
        """Return what a call does, found through aliases and base classes; None if nobody knows.

        For a method with ``-> self`` that is found in a base class, ``returns`` is the class asked for.
        """
        if qualified_name not in self._calls:
            self._calls[qualified_name] = self._find_call(self.canonical(qualified_name))
        return self._calls[qualified_name]

    def mutates(self, qualified_name: str) -> bool:
        """Return whether a call is known to change its first argument, whatever the others are."""
        info = self.call(qualified_name)
        return info is not None and "mutates-argument" in info.effects

    def klass(self, qualified_name: str) -> ClassInfo | None:
        """Return what is known of a class, found through aliases; None if nothing is."""
        if qualified_name not in self._classes:
            name = self.canonical(qualified_name)
            table = self.library(name)
            found = table.classes.get(name) if table else None
            self._classes[qualified_name] = class_info(name, found[0]) if found else None
        return self._classes[qualified_name]

    def ancestors(self, class_name: str) -> tuple[str, ...]:
        """Return a class and all its known bases, nearest first; empty for an unknown class."""
        found: dict[str, None] = {}
        waiting = [class_name]
        while waiting:
            info = self.klass(waiting.pop(0))
            if info is not None and info.qualified_name not in found:
                found[info.qualified_name] = None
                waiting.extend(info.bases)
        return tuple(found)

    def attribute(self, class_name: str, name: str) -> tuple[bool, str | None]:
        """Return whether reading the attribute is known to change nothing, and the class of its value."""
        ancestors = self.ancestors(class_name)
        for ancestor in ancestors:
            info = self.klass(ancestor)
            if info is not None and name in info.attributes:
                value = info.attributes[name]
                return True, ancestors[0] if value == "self" else value
        return False, None

    def pure_import(self, module: str) -> bool:
        """Return whether importing the module is known to do nothing beyond loading it."""
        table = self.library(module)
        if table is None or not table.pure_import:
            return False
        return not any(prefix in table.impure_imports for prefix in _prefixes(module))

    def distribution(self, import_name: str) -> str | None:
        """Return what to install for a module, by its longest known prefix; None if nobody knows.

        Ask ``sys.stdlib_module_names`` first: the standard library has no distribution.
        """
        if not self._distributions:
            self._distributions.update(load_toml(self.folder / "_distributions.toml")["distributions"])
        for prefix in _prefixes(import_name):
            if prefix in self._distributions:
                return self._distributions[prefix]
        table = self.library(import_name)
        return table.distribution if table else None

    def canonical(self, qualified_name: str) -> str:
        """Return the name the tables use for a name that may be a re-export.

        Besides the ``aliases`` of a table, a package is taken to re-export what its private modules
        define: ``sklearn.linear_model._logistic.LogisticRegression`` is
        ``sklearn.linear_model.LogisticRegression``.
        """
        if qualified_name not in self._canonical:
            self._canonical[qualified_name] = self._find_canonical(qualified_name)
        return self._canonical[qualified_name]

    def _find_canonical(self, name: str) -> str:
        for _ in range(_MOST_HOPS):
            table = self.library(name)
            if table is None:
                break
            prefix = next((p for p in _prefixes(name) if p in table.aliases), None)
            if prefix is not None:
                name = table.aliases[prefix] + name[len(prefix) :]
            elif "._" in name and name not in table.calls:
                public = ".".join(part for part in name.split(".") if not part.startswith("_") or part[:2] == "__")
                if public == name:
                    break
                name = public
            else:
                break
        return name

    def _class_of(self, name: str) -> str | None:
        """Return the class a dotted name stands for: ``pandas.Series.str`` is an attribute of known class."""
        if self.klass(name) is not None:
            return self.canonical(name)
        owner, _, attribute = name.rpartition(".")
        owner_class = self._class_of(owner) if owner else None
        return self.attribute(owner_class, attribute)[1] if owner_class else None

    def _find_call(self, name: str) -> CallInfo | None:
        owner, _, method = name.rpartition(".")
        table = self.library(name)
        if table is None:
            return None
        if name not in table.calls:
            # `pandas.Series.str.contains`: the class of the attribute has the method.
            owner = self._class_of(owner) or owner
            name = f"{owner}.{method}"
        for candidate in (name, *(f"{ancestor}.{method}" for ancestor in self.ancestors(owner)[1:])):
            table = self.library(candidate)
            if table is None or candidate not in table.calls:
                continue
            group, row = table.calls[candidate]
            found = call_info(candidate, group, row)
            if found.returns == "self":
                return found._replace(returns=owner)
            if found.returns is None and candidate in table.classes:
                return found._replace(returns=candidate)
            return found
        return None


def bind(call: CallInfo, positional: Iterable[T], keywords: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """Yield parameter and argument, as far as the table knows the parameters.

    A variadic parameter comes once for each of its arguments.
    """
    for number, argument in enumerate(positional):
        if number < len(call.parameters):
            yield call.parameters[number], argument
        elif call.variadic:
            yield call.parameters[-1], argument
    yield from keywords.items()


def effects_given(call: CallInfo, arguments: Mapping[str, object], *, if_unknown: bool) -> frozenset[str]:
    """Return the effects the call has with these arguments: parameter name to literal value, or ``UNKNOWN``.

    ``if_unknown`` decides a condition on an argument that is no literal: True for what may happen,
    False for what surely happens. An effect whose condition holds ends ``pure``, and so do ``out=``
    and ``overwrite_a=``.
    """
    effects = set(call.otherwise)
    defaults = dict(call.defaults)
    for condition in call.conditions:
        given = [(arguments.get(name, defaults.get(name)), values) for name, values in condition.values]
        if any(_among(value, values) for value, values in given):
            holds = not condition.unless
        elif any(value is UNKNOWN for value, _ in given):
            holds = if_unknown
        else:
            holds = condition.unless
        if holds:
            effects.add(condition.effect)
            effects.discard("pure")
    if any(_overwrites(name, value) for name, value in arguments.items()):
        effects.add("mutates-argument")
        effects.discard("pure")
    return frozenset(effects)


def _overwrites(name: str, value: object) -> bool:
    """Return whether an argument makes the call write into an array, as NumPy and SciPy spell it everywhere."""
    return (name == "out" and value is not None) or (name.startswith("overwrite_") and value is not False)


def _among(value: object, values: tuple[object, ...]) -> bool:
    return any(type(value) is type(other) and value == other for other in values)  # here 1 is not True


def _prefixes(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]
