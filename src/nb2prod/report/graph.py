"""The cell dependency graph of a notebook, as data and as Mermaid, DOT or JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nb2prod.analysis import written_name
from nb2prod.notebook.model import CodeCell, MarkdownCell
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Statement

# An edge of the written order only, of the recorded order only, or of both.
State = Literal["both", "written only", "recorded only"]

Kind = Literal["value", "changes", "import"]

VERSION = 1
_WIDTH = 32
_NAMES = 4
_HEADING = lazy_pattern(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Node:
    """A code cell: its number among all cells, its saved count, what it does, the heading above it.

    Of what it does only names are told, never its text: a graph is pasted elsewhere, a secret must not be.
    """

    cell: int
    count: int | None
    text: str
    section: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A value that goes from one cell to another.

    names    what is read in ``target`` and was given its value in ``source``
    kind     ``changes``: ``source`` only changes these objects in place; ``import``: they are imported
    state    whether it is so from top to bottom, in the order of the saved run, or in both
    """

    source: int
    target: int
    names: tuple[str, ...]
    kind: Kind
    state: State


@dataclass(frozen=True, slots=True)
class Graph:
    """Which cell gives which cell its values.

    recorded  whether the saved counts told an order; if not, every edge is of both
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    recorded: bool


def dependency_graph(analysis: Analysis) -> Graph:
    """Return the graph of a notebook: nodes and edges in document order."""
    written = _links(analysis.flow)
    recorded = written if analysis.recorded is None else _links(analysis.recorded)
    grouped: dict[tuple[int, int, Kind, State], list[str]] = {}
    for link in sorted(written | recorded):
        source, target, kind, name = link
        state: State = "both" if link in written & recorded else "written only" if link in written else "recorded only"
        grouped.setdefault((source, target, kind, state), []).append(name)
    edges = (Edge(key[0], key[1], tuple(names), key[2], key[3]) for key, names in sorted(grouped.items()))
    return Graph(tuple(_nodes(analysis)), tuple(edges), analysis.recorded is not None)


def _links(flow: Flow) -> set[tuple[int, int, Kind, str]]:
    """Return (source cell, target cell, kind, name) of every value that crosses cells."""
    found: set[tuple[int, int, Kind, str]] = set()
    kinds: dict[str, Kind] = {"mutate": "changes", "import": "import"}
    # ``plt.show()`` is a method call as any; that it changes the module is no news.
    modules = {each.name for statement in flow.statements for each in statement.definitions if each.kind == "import"}
    for statement in flow.order:
        for use in statement.uses:
            for definition in flow.reaching(use):
                kind = kinds.get(definition.kind, "value")
                if definition.cell.index != use.cell.index and not (kind == "changes" and use.name in modules):
                    found.add((definition.cell.index, use.cell.index, kind, use.name))
    # Whoever takes the value from a cell takes the cell's changes of it, too.
    return {link for link in found if not (link[2] == "changes" and (*link[:2], "value", link[3]) in found)}


def _nodes(analysis: Analysis) -> Iterable[Node]:
    section = ""
    statements: dict[int, list[Statement]] = {}
    for statement in analysis.statements():
        statements.setdefault(statement.cell.index, []).append(statement)
    for cell in analysis.notebook.cells:
        if isinstance(cell, MarkdownCell):
            headings = _HEADING.findall(cell.source)
            section = headings[-1] if headings else section
        elif isinstance(cell, CodeCell) and cell.source.strip():
            yield Node(cell.index, cell.execution_count, _does(cell, statements.get(cell.index, [])), section)


def _does(cell: CodeCell, statements: list[Statement]) -> str:
    """Return the names a cell binds, else those it imports, changes or calls, else its magics."""
    definitions = [each for statement in statements for each in statement.definitions]
    bound = [each.name for each in definitions if each.kind not in ("import", "mutate", "delete", "star", "except")]
    if bound:
        return ", ".join(dict.fromkeys(bound))
    imported = [each.qualified or each.name for each in definitions if each.kind in ("import", "star")]
    if imported:
        return f"import {', '.join(dict.fromkeys(imported))}"
    called = [f"{written_name(call.func)}()" for statement in statements for call, _ in statement.calls]
    return ", ".join(dict.fromkeys(called or [magic.name for magic in cell.magics]))


def _shown(graph: Graph) -> tuple[Mapping[str, list[Node]], list[Edge]]:
    """Return what is drawn, nodes by section: imports all cells share hide the rest, lone cells say nothing."""
    edges = [edge for edge in graph.edges if edge.kind != "import" or edge.state != "both"]
    joined = {end for edge in edges for end in (edge.source, edge.target)}
    sections: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.cell in joined:
            sections.setdefault(node.section, []).append(node)
    return sections, edges


def _short(text: str) -> str:
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean if len(clean) <= _WIDTH else clean[: _WIDTH - 1] + "…"


def _title(node: Node) -> str:
    count = "" if node.count is None else f" [{node.count}]"
    return f"cell {node.cell}{count}"


def _names(edge: Edge) -> str:
    shown = [_short(name) for name in edge.names[:_NAMES]]
    more = len(edge.names) - len(shown)
    mark = {"both": "", "written only": "only top to bottom: ", "recorded only": "only in the saved run: "}[edge.state]
    return mark + ", ".join(shown) + (f" and {more} more" if more else "")


def _mermaid_text(text: str) -> str:
    """Escape for a quoted Mermaid label: what is no letter, digit or space is given by its number."""
    return "".join(
        character if character.isalnum() or character in " _-.,=()…" else f"#{ord(character)};" for character in text
    )


def render_mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart; changes in place are dotted, hidden state is thick and red."""
    lines = ["flowchart TD"]
    sections, edges = _shown(graph)
    for number, (section, nodes) in enumerate(sections.items(), 1):
        indent = "    "
        if section:
            lines.append(f'    subgraph section{number}["{_mermaid_text(_short(section))}"]')
            indent *= 2
        lines += [
            f'{indent}cell{node.cell}["{_mermaid_text(_title(node))}<br/>{_mermaid_text(_short(node.text))}"]'
            for node in nodes
        ]
        if section:
            lines.append("    end")
    hidden = []
    for number, edge in enumerate(edges):
        # A thick arrow cannot be dotted as well; that an order is hidden weighs more.
        arrow = "==>" if edge.state != "both" else "-.->" if edge.kind == "changes" else "-->"
        lines.append(f'    cell{edge.source} {arrow}|"{_mermaid_text(_names(edge))}"| cell{edge.target}')
        if edge.state != "both":
            hidden.append(str(number))
    if hidden:
        lines.append(f"    linkStyle {','.join(hidden)} stroke:#c00,color:#c00")
    return "\n".join(lines) + "\n"


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def render_dot(graph: Graph) -> str:
    """Return the graph for Graphviz; changes in place are dashed, hidden state is thick and red."""
    lines = ["digraph notebook {", '    node [shape=box, fontname="monospace"];', '    edge [fontname="monospace"];']
    sections, edges = _shown(graph)
    for number, (section, nodes) in enumerate(sections.items(), 1):
        if section:
            lines.append(f'    subgraph cluster_{number} {{ label="{_dot_text(_short(section))}";')
        lines += [
            f'    cell{node.cell} [label="{_dot_text(_title(node))}\\n{_dot_text(_short(node.text))}"];'
            for node in nodes
        ]
        if section:
            lines.append("    }")
    for edge in edges:
        style = ", style=dashed" if edge.kind == "changes" else ""
        color = "" if edge.state == "both" else ", color=red, fontcolor=red, penwidth=2"
        lines.append(f'    cell{edge.source} -> cell{edge.target} [label="{_dot_text(_names(edge))}"{style}{color}];')
    return "\n".join([*lines, "}"]) + "\n"


def render_json(graph: Graph) -> str:
    """Return the whole graph as JSON: every code cell, every name."""
    whole = {
        "version": VERSION,
        "recorded": graph.recorded,
        "cells": [
            {"cell": node.cell, "execution_count": node.count, "text": node.text, "section": node.section}
            for node in graph.nodes
        ],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "names": list(edge.names),
                "kind": edge.kind,
                "order": edge.state,
            }
            for edge in graph.edges
        ],
    }
    return json.dumps(whole, indent=2) + "\n"
