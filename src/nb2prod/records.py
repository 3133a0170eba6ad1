"""Named tuples that are quick to define: as ``typing.NamedTuple``, which type checkers take it for.

A start of ``nb2prod check`` defines more than a hundred of them. ``typing`` compiles a constructor for each and
looks at every annotation, a tenth of the start; here a constructor is compiled when the first object is made.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # what named tuples read their fields with
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple

__all__ = ["NamedTuple"]


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
