"""The package's ``pyproject.toml`` and ``constraints.txt``, written from data: no text is pasted into them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.emit.prose import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.observation import Observation
    from nb2prod.convert.plan import Dependency, LocalFile, Plan

CONSTRAINTS = "constraints.txt"
RULES = ("E4", "E7", "E9", "F", "I", "B", "UP", "SIM")


@dataclass(frozen=True, slots=True)
class Project:
    """What ``pyproject.toml`` says of a package; fields as in the plan.

    description  one line
    """

    package: str
    distribution: str
    description: str
    dependencies: tuple[Dependency, ...]
    local_files: tuple[LocalFile, ...]


def project_of(plan: Plan) -> Project:
    """Return what ``pyproject.toml`` says of the package of one notebook."""
    description = f"{plan.notebook.path.name} as a pipeline"
    return Project(plan.package, plan.distribution, description, plan.dependencies, plan.local_files)


def emit_pyproject(project: Project, ignores: Mapping[str, Mapping[str, Sequence[int]]]) -> str:
    """Return the text of ``pyproject.toml``.

    ignores  for each file with moved code the lint rules that code breaks, each with its cells
    """
    lines = [
        "[build-system]",
        'requires = ["hatchling>=1.24"]',
        'build-backend = "hatchling.build"',
        "",
        "[project]",
        f"name = {_text(project.distribution)}",
        'version = "0.1.0"',
        f"description = {_text(project.description)}",
        'readme = "README.md"',
        'requires-python = ">=3.11"',
        *_dependencies(project),
        "",
        "[project.scripts]",
        f"{project.distribution} = {_text(f'{project.package}.cli:main')}",
        "",
        "[dependency-groups]",
        'dev = ["pytest>=8"]',
        "",
        *_wheel(project),
        "",
        "[tool.pytest.ini_options]",
        'testpaths = ["tests"]',
        'pythonpath = ["src"]',
        'addopts = ["--strict-markers"]',
        'markers = ["untested: calls the code and expects nothing of what it returns"]',
        "",
        "[tool.ruff]",
        "line-length = 120",
        'src = ["src"]',
        *_as_they_were(project),
        "",
        "[tool.ruff.lint]",
        f"select = [{', '.join(map(_text, RULES))}]",
        *_per_file(ignores),
    ]
    return "\n".join(lines) + "\n"


def emit_constraints(observation: Observation) -> str:
    """Return the text of ``constraints.txt``: what the package was seen to do the same as its notebook with."""
    head = f"# The package did the same as its notebook with these, on Python {observation.python}."
    return "\n".join([head, *(f"{name}=={version}" for name, version in observation.versions.items())]) + "\n"


def _dependencies(project: Project) -> list[str]:
    if not project.dependencies:
        return ["dependencies = []"]
    rows = [f"  {_text(each.requirement)}, # {' '.join(clean(each.reason).split())}" for each in project.dependencies]
    return ["dependencies = [", *rows, "]"]


def _wheel(project: Project) -> list[str]:
    modules = dict.fromkeys(["src/" + project.package])
    for file in project.local_files:
        modules["/".join(local_target(file.target).split("/")[:2])] = None
    return [
        "[tool.hatch.build.targets.wheel]",
        f"only-include = [{', '.join(map(_text, modules))}]",
        'sources = ["src"]',
    ]


def local_target(target: str) -> str:
    """Return where a module taken along goes, from the package's own folder."""
    return target if target.startswith("src/") else f"src/{target}"


def _as_they_were(project: Project) -> list[str]:
    """Return the line that keeps ruff off the files that stand beside the notebook and were taken along unchanged."""
    files = [local_target(file.target) for file in project.local_files if file.target.endswith(".py")]
    return [f"extend-exclude = [{', '.join(map(_text, [*files, 'tests/data']))}]"] if files else []


def _per_file(ignores: Mapping[str, Mapping[str, Sequence[int]]]) -> list[str]:
    files = {path: rules for path, rules in ignores.items() if rules}
    if not files:
        return []
    lines = ["", "[tool.ruff.lint.per-file-ignores]"]
    for path, rules in files.items():
        lines.append(f"{_text(path)} = [")
        for rule, cells in sorted(rules.items()):
            where = f"cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, cells))}" if cells else "import order"
            lines.append(f"  {_text(rule)}, # {where}")
        lines.append("]")
    return lines


def _text(value: str) -> str:
    """Return a TOML basic string; JSON escapes what TOML escapes, save the delete character ``clean`` removes."""
    return json.dumps(clean(value), ensure_ascii=False)
