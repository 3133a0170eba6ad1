"""The cell dependency graph: what it says, and how it is printed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from notebooks import analysis_of

from nb2prod.cli import CLEAN, USAGE, run
from nb2prod.report.graph import Edge, Graph, dependency_graph, render_dot, render_json, render_mermaid

if TYPE_CHECKING:
    from pathlib import Path


def graph_of(*cells: str, counts: tuple[int, ...] = ()) -> Graph:
    """Return the graph of a notebook; a cell that starts with ``# `` is markdown."""
    return dependency_graph(analysis_of(*cells, counts=counts, markdown="# "))


def test_an_edge_leads_from_where_a_value_is_made_to_where_it_is_read() -> None:
    graph = graph_of("a = 1\nb = 2", "c = a + b", "print(c)")
    assert graph.edges == (Edge(1, 2, ("a", "b"), "value", "both"), Edge(2, 3, ("c",), "value", "both"))


def test_an_overwritten_value_makes_no_edge() -> None:
    assert [edge.source for edge in graph_of("a = 1", "a = 2", "print(a)").edges] == [2]


def test_a_change_in_place_is_an_edge_of_its_own_kind() -> None:
    graph = graph_of("xs = []", "xs.append(1)", "print(xs)")
    assert Edge(2, 3, ("xs",), "changes", "both") in graph.edges
    assert "cell2 -.->" in render_mermaid(graph)
    assert "style=dashed" in render_dot(graph)


def test_a_value_from_another_cell_than_a_clean_run_would_take_is_marked() -> None:
    graph = graph_of("a = 1", "print(a)", "a = 2", counts=(1, 3, 2))
    assert graph.edges == (
        Edge(1, 2, ("a",), "value", "written only"),
        Edge(3, 2, ("a",), "value", "recorded only"),
    )
    assert 'cell3 ==>|"only in the saved run#58; a"| cell2' in render_mermaid(graph)
    assert "linkStyle 0,1 stroke:#c00" in render_mermaid(graph)
    assert render_dot(graph).count("fontcolor=red") == 2


def test_without_counts_nothing_is_hidden() -> None:
    graph = graph_of("print(a)", "a = 2", "print(a)")
    assert not graph.recorded
    assert {edge.state for edge in graph.edges} == {"both"}


def test_imports_are_told_as_data_and_not_drawn() -> None:
    graph = graph_of("import math", "r = math.pi", "print(r)")
    assert Edge(1, 2, ("math",), "import", "both") in graph.edges
    assert "cell1" not in render_mermaid(graph)
    assert "cell1" not in render_dot(graph)


def test_a_function_defined_in_one_cell_reads_what_another_made() -> None:
    graph = graph_of("def f():\n    return rate", "rate = 2", "f()")
    assert Edge(2, 1, ("rate",), "value", "both") in graph.edges


def test_cells_are_numbered_as_everywhere_and_grouped_by_heading() -> None:
    graph = graph_of('# Load [it] "now"', "a = 1", "# Use", "print(a)")
    assert [(node.cell, node.section) for node in graph.nodes] == [(2, 'Load [it] "now"'), (4, "Use")]
    assert 'subgraph section1["Load #91;it#93; #34;now#34;"]' in render_mermaid(graph)
    assert 'label="Load [it] \\"now\\""' in render_dot(graph)


def test_no_text_of_a_cell_is_printed() -> None:
    graph = graph_of('token = "hunter2hunter2"\nopen("/secret/place")', "print(token)")
    for text in (render_mermaid(graph), render_dot(graph), render_json(graph)):
        assert "hunter2" not in text
        assert "secret" not in text


def test_many_names_are_counted() -> None:
    graph = graph_of("a = b = c = d = e = f = 1", "print(a, b, c, d, e, f)")
    assert "a, b, c, d and 2 more" in render_dot(graph)
    assert json.loads(render_json(graph))["edges"][0]["names"] == list("abcdef")


@pytest.mark.parametrize("output_format", ["mermaid", "dot", "json"])
def test_every_story_is_drawn(output_format: str, fixtures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebooks = sorted(fixtures.glob("cases/*/notebook.ipynb"))
    assert notebooks
    for notebook in notebooks:
        assert run(["graph", str(notebook), "--format", output_format]) == CLEAN
        text = capsys.readouterr().out
        if output_format == "json":
            assert json.loads(text)["version"] == 1
        elif output_format == "dot":
            assert text.count("{") == text.count("}")
        else:
            # Each line is of a known form, labels hold no quotes or brackets of their own.
            label = r'"(?:[\w \-.,=()…]|#\d+;|<br/>)*"'
            forms = rf"flowchart TD|    subgraph \w+\[{label}\]|    end| +cell\d+\[{label}\]"
            forms += rf"|    cell\d+ (?:==>|-->|-\.->)\|{label}\| cell\d+|    linkStyle [\d,]+ stroke:#c00,color:#c00"
            assert [line for line in text.splitlines() if not re.fullmatch(forms, line)] == []


def test_a_notebook_in_another_language_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "n.ipynb"
    metadata = {"kernelspec": {"language": "R", "name": "ir"}}
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": []}), encoding="utf-8"
    )
    assert run(["graph", str(path)]) == USAGE
    assert "only Python" in capsys.readouterr().err
