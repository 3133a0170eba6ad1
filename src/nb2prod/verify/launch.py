"""Runs a package as ``python -m`` does, observed. Executed by its path in the interpreter that has the libraries.

One argument: a JSON file with ``observer`` (path of its ``__init__.py``), ``package``, ``manifest``, ``recorder``,
``seed`` and ``arguments``. Standard library only, CPython 3.8 and later; never imports ``nb2prod``.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # The folder of this file holds modules that are none of the standard library's, whatever their names.
    del sys.path[0]

import importlib.util
import json
import runpy
from typing import Any


def main() -> None:
    """Install the observer and run the package; exceptions and exit codes are the package's."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - pathlib may not be loaded on its account
        settings = json.load(file)
    spec: Any = importlib.util.spec_from_file_location("_nb2prod_observer", settings["observer"])
    observer = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(observer)
    # As `python -m` has them.
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - the same
    sys.argv = [settings["package"], *settings["arguments"]]
    recorder = observer.install_in_package(
        settings["package"], settings["manifest"], settings["recorder"], settings["seed"]
    )
    try:
        runpy.run_module(settings["package"], run_name="__main__", alter_sys=True)
    finally:
        recorder.environment()


if __name__ == "__main__":
    main()
