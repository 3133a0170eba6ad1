"""Conversion as a function: a notebook's path in, a package out. Nothing of the notebook is run."""

from __future__ import annotations

import keyword
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.analysis import Analysis, analyse_notebook
from nb2prod.convert.emit.package import emit
from nb2prod.convert.emit.settings import refused_parameters
from nb2prod.convert.passes import make_plan
from nb2prod.convert.withheld import leaked
from nb2prod.errors import ConfigurationError, RefusedError, UnreadableNotebookError
from nb2prod.notebook.read import parse_notebook, read_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from nb2prod.convert.plan import Package, Plan


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a notebook: the plan that was followed and the package that came out."""

    plan: Plan
    package: Package


def convert_notebook(path: Path, name: str | None = None) -> Conversion:
    """Return the plan and the package for the notebook at ``path``; raises what ``nb2prod.convert.convert`` raises."""
    try:
        content = path.read_bytes()
    except OSError:
        read_notebook(path)  # it has the words for what is wrong
        raise UnreadableNotebookError(f"{path}: cannot be read") from None
    analysis = analyse_notebook(parse_notebook(content, path))
    if name is not None:
        check_name(name, analysis)
    plan = make_plan(analysis, name)
    refusals = (*plan.refusals, *refused_parameters(plan))
    if refusals:
        ordered = sorted(refusals, key=lambda each: (each.cell, each.line))
        raise RefusedError(tuple(dict.fromkeys(map(str, ordered))))
    package = emit(plan, analysis, path.parent, content)
    if leaks := leaked(plan, package.files):
        raise RefusedError(tuple(dict.fromkeys(map(str, leaks))))
    return Conversion(plan, package)


def check_name(name: str, analysis: Analysis) -> None:
    """Raise ConfigurationError where a package called ``name`` could not be imported, or would hide another."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise ConfigurationError(f"--name {name}: is no name of a Python package; use letters, digits and underscores")
    imported = {
        definition.qualified.partition(".")[0]
        for statement in analysis.statements()
        for definition in statement.definitions
        if definition.qualified
    }
    if name in sys.stdlib_module_names or name in imported:
        raise ConfigurationError(f"--name {name}: would hide the module {name} the notebook may import")
