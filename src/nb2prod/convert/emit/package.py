"""The whole package: every file of it, built in memory from a plan."""

from __future__ import annotations

import ast
import posixpath
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import place_in_test_data
from nb2prod.convert.emit.command_line import emit_cli
from nb2prod.convert.emit.contract import emit_contract, emit_contract_tests
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.formatting import findings, formatted
from nb2prod.convert.emit.imports import sortable_imports
from nb2prod.convert.emit.inputs import missing_inputs
from nb2prod.convert.emit.modules import emit_modules
from nb2prod.convert.emit.names import check_names
from nb2prod.convert.emit.pipeline import emit_pipeline
from nb2prod.convert.emit.project import CONSTRAINTS, emit_constraints, emit_pyproject, local_target, project_of
from nb2prod.convert.emit.prose import docstring
from nb2prod.convert.emit.readme import emit_readme
from nb2prod.convert.emit.settings import emit_config
from nb2prod.convert.emit.stored_tests import stored_steps
from nb2prod.convert.emit.testing import emit_tests
from nb2prod.convert.expected_tests import expected_tests
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.manifest import manifest
from nb2prod.convert.plan import Package
from nb2prod.convert.withheld import shown_prose
from nb2prod.generated import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from nb2prod.analysis import Analysis
    from nb2prod.convert.expected_tests import ExpectedTests
    from nb2prod.convert.manifest import Provenance
    from nb2prod.convert.observation import Observation
    from nb2prod.convert.plan import Plan

# Names of variables that look like figures: ruff's E741.
_AMBIGUOUS = frozenset({"l", "O", "I"})


@dataclass(frozen=True, slots=True)
class Code:
    """The modules and tests of a package, and what README and ``pyproject.toml`` say of them.

    files     by path, data and local modules included
    ignores   for each file with moved code the lint rules that code breaks, each with its cells
    missing   why no test runs the whole pipeline; empty where one does
    expected  what the tests expect
    stored    the steps whose results are stored for the tests, and whether each is called by itself
    """

    files: dict[str, bytes]
    ignores: Mapping[str, Mapping[str, list[int]]]
    missing: list[str]
    expected: ExpectedTests
    stored: Mapping[str, bool]


def emit(
    plan: Plan, analysis: Analysis, folder: Path, provenance: Provenance, observation: Observation | None = None
) -> Package:
    """Return the package ``plan`` describes. Refused statements raise in their steps.

    folder      where the notebook is: the data files for the tests are read from there
    provenance  what README and manifest say the package was made of and by
    observation  what the steps did when the package ran; without one the tests know the saved outputs

    Raises EmissionError where something would be written that does not mean what the notebook means.
    """
    code = emit_code(plan, analysis, folder, observation)
    files = code.files
    files["pyproject.toml"] = emit_pyproject(project_of(plan), code.ignores).encode()
    if observation is not None and observation.versions:
        files[CONSTRAINTS] = emit_constraints(observation).encode()
    files["README.md"] = emit_readme(plan, provenance, code.missing, code.expected, code.stored).encode()
    files[FILE_NAME] = manifest(plan, analysis.statements(), provenance, files, observed=observation is not None)
    return Package(plan.package, dict(sorted(files.items())))


def emit_code(
    plan: Plan,
    analysis: Analysis,
    folder: Path,
    observation: Observation | None = None,
    arrange: Callable[[dict[str, str]], dict[str, str]] = dict,
) -> Code:
    """Return the modules and tests of the package ``plan`` describes; otherwise as ``emit``.

    arrange  gives the Python files, by path, their places in the package, before they are formatted
    """
    check_names(plan)
    suffice = observation is not None and observation.as_tested
    reasons = [f"cell {each.cell} is not converted" for each in plan.refusals]
    reasons += missing_inputs(plan, analysis, files_suffice=suffice)
    missing = [shown_prose(reason, plan.withheld) for reason in dict.fromkeys(reasons)]
    source = plan.source
    moved = {f"{source}/{name}.py": text for name, text in emit_modules(plan).items()}
    python = {
        f"{source}/__init__.py": "\n".join(docstring(f"{plan.notebook.path.name} as a pipeline.")) + "\n",
        f"{source}/__main__.py": MAIN,
        f"{source}/cli.py": emit_cli(plan),
        f"{source}/config.py": emit_config(plan),
        f"{source}/pipeline.py": emit_pipeline(
            plan, displays=_may_display(plan, analysis), has_widgets=_uses_output_widgets(plan)
        ),
        **moved,
    }
    expected = expected_tests(plan, analysis, observation, folder)
    tests = emit_tests(plan, expected, runs=not missing)
    python |= {path: text for path, text in tests.items() if path.endswith(".py")}
    if plan.contracts:
        python[f"{source}/contract.py"] = emit_contract(plan)
        python["tests/test_contract.py"] = emit_contract_tests(plan, runs=not missing)
    for name in _scaffold(plan, python.values()):
        python[f"{source}/{name}"] = _fixed(name)
    beside = [local_target(local.target) for local in plan.local_files]
    python = formatted(
        arrange(python),
        moved=tuple(moved),
        unsorted=() if sortable_imports(plan) else tuple(moved),
        verbatim=tuple(moved) if _reads_itself(plan) else (),
        beside=beside,
    )
    files = {path: text.encode() for path, text in tests.items() if not path.endswith(".py")}
    files |= {path: text.encode() for path, text in python.items()}
    found = findings({path: python[path] for path in moved}, beside)
    ignores = {path: _ignores(plan, python[path], found[path]) for path in moved}
    if cells := sorted({cell for step in plan.steps if _AMBIGUOUS & {*step.results} for cell in step.numbers}):
        ignores[f"{source}/pipeline.py"] = {"E741": cells}
    for local in plan.local_files:
        _add(files, local_target(local.target), local.content)
    place = place_in_test_data(folder, plan.data_files)
    for data in plan.data_files:
        _add(files, f"tests/data/{posixpath.normpath((place / data).as_posix())}", (folder / data).read_bytes())
    return Code(files, ignores, missing, expected, stored_steps(tests))


