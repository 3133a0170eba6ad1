"""Runs the checks of generated packages: the rules whose pages say ``about = "package"``."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.diagnostics import PACKAGE, Diagnostic
from nb2prod.errors import Nb2ProdError, UnreadableNotebookError
from nb2prod.generated import cell_digests, load_package, parsed_manifest, read_manifests
from nb2prod.lint_run import InternalError, LookedAt, Report, fails, internal_error, joined
from nb2prod.notebook.location import RawPosition, RawRange
from nb2prod.notebook.read import read_notebook
from nb2prod.project import Project
from nb2prod.records import NamedTuple
from nb2prod.selection import for_file, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from nb2prod.diagnostics import Finding, Rule
    from nb2prod.discovery import Discovered, Target
    from nb2prod.generated import GeneratedPackage
    from nb2prod.notebook.model import Notebook


class Looked(NamedTuple):
    """What looking at packages gave.

    report   the findings, sorted
    targets  every file of the packages that a finding can stand in, with the settings that hold for it
    """

    report: Report
    targets: tuple[Target, ...]


def lint_packages(found: Discovered, rules: Sequence[Rule], is_changed: Callable[[Path], bool] | None = None) -> Looked:
    """Look at the generated packages that were found, and hold them against their notebooks. Nothing is run.

    is_changed  whether a file differs from what it is compared with: findings without such a file are left out

    A package's notebook is looked for among those that were found, and in the folders above the package.
    What cannot be read, and a notebook that is nowhere, is a notice of the report.
    """
    reports: list[Report] = []
    targets: list[Target] = []
    for target in found.packages:
        report = _lint_package(target, found.targets, rules)
        if is_changed is not None:
            kept = tuple(each for each in report.diagnostics if any(map(is_changed, _files(each))))
            report = report._replace(diagnostics=kept, failed=any(each.failing for each in kept))
        reports.append(report)
        targets += [target._replace(path=Path(path)) for each in report.packages for path in each.files]
    return Looked(joined(reports), tuple(targets))


def _lint_package(target: Target, notebooks: Sequence[Target], rules: Sequence[Rule]) -> Report:
    folder = target.path.parent
    manifests = read_manifests(folder)
    if not manifests:
        return Report((), {}, (), (), failed=False, notices=tuple(_unusable(target.path)))
    notices: dict[str, None] = {}
    diagnostics: list[Diagnostic] = []
    errors: list[InternalError] = []
    files = [target.path]
    for manifest in manifests:
        notebook = _notebook_of(folder, manifest, notebooks)
        if notebook is None:
            name = manifest["notebook"].get("name")
            notices[f"package `{folder}`: its notebook {name} was not found, so nothing is said of changes in it"] = (
                None
            )
        package, unreadable = load_package(folder, manifest, notebook)
        unread = (f"`{path}` is no Python that can be read: nothing is known of what is in it" for path in unreadable)
        notices.update(dict.fromkeys(unread))
        files += sorted(folder / name for name in manifest["files"] if name.startswith("src/") and name.endswith(".py"))
        files += (Path(each.path) for each in package.steps.values())
        for rule in select(target.settings, rules):
            if rule.about == PACKAGE:
                found, failures = _findings(rule, package, target)
                errors += failures
                diagnostics += [_diagnostic(rule, each, target) for each in found]
    failed = any(each.failing for each in diagnostics)
    looked_at = (LookedAt(target.path, tuple(dict.fromkeys(files))),)
    return Report(tuple(diagnostics), {}, (), tuple(errors), failed, tuple(notices), looked_at)


def _findings(rule: Rule, package: GeneratedPackage, target: Target) -> tuple[list[Finding], list[InternalError]]:
    """Return what a rule finds in a package; a bug in one check must not hide the others."""
    try:
        check = import_module(f"nb2prod.checks.{rule.name.replace('-', '_')}").check
        results: list[Finding] = list(check(package))
    except Nb2ProdError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        return [], [internal_error(target, rule, error)]
    return [each for each in results if for_file([rule], each.location.path, target.settings)], []


def _files(diagnostic: Diagnostic) -> set[Path]:
    places = (diagnostic.location, *(each.location for each in diagnostic.finding.related))
    return {Path(each.path) for each in places}


def _unusable(manifest: Path) -> Iterator[str]:
    """Yield why a manifest cannot be used; nothing where the file is somebody else's."""
    try:
        data = parsed_manifest(manifest.read_bytes())
    except OSError as error:
        yield f"`{manifest}` cannot be read: {error.strerror}"
        return
    if data:
        yield f"`{manifest}` is of another version of nb2prod: its package is not looked at; convert it again"


def _notebook_of(folder: Path, manifest: Mapping[str, Any], notebooks: Sequence[Target]) -> Notebook | None:
    """Return the notebook that a package was made of; of several of its name the one with most of its cells."""
    name = str(manifest["notebook"].get("name"))
    checked = [target.path for target in notebooks if target.path.name == name]
    beside = [path for each in _folders(folder) if (path := each / name).is_file()]
    paths = {os.path.realpath(path): path for path in (*beside, *checked)}.values()
    cells = frozenset(manifest["notebook"].get("cells", ()))
    found: list[tuple[int, Notebook]] = []
    for path in paths:
        try:
            notebook = read_notebook(path)
        except UnreadableNotebookError:
            continue  # where it is checked it is a finding of its own
        found.append((len(cells.intersection(cell_digests(notebook))), notebook))
    return max(found, key=lambda each: each[0])[1] if found else None


def _folders(folder: Path) -> Iterator[Path]:
    """Yield the folder of a package, and those above it as far as the project around it goes."""
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links the user named
    root = Project.for_folder(absolute.parent).root
    here = Path.cwd()
    for each in (absolute, *absolute.parents):
        if each.is_relative_to(root):
            yield each.relative_to(here) if each.is_relative_to(here) else each


def _diagnostic(rule: Rule, finding: Finding, target: Target) -> Diagnostic:
    start, end = finding.location.range
    raw = RawRange(*(RawPosition(each.line, each.column, each.column, each.column) for each in (start, end)))
    diagnostic = Diagnostic(rule, finding, start, raw_range=raw, raw_related=(None,) * len(finding.related))
    return diagnostic._replace(failing=fails([diagnostic], target.settings))
