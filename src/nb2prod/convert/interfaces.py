"""What groups of statements take from those before them and give to those behind: arguments and results."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from nb2prod.convert.lifetimes import Span, surely_binds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.grouping import Group
    from nb2prod.convert.late_imports import LateImports
    from nb2prod.convert.plan import Moved


class Interface(NamedTuple):
    """What a step takes, what it returns, and what it imports because no module of the package can."""

    arguments: tuple[str, ...]
    results: tuple[str, ...]
    imports: tuple[str, ...]


def interfaces_of(
    groups: Sequence[Group],
    given: Sequence[str],
    outside: set[str],
    wanted: frozenset[str],
    analysis: Analysis,
    *,
    late: LateImports | None = None,
) -> list[Interface]:
    """Return each group's interface; ``wanted`` are the names read after the last step.

    Live variables, backwards over the groups: a step takes what it reads and does not surely bind
    first, and what it may leave as it was; it returns what it binds and somebody reads later.
    What ``late`` can tell the import of is not handed on: a step that reads it imports it.
    """
    available = [set(given) - outside]
    for group in groups:
        available.append((available[-1] | (_made(group) - outside)) - _ended(group))
    order = _argument_order(groups, given)
    live = set(wanted)
    interfaces: list[Interface] = []
    for at, group in reversed(list(enumerate(groups))):
        before = available[at]
        read = _read(group, given, analysis)
        results = tuple(name for name in _in_order(group) if name in live and name not in outside)
        kept = {name: None for name in results if not _certainly(group, name)}
        taken = sorted((name for name in {**read, **kept} if name in before), key=order.__getitem__)
        texts = {name: late.texts(name, group, groups[:at]) if late is not None else () for name in taken}
        arguments = tuple(name for name in taken if not texts[name])
        imports = tuple(sorted({text for each in texts.values() for text in each}))
        interfaces.append(Interface(arguments, results, imports))
        live = (live - {name for name in results if _certainly(group, name)}) | set(arguments)
    interfaces.reverse()
    return interfaces


def _argument_order(groups: Sequence[Group], given: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return where each name stands among arguments: values as they are made, functions, then the configuration."""
    order = {name: (2, place) for place, name in enumerate(given)}
    for item in (item for group in groups for item in group.items):
        for definition in (*item.statement.definitions, *item.statement.global_writes):
            rank = int(definition.kind in ("function", "class"))
            if order.get(definition.name, (2, 0))[0] == 2:  # noqa: PLR2004 the configuration's rank
                order[definition.name] = (rank, len(order))
    return order


def _read(group: Group, given: Sequence[str], analysis: Analysis) -> dict[str, None]:
    """Return the names a group reads before it has surely bound them, in order of first use."""
    bound: set[str] = set()
    read: dict[str, None] = {}
    for item in group.items:
        statement = item.statement
        names = [use.name for use in statement.uses if use.exposed]
        read.update(
            dict.fromkeys(
                name for name in (*names, *_names_in_replacements(item, given, analysis)) if name not in bound
            )
        )
        for definition in statement.definitions:
            if definition.kind == "delete":
                bound.discard(definition.name)
            elif definition.certain and definition.kind != "mutate":
                bound.add(definition.name)
    return read


def _certainly(group: Group, name: str) -> bool:
    """Return whether a group binds ``name`` on every path, loops that never run included."""
    return any(
        definition.name == name and definition.certain and definition.kind not in ("mutate", "delete")
        for item in group.items
        if not item.guarded
        for definition in item.statement.definitions
    )


def _names_in_replacements(item: Moved, given: Sequence[str], analysis: Analysis) -> tuple[str, ...]:
    """Return the names that text of ours inside a statement reads (``f"ls {folder}"`` for ``!ls {folder}``)."""
    if not item.replacements:
        return ()
    known = {each.name for statement in analysis.flow.statements for each in statement.definitions} | {*given}
    names: dict[str, None] = {}
    for replacement in item.replacements:
        names.update(dict.fromkeys(replacement.names))
        try:
            tree = ast.parse(replacement.text.strip() or "0")
        except SyntaxError:
            continue  # a keyword or a fragment of ours: it reads no name
        names.update(dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in known))
    return tuple(names)


def _made(group: Group) -> set[str]:
    return set(_in_order(group))


def _in_order(group: Group) -> tuple[str, ...]:
    """Return the names a group binds and leaves bound, in order of first definition."""
    names: dict[str, None] = {}
    for item in group.items:
        for definition in (*item.statement.definitions, *item.statement.global_writes):
            if definition.kind not in ("mutate", "delete", "except", "star"):
                names[definition.name] = None
    return tuple(name for name in names if name not in _ended(group))


def _ended(group: Group) -> set[str]:
    ended: set[str] = set()
    for item in group.items:
        for definition in item.statement.definitions:
            if definition.kind == "delete" and definition.certain:
                ended.add(definition.name)
            elif definition.kind not in ("mutate", "delete", "except"):
                ended.discard(definition.name)
    return ended


def _surely(group: Group, name: str) -> bool:
    # A cell that may raise is skipped from there on.
    safe = [item for item in group.items if not item.guarded]
    return surely_binds([item.statement.node for item in safe], name) or any(
        definition.name == name and definition.kind == "magic"
        for item in safe
        for definition in item.statement.definitions
    )


def unsure_spans(groups: Sequence[Group], interfaces: Sequence[Interface]) -> list[Span]:
    """Return what must be joined because a step might have to return a name it never bound."""
    spans: list[Span] = []
    starts = [0]
    for group in groups:
        starts.append(starts[-1] + len(group.items))
    for at, (group, (arguments, results, _)) in enumerate(zip(groups, interfaces, strict=True)):
        for name in results:
            if name in arguments or _surely(group, name):
                continue
            readers = [later for later in range(at + 1, len(groups)) if name in interfaces[later].arguments]
            if readers:
                spans.append(Span(starts[at], starts[readers[-1]], f"{name} is bound on some paths only"))
    return spans
