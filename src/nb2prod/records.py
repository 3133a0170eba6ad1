"""Named tuples and records that are quick to define: to type checkers what ``typing`` and ``dataclasses`` make.

A start of ``nb2prod check`` defines more than a hundred of them. Those two compile constructors for each and look at
every annotation, a sixth of the start; here a constructor is compiled when the first object is made.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # what named tuples read their fields with
from typing import TYPE_CHECKING, Any, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple, Self

__all__ = ["NamedTuple", "Record", "made"]


class _Definition(type):
    """Makes a class whose fields are annotated into tuples that have names for their elements."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _Definition:
        if not any(base.__class__ is cls and "_fields" not in base.__dict__ for base in bases):
            return super().__new__(cls, name, bases, body)  # NamedTuple itself, or what inherits all its fields
        fields = tuple(body.get("__annotations__", ()))
        defaults = {field: body[field] for field in fields if field in body}
        if tuple(defaults) != fields[len(fields) - len(defaults) :]:
            msg = f"{name}: a field without a default stands behind one that has it"
            raise TypeError(msg)
        named = {field: _tuplegetter(index, f"Field {index}.") for index, field in enumerate(fields)}
        also = {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": defaults}
        return super().__new__(cls, name, bases, body | named | also)


def _constructor(fields: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., Any]:
    names = "".join(f"{field}, " for field in fields)
    made: Any = eval(f"lambda _class, {names}: _new(_class, ({names}))", {"_new": tuple.__new__})  # noqa: S307 - names
    made.__defaults__ = tuple(defaults.values())
    return made  # type: ignore[no-any-return]


if not TYPE_CHECKING:

    class NamedTuple(tuple, metaclass=_Definition):
        """A tuple with a name for each element; see ``typing.NamedTuple``."""

        __slots__ = ()

        def __new__(cls, *values: Any, **named: Any) -> Any:
            """Return the first object of its class, which from now on has a constructor of its own."""
            owner = next(each for each in cls.__mro__ if "_fields" in each.__dict__)
            owner.__new__ = _constructor(owner._fields, owner._field_defaults)
            return owner.__new__(cls, *values, **named)

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Any:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                msg = f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}"
                raise TypeError(msg)
            return made

        def _replace(self, **named: Any) -> Any:
            made = self._make(map(named.pop, self._fields, self))
            if named:
                msg = f"{type(self).__name__} has no field {', '.join(named)}"
                raise ValueError(msg)
            return made

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            values = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({values})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            """Return what a copy, or another process, makes it from."""
            return tuple(self)


class _Made:
    """Stands for the default of a field that each record is made one for."""

    __slots__ = ("factory",)

    def __init__(self, factory: Callable[[], object] | None) -> None:
        self.factory = factory


def made(*, factory: Callable[[], Any] | None = None, init: bool = True) -> Any:
    """Return the default of a field that ``factory`` makes for each record, or that ``__post_init__`` sets."""
    return _Made(factory if init else None)


@dataclass_transform(eq_default=False, field_specifiers=(made,))
class _Layout(type):
    """Makes a class whose fields are annotated into one that has a slot for each, behind those of its base."""

    _fields: tuple[str, ...]
    _field_defaults: dict[str, Any]

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _Layout:
        own = () if "__slots__" in body else tuple(body.get("__annotations__", ()))
        given = {field: body.pop(field) for field in own if field in body}
        later = {field for field, value in given.items() if isinstance(value, _Made) and value.factory is None}
        made = super().__new__(cls, name, bases, {"__slots__": own} | body | {"__init__": _first})
        base = bases[0] if bases and isinstance(bases[0], _Layout) else None
        made._fields = (*(base._fields if base else ()), *(field for field in own if field not in later))
        made._field_defaults = (base._field_defaults if base else {}) | {
            key: given[key] for key in given if key not in later
        }
        if tuple(made._field_defaults) != made._fields[len(made._fields) - len(made._field_defaults) :]:
            msg = f"{name}: a field without a default stands behind one that has it"
            raise TypeError(msg)
        return made


def _first(self: Any, *values: Any, **named: Any) -> None:
    """Fill the first object of its class, which from now on has a constructor of its own."""
    owner = type(self)
    owner.__init__ = _filler(owner)  # type: ignore[arg-type]
    owner.__init__(self, *values, **named)


def _filler(owner: _Layout) -> Callable[..., None]:
    names: dict[str, Any] = {f"_{number}": default for number, default in enumerate(owner._field_defaults.values())}
    default = dict(zip(owner._field_defaults, names, strict=True))
    head = ", ".join(f"{field}={default[field]}" if field in default else field for field in owner._fields)
    lines = [f"def __init__(self, {head}):"]
    for field in owner._fields:
        is_made = isinstance(owner._field_defaults.get(field), _Made)
        value = f"{field}.factory() if {field} is {default[field]} else {field}" if is_made else field
        lines.append(f"    self.{field} = {value}")
    if hasattr(owner, "__post_init__"):
        lines.append("    self.__post_init__()")
    exec("\n".join(lines), names)  # noqa: S102 - names
    filler: Callable[..., None] = names["__init__"]
    return filler


class Record(metaclass=_Layout):
    """An object with a slot for each field, equal to itself alone; see ``dataclasses.dataclass``.

    It has no representation of its own: some hold what must not be shown.
    """

    __slots__ = ()

    def _replace(self, **named: Any) -> Self:
        """Return a record that is like this one but for what is given."""
        kept = {field: getattr(self, field) for field in type(self)._fields if field not in named}
        return type(self)(**kept, **named)
