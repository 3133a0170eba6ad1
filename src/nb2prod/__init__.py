"""nb2prod checks Jupyter notebooks for production readiness and converts them into packages."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs every command its import
if TYPE_CHECKING:
    from nb2prod.convert import convert

__all__ = ["convert"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what ``nb2prod.convert(path)`` needs when somebody asks for it; ``check`` does not."""
    if name != "convert":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module  # noqa: PLC0415 - as above

    return import_module("nb2prod.convert")
