"""Conversion: a plan over the analysis, passes over the plan, files from the plan."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from nb2prod.convert.plan import Package


def convert(path: str | os.PathLike[str], name: str | None = None, *, partial: bool = False) -> Package:
    """Return the package for the notebook at ``path``: its files by name. Nothing is run and nothing is written.

    name     import name of the package; None derives one from the notebook's file name
    partial  what is refused raises ``NotImplementedError`` in its place (``package.not_converted`` says
             what), instead of stopping the conversion

    Raises UnreadableNotebookError, ConfigurationError for a name no package can have, and RefusedError
    with every reason why the notebook's meaning cannot be kept; all are in ``nb2prod.errors``.
    """
    from nb2prod.convert.api import convert_notebook  # noqa: PLC0415 - what conversion needs, its data types do not
    from nb2prod.convert.plan import Options  # noqa: PLC0415 - the same

    return convert_notebook(Path(path), Options(name, partial)).package


class _CallableModule(ModuleType):
    """Python binds ``nb2prod.convert`` to this module once anything in it is imported; it is to be a function too."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Package:
        return convert(*arguments, **keywords)


sys.modules[__name__].__class__ = _CallableModule
