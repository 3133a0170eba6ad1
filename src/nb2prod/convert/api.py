"""Conversion as a function: a notebook's path in, a package out. Nothing of the notebook is run."""

from __future__ import annotations

import keyword
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.analysis import Analysis, analyse_notebook
from nb2prod.convert.contracts import observed_contracts
from nb2prod.convert.dependencies import with_display
from nb2prod.convert.displayed_before import name_displayed_values
from nb2prod.convert.emit.package import emit
from nb2prod.convert.emit.settings import refused_parameters
from nb2prod.convert.file_of_module import settle_file_of_module
from nb2prod.convert.included import include_runs
from nb2prod.convert.kernel_calls import answer_kernel_calls
from nb2prod.convert.main_guards import open_main_guards
from nb2prod.convert.manifest import Provenance, recorded_package
from nb2prod.convert.namespace_reads import name_global_items
from nb2prod.convert.partial import give_broken_cells_a_statement, unplaced
from nb2prod.convert.passes import make_plan
from nb2prod.convert.plan import DEFAULTS
from nb2prod.convert.run_notes import label_of, run_notes
from nb2prod.convert.withheld import leaked
from nb2prod.errors import ConfigurationError, RefusedError, UnreadableNotebookError
from nb2prod.generated import digest
from nb2prod.notebook.read import parse_notebook, read_notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.observation import Observation
    from nb2prod.convert.plan import Options, Package, Plan


# What each makes of a notebook the next one is given. The guards first: what they hold is looked at by all of them.
_REWRITES = (
    open_main_guards, answer_kernel_calls, name_displayed_values, name_global_items, settle_file_of_module
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """A notebook read and planned, refusals and all; no file is made yet.

    content  the notebook's file
    """

    plan: Plan
    analysis: Analysis
    content: bytes


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a notebook: the plan that was followed and the package that came out."""

    plan: Plan
    package: Package


def convert_notebook(
    path: Path,
    options: Options = DEFAULTS,
    *,
    output: Path | None = None,
    content: bytes | None = None,
    observation: Observation | None = None,
) -> Conversion:
    """Return the plan and the package for the notebook at ``path``.

    output   the folder the package is going to: an earlier conversion there keeps its name
    content  the notebook's file, where it is not to be read from ``path``
    observation  what the steps did when the package ran, for the tests

    Raises what ``nb2prod.convert`` raises.
    """
    draft = plan_notebook(path, options, output=output, content=content)
    return Conversion(draft.plan, make_package(draft, observation=observation))


def plan_notebook(path: Path, options: Options, *, output: Path | None = None, content: bytes | None = None) -> Draft:
    """Return the plan for the notebook at ``path``, with every refusal in it; as ``convert_notebook`` otherwise."""
    if content is None:
        content = read_content(path)
    analysis = analyse_content(content, path, options)
    if options.name is not None:
        check_name(options.name, [analysis])
    elif output is not None and (recorded := recorded_package(output, path.name)):
        options = replace(options, name=recorded)
    return draft_plan(analysis, content, options, output=output)


def analyse_content(content: bytes, path: Path, options: Options) -> Analysis:
    """Return the analysis of a notebook's file, with a statement for each cell that is to be refused by itself."""
    notebook = include_runs(parse_notebook(content, path))
    analysis = analyse_notebook(give_broken_cells_a_statement(notebook) if options.partial else notebook)
    for rewrite in _REWRITES:
        rewritten = rewrite(analysis)
        if rewritten is not analysis.notebook:
            analysis = analyse_notebook(rewritten)
    return analysis


def draft_plan(analysis: Analysis, content: bytes, options: Options, *, output: Path | None = None) -> Draft:
    """Return the plan for a notebook that was analysed, with every refusal in it."""
    plan = make_plan(analysis, options, output=output)
    parameters = (replace(each, whole=True) for each in refused_parameters(plan))
    refusals = dict.fromkeys((*plan.refusals, *parameters))
    plan = replace(plan, refusals=tuple(sorted(refusals, key=lambda each: (each.cell, each.line))))
    return Draft(_placed(plan), analysis, content)


def _placed(plan: Plan) -> Plan:
    """Return the plan with its refusals placed in the files that are run, and a note for each such file."""
    notebook = plan.notebook
    if not notebook.included:
        return plan
    refusals = tuple(replace(each, place=label_of(notebook, each.cell, each.line)) for each in plan.refusals)
    return replace(plan, refusals=refusals, notes=(*plan.notes, *run_notes(notebook)))


def make_package(draft: Draft, provenance: Provenance | None = None, observation: Observation | None = None) -> Package:
    """Return the package of a draft; raises RefusedError where it has refusals, or would hold a credential.

    With ``--partial`` only refusals count that no step can raise in their place.

    provenance  what the package says it was made of and by; None for the truth
    """
    plan = draft.plan
    if refusals := stopping(draft):
        raise RefusedError(refusals)
    if observation is not None:
        plan = observed_contracts(plan, draft.analysis, observation.inputs)
        if observation.displays:
            plan = replace(plan, dependencies=with_display(plan.dependencies))
    provenance = provenance or Provenance(digest(draft.content))
    package = emit(plan, draft.analysis, Path(plan.notebook.path).parent, provenance, observation)
    if leaks := leaked(plan, package.files):
        raise RefusedError(tuple(dict.fromkeys(map(str, leaks))))
    return replace(package, not_converted=tuple(map(str, plan.refusals)))


def stopping(draft: Draft) -> tuple[str, ...]:
    """Return the refusals that stop the conversion, each once: all, or with ``--partial`` what no step can raise."""
    plan = draft.plan
    refusals = unplaced(plan, draft.analysis.statements()) if plan.options.partial else plan.refusals
    return tuple(dict.fromkeys(map(str, refusals)))


def read_content(path: Path) -> bytes:
    """Return the bytes of a notebook's file; raises UnreadableNotebookError with a sentence that says why not."""
    try:
        return path.read_bytes()
    except OSError:
        read_notebook(path)  # it has the words for what is wrong
        raise UnreadableNotebookError(f"{path}: cannot be read") from None


def check_name(name: str, analyses: Sequence[Analysis]) -> None:
    """Raise ConfigurationError where a package called ``name`` could not be imported, or would hide another."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise ConfigurationError(f"--name {name}: is no name of a Python package; use letters, digits and underscores")
    imported = {
        definition.qualified.partition(".")[0]
        for analysis in analyses
        for statement in analysis.statements()
        for definition in statement.definitions
        if definition.qualified
    }
    if name in sys.stdlib_module_names or name in imported:
        raise ConfigurationError(f"--name {name}: would hide the module {name} the notebook may import")
