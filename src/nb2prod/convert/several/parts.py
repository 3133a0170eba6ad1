"""The parts of a package of several notebooks: what each is called, and the plan for each."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.api import Draft, analyse_content, check_name, draft_plan, read_content, stopping
from nb2prod.convert.passes import free_name, module_name
from nb2prod.convert.several.layout import TAKEN
from nb2prod.convert.several.manifest import recorded_notebooks
from nb2prod.errors import ConfigurationError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Options, Plan


@dataclass(frozen=True, slots=True)
class Part:
    """A notebook of a package of several: ``name`` is its sub-package, and the command that runs it."""

    name: str
    draft: Draft

    @property
    def plan(self) -> Plan:
        """What becomes of the notebook."""
        return self.draft.plan

    @property
    def path(self) -> Path:
        """The notebook."""
        return Path(self.plan.notebook.path)


def plan_parts(paths: Sequence[Path], options: Options, *, output: Path | None = None) -> tuple[Part, ...]:
    """Return the parts of the package of these notebooks, in the order given, every refusal in their plans.

    output  the folder the package is going to: an earlier conversion of the same notebooks keeps its name

    Raises ConfigurationError where the notebooks, or the name that is asked for, cannot make a package, and
    UnreadableNotebookError.
    """
    _check_files(paths)
    contents = [read_content(path) for path in paths]
    analyses = [analyse_content(content, path, options) for content, path in zip(contents, paths, strict=True)]
    package = _package_name(paths, analyses, options, output)
    parts = []
    for name, analysis, content in zip(part_names(paths), analyses, contents, strict=True):
        draft = draft_plan(analysis, content, replace(options, name=f"{package}.{name}"), output=output)
        plan = replace(draft.plan, distribution=f"{package.replace('_', '-')} {name}")
        parts.append(Part(name, replace(draft, plan=plan)))
    return tuple(parts)


def check_convertible(parts: Sequence[Part]) -> None:
    """Raise RefusedError with every reason why one of the notebooks cannot be converted, each with its file."""
    reasons = [f"{part.path.name}: {reason}" for part in parts for reason in stopping(part.draft)]
    if reasons:
        raise RefusedError(tuple(reasons))


def part_names(paths: Sequence[Path]) -> list[str]:
    """Return a name for the part of each notebook: its file's, without a number in front where that is enough.

    No two are alike, and none is that of a module of the package or of the command that runs all.
    """
    full = [module_name(path.stem) or "notebook" for path in paths]
    short = [re.sub(r"^\d+_*", "", name) for name in full]
    number = Counter(short)
    names: list[str] = []
    for whole, without_number in zip(full, short, strict=True):
        name = without_number if without_number and number[without_number] == 1 else whole
        if name[0].isdigit() or name in TAKEN or keyword.iskeyword(name):
            name = f"notebook_{name}"
        twin = 2
        stem = name
        while name in names:
            name = f"{stem}_{twin}"
            twin += 1
        names.append(name)
    return names


def _check_files(paths: Sequence[Path]) -> None:
    """Raise ConfigurationError where one file name is given twice: manifest and verification go by it."""
    counted = Counter(path.name for path in paths)
    twice = next((name for name, count in counted.items() if count > 1), None)
    if twice is not None:
        same = len({path.resolve() for path in paths if path.name == twice}) == 1
        raise ConfigurationError(
            f"{twice}: is given twice"
            if same
            else f"{twice}: two notebooks of one package are called so; rename one of them"
        )


def _package_name(paths: Sequence[Path], analyses: Sequence[Analysis], options: Options, output: Path | None) -> str:
    if options.name is not None:
        check_name(options.name, analyses)
        return options.name
    recorded = recorded_notebooks(output) if output is not None else None
    if recorded is not None and set(recorded.names) == {path.name for path in paths}:
        return recorded.package
    folder = paths[0].absolute().parent if output is None else output.absolute()
    return free_name(folder.name, analyses, output)
