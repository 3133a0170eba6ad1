"""undeclared-dependency: the notebook imports a distribution that no file of its project declares."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nb2prod.checks._installing import declaring
from nb2prod.declarations import normalised
from nb2prod.diagnostics import Finding, Severity
from nb2prod.imports import imports_in, known_modules, named_like
from nb2prod.installs import install_lines
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterator, Mapping

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

# The same modules under another name: a build for another machine, conda's name, the old name.
_VARIANT = lazy_pattern(
    r"-(?:headless|contrib|gpu|cpu|binary|base|core|nightly|python|intel|macos|rocm|cu\d+|ce|lite)\b"
)
_ALIKE = {"torch": "pytorch", "tables": "pytables", "graphviz": "python-graphviz", "kaleido": "python-kaleido"}
# One word of these declares the usual libraries of the trade.
_COLLECTIONS = frozenset({"anaconda"})
_BRINGS_MODULES = lazy_pattern(r"git\s+clone|sys\.path|site\.addsitedir|\bcd\s|PYTHONPATH|addPyFile|%run|%load|exec\(")
_FILE = lazy_pattern(r"(\w+)(?:/__init__)?\.py\b")


class _Needed(NamedTuple):
    """A distribution that an import needs, and whether its name is only taken to be the module's."""

    distribution: str
    module: str
    cell: CodeCell
    node: ast.AST
    guessed: bool


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one note where the project declares nothing at all, else each cell that first imports what it lacks."""
    project = analysis.project
    if project is None or analysis.notebook.language != "python":
        return
    needed = _needed(analysis, project.modules_above())
    if not needed:
        return
    installed, certain = _installed(analysis)
    declared = project.declared()
    names = declared.names | installed
    lacking = [each for each in needed.values() if not _is_declared(each, names)]
    if not declared.files:
        # What nobody knows is needed all the same, whether it is a distribution or a file that was not kept.
        if lacking:
            known = sorted(lacking, key=lambda each: each.guessed)
            listed = _listed([each.distribution for each in known], most=6)
            yield Finding(
                lacking[0].cell.locate(lacking[0].node),
                f"no file declares what this notebook needs: {listed}; "
                "list them with their versions in requirements.txt or pyproject.toml",
                severity=Severity.NOTE,
            )
    elif declared.complete and certain and not names & _COLLECTIONS:
        yield from _missing(analysis, lacking, declared.files[0].name)


def _needed(analysis: Analysis, local: Collection[str]) -> Mapping[str, _Needed]:
    """Return what the notebook imports from distributions, at the first import of each."""
    found: dict[str, _Needed] = {}
    known = known_modules()
    written = {name for cell in analysis.notebook.code_cells if cell.magics and ".py" in cell.source
               for name in _FILE.findall(cell.source)}  # fmt: skip
    nobodys = (sys.stdlib_module_names, known.former, known.kernel, known.homemade, written, local)
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or "import" not in cell.source:
            continue
        modules = [each for each in imports_in(cell.tree) if not each.guarded]
        for module in sorted(modules, key=lambda each: each.node.lineno):
            name = module.name.partition(".")[0]
            if any(name in names for names in nobodys):
                continue
            distribution = analysis.libraries.distribution(module.name)
            name = distribution or named_like(module.name)
            needed = _Needed(name, module.name.partition(".")[0], cell, module.node, distribution is None)
            found.setdefault(normalised(name), needed)
    return found


def _installed(analysis: Analysis) -> tuple[frozenset[str], bool]:
    """Return what the notebook itself installs, normalised, and whether that is all there can be."""
    names: set[str] = set()
    certain = True
    for line in install_lines(analysis):
        names.update(normalised(name) for name in line.installation.names)
        certain = certain and not line.installation.files
        certain = certain and not any(word.startswith((".", "/", "{", "$")) for word in line.installation.words)
    names |= {normalised(analysis.libraries.distribution(name) or name) for name in list(names)}
    return frozenset(names), certain


def _is_declared(needed: _Needed, names: Collection[str]) -> bool:
    name = normalised(needed.distribution)
    if name in names or normalised(needed.module) in names or _ALIKE.get(name) in names:
        return True
    if any(_VARIANT.sub("", each) == _VARIANT.sub("", name) for each in names):
        return True
    # The name is a guess: `docx` is python-docx, `foo` may be foo-lib.
    return needed.guessed and any(normalised(needed.module) in each for each in names)


def _missing(analysis: Analysis, lacking: list[_Needed], file: str) -> Iterator[Finding]:
    """Yield one finding for each cell; a module that may be made by the notebook's own doing is left out."""
    if any(_BRINGS_MODULES.search(cell.source) for cell in analysis.notebook.code_cells):
        lacking = [each for each in lacking if not each.guessed]
    for cell in dict.fromkeys(each.cell.index for each in lacking):
        here = [each for each in lacking if each.cell.index == cell]
        sure = [each for each in here if not each.guessed]
        shown = sure or here
        listed = _listed([each.distribution for each in shown], most=4)
        if sure:
            message = (
                f"imports {listed}, which `{file}` does not declare; add {'it' if len(sure) == 1 else 'them'} there"
            )
        else:
            message = f"imports {listed}: no module of this project, and `{file}` declares nothing of that name"
        severity = None if sure else Severity.NOTE
        fix = declaring(analysis, [each.distribution for each in sure]) if sure else None
        yield Finding(shown[0].cell.locate(shown[0].node), message, fix=fix, severity=severity)


def _listed(names: list[str], most: int) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
