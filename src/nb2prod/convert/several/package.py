"""The package of several notebooks: every file of it, built in memory from its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from nb2prod.convert.emit.formatting import findings, formatted
from nb2prod.convert.emit.package import Code, emit_code
from nb2prod.convert.emit.project import Project, emit_pyproject
from nb2prod.convert.manifest import Provenance, notebook_rows
from nb2prod.convert.plan import Dependency, Package
from nb2prod.convert.several.handovers import find_handovers, order_of
from nb2prod.convert.several.layout import SHARED, arrange, place
from nb2prod.convert.several.manifest import joint_manifest
from nb2prod.convert.several.modules import emit_joint_tests, emit_modules
from nb2prod.convert.several.parts import check_convertible
from nb2prod.convert.several.readme import emit_joint_readme
from nb2prod.convert.several.sharing import find_shared, without_shared
from nb2prod.convert.withheld import leaked
from nb2prod.errors import RefusedError
from nb2prod.generated import FILE_NAME, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.plan import LocalFile, Plan
    from nb2prod.convert.several.handovers import Handover
    from nb2prod.convert.several.parts import Part
    from nb2prod.convert.several.sharing import Shared


@dataclass(frozen=True, slots=True)
class Joint:
    """Several notebooks, planned as one package.

    plans      what is emitted for each part: what is shared is imported there
    shared     what several of them define alike
    handovers  files that one writes and others read
    order      the order in which all can be run; empty where none is certain
    """

    parts: tuple[Part, ...]
    plans: tuple[Plan, ...]
    shared: tuple[Shared, ...]
    handovers: tuple[Handover, ...]
    order: tuple[str, ...]

    @property
    def package(self) -> str:
        """The import name of the package."""
        return self.plans[0].root


def join_parts(parts: Sequence[Part]) -> Joint:
    """Return what the notebooks have together; refusals do not matter here."""
    plans = [part.plan for part in parts]
    shared = find_shared(plans)
    handovers = find_handovers(parts)
    emitted = tuple(without_shared(plan, at, shared) for at, plan in enumerate(plans))
    return Joint(tuple(parts), emitted, shared, handovers, _order(parts, handovers))


def make_joint_package(joint: Joint, provenances: Sequence[Provenance] | None = None) -> Package:
    """Return the package of several notebooks.

    provenances  what it says each notebook was, in their order, and who made it; None for the truth

    Raises RefusedError where one of the notebooks has refusals, where it would hold a credential, or where two of
    the notebooks need what cannot be had at once.
    """
    parts = joint.parts
    check_convertible(parts)
    provenances = provenances or [Provenance(digest(part.draft.content)) for part in parts]
    dependencies, local_files = _dependencies(parts), _local_files(parts)
    codes = [_emit_part(part, plan) for part, plan in zip(parts, joint.plans, strict=True)]
    files: dict[str, bytes] = {}
    for code in codes:
        files |= code.files
    # Test data from above a notebook's folder is not laid out for the others.
    apart = any(".." in file.parts for plan in joint.plans for file in plan.data_files)
    own = _formatted(joint, runs=not apart and not any(code.missing for code in codes))
    files |= {path: text.encode() for path, text in own.items()}
    ignores = {path: rules for code in codes for path, rules in code.ignores.items()}
    ignores |= _ignores(own, f"src/{joint.package}/{SHARED}.py", joint.shared)
    description = f"{', '.join(part.path.name for part in parts)} as pipelines"
    project = Project(joint.package, joint.package.replace("_", "-"), description, dependencies, local_files)
    files["pyproject.toml"] = emit_pyproject(project, ignores).encode()
    files["README.md"] = emit_joint_readme(joint, codes, provenances).encode()
    files[FILE_NAME] = _manifest(joint, provenances, files)
    reasons = [f"{part.path.name}: {each}" for part in parts for each in leaked(part.plan, files)]
    if reasons:
        raise RefusedError(tuple(dict.fromkeys(reasons)))
    not_converted = tuple(f"{part.path.name}: {each}" for part in parts for each in part.plan.refusals)
    return Package(joint.package, dict(sorted(files.items())), not_converted)


def _emit_part(part: Part, plan: Plan) -> Code:
    """Return the files of a part at their places in the package."""
    code = emit_code(plan, part.draft.analysis, part.path.parent, arrange=partial(arrange, plan))
    files = {path if path.endswith(".py") else place(path, plan): content for path, content in code.files.items()}
    return replace(code, files=files)


def _formatted(joint: Joint, *, runs: bool) -> dict[str, str]:
    modules = emit_modules(joint.parts, joint.shared, joint.order)
    texts = modules | emit_joint_tests(joint.parts, joint.shared, joint.order, runs=runs)
    return formatted(texts, moved=[path for path in modules if path.endswith(f"/{SHARED}.py")])


def _ignores(texts: Mapping[str, str], path: str, shared: Sequence[Shared]) -> dict[str, dict[str, list[int]]]:
    """Return the lint rules that shared definitions break, with the cells of the first notebook that has them."""
    if path not in texts:
        return {}
    cells = sorted({each.function.moved.statement.cell.index for each in shared})
    return {path: {rule: cells for rule, _ in findings({path: texts[path]})[path]}}


def _order(parts: Sequence[Part], handovers: Sequence[Handover]) -> tuple[str, ...]:
    """Return the order in which all commands can be run in one folder; empty where there is none that is certain."""
    folders = {part.path.absolute().parent for part in parts}
    return order_of([part.name for part in parts], handovers) if len(folders) == 1 else ()


def _dependencies(parts: Sequence[Part]) -> tuple[Dependency, ...]:
    """Return what any part needs, each distribution once; what asks for versions counts more than what does not.

    Raises RefusedError where two notebooks ask for different versions of a distribution.
    """
    found: dict[str, tuple[str, Dependency]] = {}
    reasons: dict[str, list[str]] = {}
    clashes = []
    for part in parts:
        for each in part.plan.dependencies:
            key = canonicalize_name(Requirement(each.requirement).name)
            reasons.setdefault(key, []).append(f"{part.path.name}: {each.reason}")
            known = found.get(key)
            if known is None or _is_bare(known[1].requirement):
                found[key] = (part.path.name, each)
            elif not _is_bare(each.requirement) and each.requirement != known[1].requirement:
                clashes.append(
                    f"{known[0]} asks for {known[1].requirement} and {part.path.name} for {each.requirement}; "
                    "ask for the same in both"
                )
    if clashes:
        raise RefusedError(tuple(clashes))
    return tuple(Dependency(found[key][1].requirement, "; ".join(reasons[key])) for key in sorted(found))


def _is_bare(requirement: str) -> bool:
    return re.fullmatch(r"[\w.-]+", requirement) is not None


def _local_files(parts: Sequence[Part]) -> tuple[LocalFile, ...]:
    """Return the modules taken along, each once; raises RefusedError where two have one name and differ."""
    found: dict[str, tuple[str, LocalFile]] = {}
    clashes = []
    for part in parts:
        for each in part.plan.local_files:
            name, known = found.setdefault(each.target, (part.path.name, each))
            if known.content != each.content:
                clashes.append(
                    f"{name} and {part.path.name} import two modules called {each.target.removeprefix('src/')}; "
                    "rename one of them"
                )
    if clashes:
        raise RefusedError(tuple(clashes))
    return tuple(each for _, each in (found[target] for target in sorted(found)))


def _manifest(joint: Joint, provenances: Sequence[Provenance], files: Mapping[str, bytes]) -> bytes:
    # Of each notebook as it was planned: a shared definition has its place among the notebook's own.
    rows = [
        notebook_rows(part.plan, part.draft.analysis.statements(), each)
        for part, each in zip(joint.parts, provenances, strict=True)
    ]
    names = [part.name for part in joint.parts]
    also = {
        "shared": [
            {"name": each.function.name, "parts": [names[at] for at in sorted(each.plans)]} for each in joint.shared
        ],
        "passed": [{"file": each.file, "written_by": each.writer, "read_by": each.readers} for each in joint.handovers],
        "order": joint.order,
    }
    return joint_manifest(joint.package, provenances[0].generator, rows, also, files)
