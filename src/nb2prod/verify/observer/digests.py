# ruff: noqa: BLE001 - looking at somebody else's values may raise anything
"""Digests: which kind of value is looked at how."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from . import arrays, figures, objects, plain, tables
from .looking import Digester, Limits
from .writing import incomparable, root_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .looking import Look
    from .writing import Digest

# By the outermost package of a class and its name, for classes of libraries nobody has to import here.
_OF_LIBRARIES: dict[tuple[str, str], Look] = {
    ("IPython", "CapturedIO"): plain.captured_output,
    ("numpy", "generic"): arrays.scalar,
    ("numpy", "ndarray"): arrays.array,
    ("numpy", "MaskedArray"): arrays.masked_array,
    ("numpy", "RandomState"): arrays.random_state,
    ("numpy", "Generator"): arrays.generator,
    ("numpy", "BitGenerator"): arrays.bit_generator,
    ("numpy", "dtype"): plain.text_of,
    ("scipy", "spmatrix"): arrays.sparse,
    ("scipy", "sparray"): arrays.sparse,
    ("scipy", "_spbase"): arrays.sparse,
    ("pandas", "Series"): tables.series,
    ("pandas", "DataFrame"): tables.frame,
    ("pandas", "Index"): tables.index,
    ("pandas", "RangeIndex"): tables.range_index,
    ("pandas", "MultiIndex"): tables.multi_index,
    ("pandas", "Categorical"): tables.categorical,
    ("pandas", "IntervalArray"): tables.interval_array,
    ("pandas", "SparseArray"): tables.sparse_array,
    ("pandas", "ExtensionArray"): tables.extension_array,
    ("pandas", "ExtensionDtype"): plain.text_of,
    ("pandas", "Interval"): tables.interval,
    ("pandas", "Timestamp"): plain.text_of,
    ("pandas", "Timedelta"): plain.text_of,
    ("pandas", "Period"): plain.text_of,
    ("pandas", "NaTType"): plain.text_of,
    ("pandas", "NAType"): plain.text_of,
    ("pandas", "BaseOffset"): plain.text_of,
    ("pandas", "Styler"): lambda look, value: look.record(value, {"data": value.data}),
    ("pandas", "BaseGroupBy"): tables.group_by,
    ("patsy", "EvalEnvironment"): lambda _, value: incomparable(value, "it is a namespace of running code"),
    ("sklearn", "Tree"): objects.tree,
    # What was said of a symbol; the rest is what asking has found out from it.
    ("sympy", "StdFactKB"): lambda look, value: look.record(value, {"given": dict(value._generator)}),  # noqa: SLF001 - it is shown nowhere else
    ("IPython", "TimeitResult"): lambda _, value: incomparable(value, "it is how long code takes"),
    ("timeit", "Timer"): lambda _, value: incomparable(value, "it times code, wherever that is"),
    ("unittest", "TestProgram"): objects.test_program,
    ("unittest", "TestResult"): objects.test_result,
    ("torch", "Tensor"): arrays.tensor,
    ("torch", "Module"): arrays.network,
    ("tensorflow", "Tensor"): arrays.eager_tensor,
    ("keras", "Model"): arrays.keras_model,
    ("matplotlib", "Figure"): figures.figure,
    ("matplotlib", "_AxesBase"): figures.axes,
    ("matplotlib", "Artist"): figures.artist,
}

# By the module of a package that nb2prod has written, and the name of the class there.
_OF_PACKAGES: dict[tuple[str, str], Look] = {
    ("capture", "CapturedOutput"): plain.captured_output,
    ("timing", "TimeitResult"): lambda _, value: incomparable(value, "it is how long code takes"),
}


def digest(value: Any, limits: Limits | None = None) -> Digest:
    """Return ``value`` written down as JSON, so that it can be compared when its process has ended.

    Never raises: what cannot be looked at is ``incomparable``, with the reason.
    """
    with silent_warnings():
        try:
            return Digester(limits or Limits(), plain.SIMPLE, _look_for).look(value)
        except Exception as error:
            return incomparable(value, f"looking at it raised {type(error).__name__}")


def digest_of_name(space: Any, name: str) -> Digest:
    """Return the digest of what a name stands for, or that it stands for nothing."""
    value = space.get(name, UNBOUND)
    return {"kind": "unbound"} if value is UNBOUND else digest(value)


def digest_figure(figure: Any, limits: Limits | None = None) -> Digest:
    """Return the axes, data and texts of a matplotlib figure, drawn, written down as ``digest`` does; no pixels."""
    with silent_warnings(), contextlib.suppress(Exception):  # one that cannot be drawn says so when it is shown
        figures.settle(figure)
    return digest(figure, limits)


@contextlib.contextmanager
def silent_warnings() -> Iterator[None]:
    """Print no warnings of this thread.

    Not ``warnings.catch_warnings``: leaving it makes every warning that was shown once be shown again.
    """
    thread = threading.get_ident()
    before = warnings._showwarnmsg  # type: ignore[attr-defined]  # noqa: SLF001

    def show(message: Any) -> None:
        if threading.get_ident() != thread:
            before(message)

    warnings._showwarnmsg = show  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        numpy = sys.modules.get("numpy")
        errstate = getattr(numpy, "errstate", None)
        with contextlib.nullcontext() if errstate is None else errstate(all="ignore"):
            yield
    finally:
        warnings._showwarnmsg = before  # type: ignore[attr-defined]  # noqa: SLF001


def _look_for(kind: type) -> Look:
    """Return how to look at values of a class. Classes only: asking an instance may run its code."""
    for base in kind.__mro__:
        found = _OF_LIBRARIES.get((root_of(base), base.__name__))
        if found is None and "." in base.__module__:
            found = _OF_PACKAGES.get((base.__module__.rpartition(".")[2], base.__name__))
        if found is not None:
            return found
    for bases, found in plain.OF_THE_LIBRARY:
        if issubclass(kind, bases):
            return found
    return objects.unknown


UNBOUND = object()
