"""The README of a package of several notebooks: its commands, what goes from one to the next, then each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.prose import code, table_cell
from nb2prod.convert.emit.readme import emit_part_of_readme
from nb2prod.convert.several.layout import ALL, SHARED
from nb2prod.convert.several.modules import what_it_does

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.emit.package import Code
    from nb2prod.convert.manifest import Provenance
    from nb2prod.convert.several.handovers import Handover
    from nb2prod.convert.several.package import Joint
    from nb2prod.convert.several.parts import Part
    from nb2prod.convert.several.sharing import Shared


def emit_joint_readme(joint: Joint, codes: Sequence[Code], provenances: Sequence[Provenance]) -> str:
    """Return the text of ``README.md``; ``codes`` and ``provenances`` are those of the parts, in their order."""
    parts, order = joint.parts, joint.order
    about = [
        emit_part_of_readme(plan, each.missing, each.expected, each.stored)
        for plan, each in zip(joint.plans, codes, strict=True)
    ]
    sections = [
        f"# {joint.package.replace('_', '-')}",
        f"{_listed([code(part.path.name) for part in parts])} as one package, a command for each.",
        _run(parts, order),
        _files(joint.handovers, order, [part.name for part in parts]),
        _shared(joint.package, parts, joint.shared),
        *about,
        _provenance(parts, provenances),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _run(parts: Sequence[Part], order: Sequence[str]) -> str:
    package = parts[0].plan.root
    distribution = package.replace("_", "-")
    rows = [f"| `{distribution} {part.name}` | {table_cell(what_it_does(part))} |" for part in parts]
    if order:
        rows.append(f"| `{distribution} {ALL}` | {', then '.join(f'`{name}`' for name in order)} |")
    return "\n".join(
        [
            "## Run",
            "",
            "```console",
            "pip install .",
            f"{distribution} --help",
            *(f"{distribution} {part.name}" for part in parts),
            "```",
            "",
            "| command | what it runs |",
            "|---|---|",
            *rows,
            "",
            f"`python -m {package} {parts[0].name}` is the same, and so is `python -m {package}.{parts[0].name}`.",
            f"`{distribution} {parts[0].name} --help` lists what that command can be told.",
        ]
    )


def _files(handovers: Sequence[Handover], order: Sequence[str], names: Sequence[str]) -> str:
    if not handovers:
        return ""
    rows = []
    for each in handovers:
        fields = ", ".join(f"`{field}` of `{name}`" for name, field in each.fields) or "none"
        readers = ", ".join(f"`{name}`" for name in each.readers)
        rows.append(f"| {table_cell(code(each.file))} | `{each.writer}` | {readers} | {fields} |")
    if order:
        said = (
            f"So the order is {', then '.join(f'`{name}`' for name in order)}: `{ALL}` runs them so, each in a process"
        )
        said += "\nof its own, and stops at the first that fails."
    else:
        said = f"These files alone do not say in which order all {len(names)} commands have to run."
    return "\n".join(
        [
            "## Files from one command to the next",
            "",
            "| file | written by | read by | fields that name it |",
            "|---|---|---|---|",
            *rows,
            "",
            said,
            "Where several fields name one file they have the same default: set them together.",
        ]
    )


def _shared(package: str, parts: Sequence[Part], shared: Sequence[Shared]) -> str:
    if not shared:
        return ""
    rows = [
        f"| `{each.function.name}` | {_listed([code(parts[at].path.name) for at in sorted(each.plans)])} |"
        for each in shared
    ]
    head = f"`{package}.{SHARED}` has what several of the notebooks define alike:"
    return "\n".join(["## Shared", "", head, "", "| definition | notebooks |", "|---|---|", *rows])


def _provenance(parts: Sequence[Part], provenances: Sequence[Provenance]) -> str:
    rows = [f"| {code(part.path.name)} | `{each.notebook}` |" for part, each in zip(parts, provenances, strict=True)]
    return "\n".join(
        [
            "## Provenance",
            "",
            f"Converted by {provenances[0].generator}.",
            "",
            "| notebook | SHA-256 |",
            "|---|---|",
            *rows,
            "",
            "`conversion.json` says for every statement of each notebook where it went.",
        ]
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
