"""The passes of a conversion, in order, and the plan they start from. The order is the design."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.annotations import annotate_steps
from nb2prod.convert.class_names import keep_names_of_classes
from nb2prod.convert.contracts import add_contracts
from nb2prod.convert.cut import cut_steps
from nb2prod.convert.data_files import find_data_files
from nb2prod.convert.definitions import hoist_definitions
from nb2prod.convert.dependencies import infer_dependencies
from nb2prod.convert.displays import close_figures, show_values
from nb2prod.convert.exploration import drop_exploration
from nb2prod.convert.field_names import name_fields
from nb2prod.convert.free_variables import lift_functions
from nb2prod.convert.function_settings import ask_for_constants
from nb2prod.convert.imports import hoist_imports
from nb2prod.convert.lift import lift_absolute_paths, lift_secrets
from nb2prod.convert.lift_values import lift_values
from nb2prod.convert.local_modules import find_local_modules
from nb2prod.convert.meaning import keep_globals, keep_main, keep_shadowed_builtins
from nb2prod.convert.modules import place_in_modules
from nb2prod.convert.namespace import settle_membership
from nb2prod.convert.namespace_reads import give_namespaces
from nb2prod.convert.output_files import find_output_files
from nb2prod.convert.parameters import lift_parameters
from nb2prod.convert.partial import refused_statements, statements_meant
from nb2prod.convert.plan import DEFAULTS, MOST_TEST_DATA, Moved, Pass, Plan, Step, map_moved
from nb2prod.convert.refusals import refuse_unknowable
from nb2prod.convert.restarts import drop_restarts
from nb2prod.convert.results import collect_results
from nb2prod.convert.search_paths import drop_search_paths
from nb2prod.convert.slicing import slice_plan
from nb2prod.convert.stars import keep_builtins_above_stars
from nb2prod.convert.step_names import name_steps
from nb2prod.convert.test_runs import run_own_tests
from nb2prod.convert.translate import translate_magics
from nb2prod.convert.withheld import withhold_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Options, Refusal


def take_local_modules(plan: Plan, _analysis: Analysis) -> Plan:
    """Take along the modules that stand beside the notebook and that it imports."""
    return replace(plan, local_files=find_local_modules(Path(plan.notebook.path), plan.notebook))


def infer_needs(plan: Plan, analysis: Analysis) -> Plan:
    """Find the distributions the package needs, the small data files its tests can have and the files it writes."""
    folder = Path(plan.notebook.path).parent
    return replace(
        plan,
        dependencies=infer_dependencies(plan.notebook, plan.local_files, analysis.libraries, folder),
        data_files=find_data_files(
            plan.notebook, folder, plan.local_files, plan.options.max_test_data or MOST_TEST_DATA
        ),
        output_files=find_output_files(plan, analysis),
        uses_pandas=any("pandas" in _imported_roots(each.text) for each in plan.imports)
        or any(b"import pandas" in file.content or b"from pandas" in file.content for file in plan.local_files),
    )


PASSES: tuple[Pass, ...] = (
    refuse_unknowable,
    take_local_modules,
    translate_magics,
    drop_restarts,
    settle_membership,
    give_namespaces,
    run_own_tests,
    # Before the parameters cell, whose literals become defaults: none of these may be one.
    lift_secrets,
    lift_absolute_paths,
    lift_parameters,
    keep_main,
    drop_search_paths,
    drop_exploration,
    # Before the imports, which it keeps from reaching up.
    keep_builtins_above_stars,
    hoist_imports,
    hoist_definitions,
    # After the definitions, which keep the constants they read beside them.
    lift_values,
    name_fields,
    # After the values, which the configuration gives to every function.
    lift_functions,
    cut_steps,
    keep_globals,
    keep_shadowed_builtins,
    keep_names_of_classes,
    show_values,
    close_figures,
    name_steps,
    annotate_steps,
    collect_results,
    # After the names, which annotations and results have settled.
    place_in_modules,
    infer_needs,
    # After the data files, which say what the columns hold.
    add_contracts,
    withhold_texts,
)


# File names that say nothing about what a notebook does: its folder's name says more.
_SAYING_NOTHING = frozenset({"notebook", "untitled", "main", "index"})


def make_plan(analysis: Analysis, options: Options = DEFAULTS, *, output: Path | None = None) -> Plan:
    """Return the plan for a whole notebook; what cannot be kept stands in ``plan.refusals``.

    A package name that is not given comes from the notebook's file name, and collides with no standard
    module, no dependency and nothing beside the notebook but ``output``, where the package is going.
    """
    notebook = analysis.notebook
    package = options.name or package_name(analysis, output)
    steps = tuple(
        Step("", None, "", (), (), tuple(Moved(each) for each in analysis.flow.statements if each.cell is cell))
        for cell in notebook.code_cells
    )
    plan = Plan(
        notebook, package, package.replace("_", "-"), steps=tuple(step for step in steps if step.items), options=options
    )
    done = _passed(plan, analysis)
    if options.only:
        plan = slice_plan(plan, done, analysis)
        done = _passed(plan, analysis)
        done = replace(done, refusals=tuple(each for each in done.refusals if _concerns(each, done, analysis)))
    raised: dict[int, str] = {}
    # What is refused is known only after the passes; they may refuse more where it is left out of them.
    while options.partial and (refused := refused_statements(done.refusals, analysis.statements())) != raised:
        raised = refused
        again = _passed(_raising(plan, raised), analysis)
        refusals = (each for each in again.refusals if _concerns(each, done, analysis))
        done = replace(again, refusals=(*done.refusals, *refusals))
    ordered = sorted(dict.fromkeys(done.refusals), key=lambda refusal: (refusal.cell, refusal.line))
    return replace(done, refusals=tuple(ordered))


def _concerns(refusal: Refusal, plan: Plan, analysis: Analysis) -> bool:
    """Return whether a refusal is about something that has not been sliced away."""
    meant = statements_meant(refusal, analysis.statements())
    return refusal.whole or not meant or any(each.index not in plan.sliced for each in meant)


def _raising(plan: Plan, raised: Mapping[int, str]) -> Plan:
    return replace(
        plan, steps=map_moved(plan, lambda item: replace(item, refused=raised.get(item.statement.index, "")))
    )


def _passed(plan: Plan, analysis: Analysis) -> Plan:
    return ask_for_constants(plan, _passed_once(plan, analysis), partial(_passed_once, analysis=analysis))


def _passed_once(plan: Plan, analysis: Analysis) -> Plan:
    for each in PASSES:
        plan = each(plan, analysis)
    return plan


def package_name(analysis: Analysis, output: Path | None = None) -> str:
    """Return an import name for the notebook's package that shadows nothing it could import; see ``make_plan``."""
    path = Path(analysis.notebook.path)
    says_nothing = path.stem.lower() in _SAYING_NOTHING and path.absolute().parent.name
    return free_name(path.absolute().parent.name if says_nothing else path.stem, [analysis], output)