def _scaffold(plan: Plan, texts: Iterable[str]) -> list[str]:
    """Return the names of the fixed modules the package needs; ``texts`` are its other modules."""
    names = ["settings.py"]
    if plan.draws:
        names += ["figures.py", "backend.py"]
    if plan.draws or any("from .display import" in text for text in texts):
        names.append("display.py")
    if plan.uses_shell:
        names.append("shell.py")
    if plan.uses_capture:
        names.append("capture.py")
    if plan.uses_timing:
        names.append("timing.py")
    if plan.uses_doctest:
        names.append("doctests.py")
    if _uses_output_widgets(plan):
        names.append("widgets.py")
    return names


def _fixed(name: str) -> str:
    return resources.files("nb2prod.convert.scaffold").joinpath(name).read_text(encoding="utf-8")


def _add(files: dict[str, bytes], path: str, content: bytes) -> None:
    if path in files:
        msg = f"two files would be called {path}"
        raise EmissionError(msg)
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        msg = f"the file {path} would be outside of the package"
        raise EmissionError(msg)
    files[path] = content


def _uses_output_widgets(plan: Plan) -> bool:
    """Return whether the notebook has widgets that take the output of a block, and its exceptions."""
    nodes = [node for cell in plan.notebook.code_cells if cell.tree is not None for node in ast.walk(cell.tree)]
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.name for node in nodes if isinstance(node, ast.alias)}
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return "Output" in names and "ipywidgets" in names | modules


def _may_display(plan: Plan, analysis: Analysis) -> bool:
    """Return whether code imports what displays by itself, or a library nobody here knows: it may.

    That is the notebook's code and that of the modules it takes along.
    """
    trees: list[ast.AST] = [cell.tree for cell in plan.notebook.code_cells if cell.tree is not None]
    for file in plan.local_files:
        with suppress(SyntaxError, ValueError):  # taken along as it is: only running it can tell
            trees.append(ast.parse(file.content))
    imported: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.partition(".")[0])
    local = {local_target(file.target).split("/")[1].removesuffix(".py") for file in plan.local_files}
    unknown = imported - local - sys.stdlib_module_names
    return any(name in knowledge().displaying or analysis.libraries.library(name) is None for name in unknown)


def _reads_itself(plan: Plan) -> bool:
    """Return whether the code reads docstrings or sources, in which formatting changes white space."""
    nodes = [node for cell in plan.notebook.code_cells if cell.tree is not None for node in ast.walk(cell.tree)]
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.name for node in nodes if isinstance(node, ast.alias)}
    return not names.isdisjoint({"__doc__", "help", "inspect", "doctest", "docopt"})


def _ignores(plan: Plan, text: str, found: list[tuple[str, int]]) -> Mapping[str, list[int]]:
    """Return the lint rules that moved code breaks, each with the cells whose code breaks it."""
    cells: dict[str, set[int]] = {rule: set() for rule, _ in found}
    of_step = {step.name: step.numbers for step in plan.steps}
    of_step.update({each.name: (each.moved.statement.cell.number,) for each in plan.functions})
    imports = sorted({each.statement.cell.number for each in plan.imports if each.statement is not None})
    tree = ast.parse(text)
    for rule, line in found:
        node = next((each for each in tree.body if each.lineno <= line <= (each.end_lineno or each.lineno)), None)
        cells[rule].update(of_step.get(getattr(node, "name", ""), () if node is None else imports))
    return {rule: sorted(where) for rule, where in cells.items()}


MAIN = '''"""``python -m`` runs the pipeline, as the console script does."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
'''
