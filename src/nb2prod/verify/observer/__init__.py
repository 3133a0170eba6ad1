"""Observes a run from inside its process: digests of values, displayed values and figures, as JSON lines.

Standard library only, loaded by its path into a kernel or into the process of a package; it never imports
``nb2prod``, and its own modules only as ``from .module``. It runs on CPython 3.8 and later.

Observing changes nothing: no random number is drawn, nothing is printed, no value is changed, no library is
imported, no name appears in the notebook's namespace.

In a kernel, with ``silent=True`` and ``store_history=False``, before the first cell::

    import importlib.util as u, sys                                 # inside one exec(text, {}): leaves no names
    s = u.spec_from_file_location("_nb2prod_observer", PATH)
    m = sys.modules[s.name] = u.module_from_spec(s); s.loader.exec_module(m)
    m.install_in_kernel(points, recorder_path, seed, cells)         # both from nb2prod.verify.cells

In the package's process, before ``runpy.run_module(package, run_name="__main__", alter_sys=True)``::

    m.install_in_package(package, manifest, recorder_path, seed)

``looking`` and the modules below it write values down, ``digests`` knows which kind of value is looked at how;
``kernel`` and ``package`` are the two places observed from, ``recorder`` keeps what they see.

The file then has one event a line, flushed at once: ``value``, ``displayed``, ``figure``, ``started``,
``ended``, ``failure``, ``note``, ``environment``; ``nb2prod.verify.recorded`` reads it.

A digest is a dict with a ``kind``:

=============  =============================================================================================
none bool      ``value``
int float      ``value`` as text (``repr``; long integers in hexadecimal)
complex        ``real``, ``imag`` as text
str bytes      ``value`` (bytes in base64), or ``length``, ``sha256``, ``head`` where it is long
exact          ``type``, ``value``: text that must be the same (dates, decimals, functions, modules, …)
scalar         ``dtype``, ``value``: a NumPy scalar
array          ``type``, ``dtype``, ``shape``, and ``packed``, ``elements``, or ``fields``
sequence       ``type``, ``length``, ``elements``
set            ``type``, ``length``, ``items`` in an order of their own; ``elements`` of a large one
mapping        ``type``, ``length``, ``items``: pairs in the mapping's order
record         ``type``, ``fields``: what an object holds, by name
frame          ``type``, ``index``, ``columns`` (digests of indexes), ``data`` (a digest a column)
cycle          ``up``: the value is the one so many levels above
incomparable   ``type``, ``reason``
unbound        the name had no value
=============  =============================================================================================

``elements`` is ``{"items": [digest, …]}``, ``{"packed": …}`` (all floats, or all integers) or
``{"strings": [str, None, False for NaN, …]}``; where it is cut, ``sha256`` covers the rest.
``packed`` is ``{"dtype", "count", "data"}`` (base64, little-endian), or for many values ``sha256``,
``min``, ``max``, ``mean``, ``nan``, ``sample`` (positions and values), ``special`` (a hash of where NaN
and infinities are) and, for floats, ``blocks``: weighted sums over stretches, so that one changed or
moved element shows although small errors may be tolerated.
"""

from __future__ import annotations

from .digests import digest, digest_figure
from .generators import Generators
from .kernel import install_in_kernel
from .looking import Limits
from .package import install_in_package
from .recorder import Recorder
from .statements import cells_of, module_of, observed_names

__all__ = [
    "Generators", "Limits", "Recorder", "cells_of", "digest", "digest_figure", "install_in_kernel",
    "install_in_package", "module_of", "observed_names",
]  # fmt: skip
