"""Definitions, uses and what reaches what, on small notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from notebooks import notebook_of

from nb2prod.dataflow.flow import Flow, Order, analyse, collect_statements
from nb2prod.dataflow.unbound import unbound_names

if TYPE_CHECKING:
    from nb2prod.dataflow.model import Use


def flow_of(*cells: str, counts: tuple[int | None, ...] = (), order: Order = Order.WRITTEN) -> Flow:
    """Return the flow of a notebook with these code cells."""
    return analyse(collect_statements(notebook_of(*cells, counts=counts)), order)


def definitions(source: str) -> list[tuple[str, str, bool]]:
    """Return (name, kind, certain) of each definition of a one-cell notebook."""
    return [
        (each.name, each.kind, each.certain)
        for statement in flow_of(source).statements
        for each in statement.definitions
    ]


def unbound(*cells: str) -> list[str]:
    """Return the names nothing defines."""
    notebook = notebook_of(*cells)
    return [each.name for each in unbound_names(notebook, analyse(collect_statements(notebook)))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1", [("x", "assign", True)]),
        ("x: int = 1", [("x", "assign", True)]),
        ("x: int", []),
        ("a, (b, *c) = v", [("a", "assign", True), ("b", "assign", True), ("c", "assign", True)]),
        ("x += 1", [("x", "augment", True)]),
        ("import a.b", [("a", "import", True)]),
        ("import a.b as c", [("c", "import", True)]),
        ("from m import n as o", [("o", "import", True)]),
        ("from m import *", [("*", "star", False)]),
        ("def f(): y = 1", [("f", "function", True)]),
        ("class C:\n    z = 1", [("C", "class", True)]),
        ("for i in r:\n    t = i", [("i", "loop", False), ("t", "assign", False)]),
        ("with o() as f:\n    d = 1", [("f", "with", True), ("d", "assign", True)]),
        ("if p:\n    x = 1", [("x", "assign", False)]),
        ("if p:\n    x = 1\nelse:\n    x = 2", [("x", "assign", True), ("x", "assign", True)]),
        ("if p:\n    x = 1\nelse:\n    raise E", [("x", "assign", True)]),
        ("try:\n    x = 1\nexcept E:\n    pass", [("x", "assign", False)]),
        ("try:\n    x = 1\nexcept E:\n    x = 2", [("x", "assign", True), ("x", "assign", True)]),
        ("try:\n    x = 1\nfinally:\n    y = 2", [("x", "assign", True), ("y", "assign", True)]),
        ("while True:\n    x = 1\n    break", [("x", "assign", True)]),
        ("match v:\n    case [a, *b]:\n        pass\n    case _:\n        a = 1", [
            ("a", "assign", True), ("b", "assign", False), ("a", "assign", True)]),
        ("print(y := 1)", [("y", "assign", True)]),
        ("p and (y := 1)", [("y", "assign", False)]),
        ("[y := i for i in r]", [("y", "assign", False)]),
        ("del x", [("x", "delete", True)]),
        ("d['k'] = 1", [("d", "mutate", False)]),
        ("o.a.b = 1", [("o", "mutate", False)]),
        ("xs.append(1)", [("xs", "mutate", False)]),
        ("y = xs.pop()", [("xs", "mutate", False), ("y", "assign", True)]),
        ("model.fit(X)", [("model", "mutate", False)]),
        ("try:\n    f()\nexcept E as e:\n    print(e)", [("e", "except", False), ("e", "delete", False)]),
    ],
)  # fmt: skip
def test_each_binding_form_is_a_definition_of_its_kind(source: str, expected: list[tuple[str, str, bool]]) -> None:
    assert definitions(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "[i for i in range(3)]",
        "f = lambda a, *b, **c: (a, b, c)",
        "def f(a, b=1):\n    c = a\n    return lambda: c",
        "class C:\n    a = 1\n    b = a\n    def m(self):\n        return self",
        "try:\n    1\nexcept ValueError as e:\n    print(e)",
        "print(__name__, display, get_ipython, _, Out)",
        "def f():\n    return late\nlate = 1\nf()",
        "import numpy.random\nnumpy.random.rand()",
        "x: 'Later' = 1",
        "{k: v for k, v in {}.items() if k}",
        "with open('f') as f, open(f.name) as g:\n    g",
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n    return inner",
        "def f():\n    global g\n    g = 1\nf()\nprint(g)",
        "from m import *\nanything()",
        "t = 1\nprint('a > @t')",
    ],
)
def test_what_is_bound_in_some_scope_is_not_undefined(source: str) -> None:
    assert unbound(source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("print(x)", ["x"]),
        ("x = x + 1", ["x"]),
        ("del x\n", ["x"]),
        ("class C:\n    a = 1\n    def m(self):\n        return a", ["a"]),
        ("class C:\n    a = 1\n    b = [a for _ in range(3)]", ["a"]),
        ("[i for i in range(3)]\nprint(i)", ["i"]),
        ("try:\n    1\nexcept ValueError as e:\n    pass\nprint(e)", ["e"]),
        ("def f():\n    return nowhere\nf()", ["nowhere"]),
        ("f(k=1)", ["f"]),
        ("x = 1\ndel x\nprint(x)", ["x"]),
    ],
)
def test_what_no_scope_binds_is_undefined(source: str, expected: list[str]) -> None:
    assert unbound(source) == expected


def test_a_function_reads_what_a_global_holds_when_it_is_called() -> None:
    flow = flow_of("def f():\n    return rate", "rate = 1\na = f()", "rate = 2", "b = f()")
    (read,) = (use for use in flow.statements[0].uses if use.name == "rate")
    assert [each.statement for each in flow.reaching(read)] == [1, 3]


def test_a_function_never_called_before_a_rebinding_does_not_read_the_old_value() -> None:
    flow = flow_of("rate = 1\ndef f():\n    return rate", "rate = 2\nf()")
    (read,) = (use for use in flow.statements[1].uses if use.name == "rate")
    assert [each.statement for each in flow.reaching(read)] == [2]


def test_a_change_in_place_adds_to_what_reaches_and_kills_nothing() -> None:
    flow = flow_of("xs = []", "xs.append(1)", "print(xs)")
    (use,) = (use for use in flow.statements[2].uses if use.name == "xs")
    assert [each.kind for each in flow.reaching(use)] == ["assign", "mutate"]


def test_a_certain_definition_kills_and_an_uncertain_one_does_not() -> None:
    flow = flow_of("x = 1", "if p:\n    x = 2", "print(x)", "x = 3", "print(x)")
    first = next(use for use in flow.statements[2].uses if use.name == "x")
    second = next(use for use in flow.statements[4].uses if use.name == "x")
    assert [each.statement for each in flow.reaching(first)] == [0, 1]
    assert [each.statement for each in flow.reaching(second)] == [3]


def test_a_name_bound_on_one_branch_only_may_be_unbound() -> None:
    flow = flow_of("p = 0\nif p:\n    x = 1", "print(x)")
    (use,) = (use for use in flow.statements[2].uses if use.name == "x")
    assert flow.maybe_unbound(use)
    assert flow.reaching(use) != ()


def test_recorded_order_takes_cells_by_count_and_leaves_out_what_never_ran() -> None:
    flow = flow_of("x = 1", "y = x", "z = 0", counts=(5, 2, None), order=Order.RECORDED)
    assert [statement.index for statement in flow.order] == [1, 0]
    (use,) = flow.statements[1].uses
    assert flow.reaching(use) == ()


def test_live_after_is_what_later_statements_may_read() -> None:
    flow = flow_of("a = 1\nb = 2\nc = 3", "c = 4\nprint(a, c)")
    assert flow.live_after(flow.statements[2]) == {"a", "print"}


def test_the_last_expression_is_displayed_unless_a_semicolon_ends_it() -> None:
    shown = [statement.displayed for statement in flow_of("a\nb", "c;", "d  # note", "e;  # note", "x = 1").statements]
    assert shown == [False, True, False, True, False, False]


def test_magics_bind_what_they_bind() -> None:
    assert unbound("%%capture out\nprint(1)", "files = !ls", "%time z = 3", "print(out, files, z)") == []


def test_names_inside_formulas_and_queries_are_reads_that_may_be_columns() -> None:
    cells = ("limit = 3\ndf = 1", "df.query('age > @limit and size < 3')", "ols('y ~ np.log(x)', df)\nnp = 1")
    flow = flow_of(*cells)
    assert "limit" in {use.name for use in flow.statements[2].uses}
    assert {"y", "np", "x"} <= {use.name for use in flow.statements[3].uses}
    assert unbound(*cells) == ["ols"]


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("df.query('age > @limit')", {"limit"}),
        ("df.query(expr=\"age > @limit and town == @here['a']\")", {"limit", "here"}),
        ("df.query(f'{column} > @limit')", {"column", "limit"}),
        ("df.query('age > @limit and ' + rest)", {"limit", "rest"}),
        ("df.eval('b = a * @scale')", {"scale"}),
        ("eval('limit + 1')", {"limit"}),
        ("smf.ols(formula='y ~ scale(x)', data=df)", {"scale"}),
        ("dmatrix('0 + scale(x)', df)", {"scale"}),
        (
            "print(f'{limit:{width}.{digits}f} {scale!r} {(lambda: here)()}')",
            {"limit", "width", "digits", "scale", "here"},
        ),
    ],
)
def test_names_read_inside_strings_are_reached_and_live(cell: str, read: set[str]) -> None:
    names = sorted(read)
    flow = flow_of(f"import pandas as pd\ndf = smf = 1\n{' = '.join(names)} = 2", cell)
    uses = {use.name: use for use in flow.statements[-1].uses}
    assert [each.name for name in names for each in flow.reaching(uses[name])] == names
    assert read <= flow.live_after(flow.statements[-2])


@pytest.mark.parametrize(
    "cell",
    [
        "%run helpers.py", "%load helpers.py\n%store -r", "%pylab inline", "from helpers import *", "exec(text)",
        "globals()['found'] = 1", "locals().update(values)", "vars()['found'] = 1",
        "get_ipython().run_line_magic('run', 'helpers.py')", "get_ipython().push({'found': 1})",
    ],
)  # fmt: skip
def test_after_what_may_bind_any_name_nothing_is_surely_undefined(cell: str) -> None:
    before = "text = values = 1"
    assert unbound(before, cell, "print(found)") == []
    assert unbound(before, "print(found)", cell) == ["found"]


@pytest.mark.parametrize(
    "cell",
    [
        "%time found = 1", "%prun found = 1", "%%time\nfound = 1", "%%capture found\nprint(1)", "found = !ls",
        "found = %sx ls", "found = %timeit -o sum([1])", "%%sql found <<\nSELECT 1", "%store -r found",
        "%%bash --out found\nls", "%%script bash --err found\nls", "%macro found 1-3",
    ],
)  # fmt: skip
def test_a_magic_that_binds_a_name_defines_it(cell: str) -> None:
    flow, (use,) = reads("found", cell, "print(found)")
    assert [each.name for each in flow.reaching(use)] == ["found"]
    assert not flow.maybe_unbound(use)


def test_a_measured_cell_binds_nothing() -> None:
    assert unbound("%%timeit\nx = 1", "print(x)") == ["x"]


def test_after_a_magic_that_runs_another_file_nothing_is_surely_undefined() -> None:
    assert unbound("%run helpers.py", "print(anything)") == []


def reads(name: str, *cells: str) -> tuple[Flow, list[Use]]:
    """Return the flow and the uses of ``name`` in it."""
    flow = flow_of(*cells)
    return flow, [use for statement in flow.statements for use in statement.uses if use.name == name]


def test_a_name_a_class_body_may_not_have_bound_is_read_from_the_module() -> None:
    _, found = reads("x", "class C:\n    if p:\n        x = 1\n    print(x)")
    assert len(found) == 1
    _, found = reads("x", "def f():\n    x = 1\n    class C:\n        x = x\n        print(x)")
    assert len(found) == 1


def test_code_after_an_endless_loop_with_a_break_in_a_function_is_seen() -> None:
    _, found = reads("x", "def f():\n    while True:\n        if p:\n            break\n    return x")
    assert len(found) == 1


def test_a_function_bound_to_a_second_name_may_run_at_any_time() -> None:
    flow, (read,) = reads("rate", "rate = 1\ndef f():\n    return rate", "g = f", "rate = 2", "g()")
    assert [each.statement for each in flow.reaching(read)] == [0, 3]


def test_a_method_reads_what_a_global_holds_at_any_time_after_the_instance_is_made() -> None:
    flow, (read,) = reads(
        "rate", "class C:\n    def m(self):\n        return rate\nc = C()", "rate = 1\nc.m()", "rate = 2"
    )
    assert [each.statement for each in flow.reaching(read)] == [2, 4]


def test_a_lambda_handed_to_a_call_reads_the_value_from_before_the_statement() -> None:
    flow, (read,) = reads("rate", "rate = 1", "rate = max([1], key=lambda x: x * rate)")
    assert [each.statement for each in flow.reaching(read)] == [0]


def test_a_function_called_in_a_branch_reads_what_the_branch_binds_before() -> None:
    flow, found = reads("x", "def f():\n    return x", "x = 1", "if p:\n    x = 2\n    f()")
    assert [each.statement for each in flow.reaching(found[0])] == [1, 2]


def test_a_walrus_in_a_comprehension_reaches_reads_earlier_in_it() -> None:
    flow, found = reads("x", "x = 0", "[(x, x := i) for i in range(3)]")
    assert [each.statement for each in flow.reaching(found[0])] == [0, 1]


def test_what_stands_in_a_with_that_swallows_errors_is_not_certain() -> None:
    assert definitions("with contextlib.suppress(E):\n    x = f()") == [("x", "assign", False)]


def test_a_function_that_deletes_a_global_leaves_it_unbound() -> None:
    flow, found = reads("x", "x = 1\ndef f():\n    global x\n    del x", "f()", "print(x)")
    assert flow.maybe_unbound(found[-1])


def test_a_read_after_a_deletion_in_the_same_statement_may_be_unbound() -> None:
    flow, found = reads("x", "x = 1", "for i in r:\n    print(x)\n    if i:\n        del x")
    assert flow.maybe_unbound(found[0])


def test_what_a_called_function_reads_is_live_before_the_call() -> None:
    flow = flow_of("def f():\n    return x", "x = 1", "print(f())")
    assert "x" in flow.live_after(flow.statements[1])


def test_a_star_import_after_its_definition_makes_what_a_function_reads_unknowable() -> None:
    assert unbound("def f():\n    return x", "from m import *", "f()") == []


def test_a_class_body_changes_a_global_in_place_at_once() -> None:
    assert ("xs", "mutate", False) in definitions("class C:\n    xs.append(1)")
    assert definitions("class C:\n    xs = []\n    xs.append(1)") == [("C", "class", True)]
    assert ("xs", "mutate", False) in definitions("class C:\n    class D:\n        xs.append(1)\n        xs = []")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("%config InteractiveShell.ast_node_interactivity='last_expr_or_assign'", [False, False, True]),
        ("%config InteractiveShell.ast_node_interactivity = 'all'", [False, True, False]),
        ("InteractiveShell.ast_node_interactivity = 'none'", [False, False, False]),
    ],
)
def test_the_kernel_can_be_told_what_to_display(setting: str, expected: list[bool]) -> None:
    assert [statement.displayed for statement in flow_of(setting, "a\nx = 1").statements] == expected
