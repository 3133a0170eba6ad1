"""The package's ``pyproject.toml``, written from data: no text of the notebook is pasted into it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nb2prod.convert.emit.prose import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.plan import Plan

RULES = ("E4", "E7", "E9", "F", "I", "B", "UP", "SIM")


def emit_pyproject(plan: Plan, ignores: Mapping[str, Mapping[str, Sequence[int]]]) -> str:
    """Return the text of ``pyproject.toml``.

    ignores  for each file with moved code the lint rules that code breaks, each with its cells
    """
    lines = [
        "[build-system]",
        'requires = ["hatchling>=1.24"]',
        'build-backend = "hatchling.build"',
        "",
        "[project]",
        f"name = {_text(plan.distribution)}",
        'version = "0.1.0"',
        f"description = {_text(f'{plan.notebook.path.name} as a pipeline')}",
        'readme = "README.md"',
        'requires-python = ">=3.11"',
        *_dependencies(plan),
        "",
        "[project.scripts]",
        f"{plan.distribution} = {_text(f'{plan.package}.cli:main')}",
        "",
        "[dependency-groups]",
        'dev = ["pytest>=8"]',
        "",
        *_wheel(plan),
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
        "",
        "[tool.ruff.lint]",
        f"select = [{', '.join(map(_text, RULES))}]",
        *_per_file(ignores),
    ]
    return "\n".join(lines) + "\n"


def _dependencies(plan: Plan) -> list[str]:
    if not plan.dependencies:
        return ["dependencies = []"]
    rows = [f"  {_text(each.requirement)}, # {' '.join(clean(each.reason).split())}" for each in plan.dependencies]
    return ["dependencies = [", *rows, "]"]


def _wheel(plan: Plan) -> list[str]:
    modules = dict.fromkeys(["src/" + plan.package])
    for file in plan.local_files:
        modules["/".join(local_target(file.target).split("/")[:2])] = None
    return [
        "[tool.hatch.build.targets.wheel]",
        f"only-include = [{', '.join(map(_text, modules))}]",
        'sources = ["src"]',
    ]


def local_target(target: str) -> str:
    """Return where a module taken along goes, from the package's own folder."""
    return target if target.startswith("src/") else f"src/{target}"


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