def free_name(wanted: str, analyses: Sequence[Analysis], output: Path | None = None) -> str:
    """Return an import name like ``wanted`` for a package of these notebooks; see ``package_name``."""
    stem = module_name(wanted) or "notebook"
    if stem[0].isdigit():
        stem = f"notebook_{stem}"
    taken = {*sys.stdlib_module_names, *keyword.kwlist, "tests", "test", "src", "nb2prod"}
    for analysis in analyses:
        for statement in analysis.flow.statements:
            for definition in statement.definitions:
                if definition.qualified:
                    taken.add(definition.qualified.partition(".")[0])
        path = Path(analysis.notebook.path)
        if path.parent.is_dir():
            own = {path.resolve(), None if output is None else output.resolve()}
            taken.update(each.name.partition(".")[0] for each in path.parent.iterdir() if each.resolve() not in own)
    taken.discard("")
    name, suffixes = stem, iter(("_pipeline", "_package", *(f"_{number}" for number in range(2, 1000))))
    while name in taken or any(analysis.libraries.library(name) is not None for analysis in analyses):
        name = stem + next(suffixes)
    return name


def module_name(text: str) -> str:
    """Return text as a module can be called, underscores for the rest; it may be empty, or start with a digit."""
    words = re.sub(r"\W+", "_", text.lower().encode("ascii", "ignore").decode())
    return re.sub(r"__+", "_", words.strip("_"))


def _imported_roots(text: str) -> set[str]:
    return {found.partition(".")[0] for found in re.findall(r"(?:^|\n)\s*(?:import|from)\s+([\w.]+)", text)}
