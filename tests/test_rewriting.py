"""What only a kernel knows, read as plain Python before anything is planned, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook
from nb2prod.errors import RefusedError


def steps(*cells: str) -> str:
    """Return the module of steps of a notebook with these cells."""
    content = document(*cells)
    return convert_notebook(Path("n.ipynb"), content=content).package.files["src/n/steps.py"].decode()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("x = 3\nx + 1", "print(_)"), "print(displayed_value)"),
        (("x = 3\nx + 1", "x * 2", "print(__)"), "print(displayed_value)"),
        (("x = 3\nx + 1", "print(Out[1], _1)"), "print(displayed_value, displayed_value)"),
        (("x = 3\nx + 1;", "x + 2", "print(_)"), "displayed_value = x + 2"),  # a semicolon displays nothing
        (
            ("def f(x):\n    return x\n1 + 1", "f('a')", "print(_)"),
            "print((f_value if f_value is not None else displayed_value))",
        ),
        (("_ = 4", "_ + 1", "print(_)"), "print(_)"),  # who binds it turns the kernel's off
        (("print(get_ipython() is None)",), "print(False)"),
        (("ip = get_ipython()\nif ip:\n    ip.run_line_magic('matplotlib', 'inline')\n    print(1)",), "if True:"),
        (("get_ipython().run_cell_magic('time', '', 'x = 3\\nprint(x)\\n')", "print(x)"), "x = 3\n    print(x)"),
        (("get_ipython().run_line_magic('time', 'x = 3')", "print(x)"), "    x = 3\n"),
        (("x = get_ipython().run_line_magic('time', 'max([3])')", "print(x)"), "    x = max([3])\n"),
        (("def f():\n    return type(get_ipython()).__name__\nprint(f())",), 'return "ZMQInteractiveShell"'),
        (("x = 1\nprint(globals()['x'])",), "print(x)"),
        (("i = 4\nclass C:\n    names = [i for i in range(2)]\nprint(i, C.names)",), "names = [i for i in range(2)]"),
        (("def f():\n    if True:\n        %time # nothing\n    return 1\nprint(f())",), "        pass"),
        (("x = 1\nprint('%(x)d' % globals())",), '"%(x)d" % {**globals(), **locals()}'),
        (("x = 1\nprint('{x}'.format(**locals()))",), "format(**{**globals(), **locals()})"),
        (
            ("import timeit\nx = 1", "print(timeit.timeit('x', globals=globals(), number=1) > 0)"),
            "globals={**globals(), **locals()}",
        ),
        (
            (
                "import timeit\nx = 1",
                "print(timeit.timeit('x', setup='import math; from __main__ import x', number=1) > 0)",
            ),
            'timeit.timeit("x", setup="import math", number=1, globals={**globals(), **locals()})',
        ),
        (("import cProfile\nx = 1", "cProfile.run('x')"), 'cProfile.runctx("x", {**globals(), **locals()}, {})'),
        (("try:\n    here = __file__\nexcept NameError:\n    here = [1]\nprint(here)",), "    here = [1]"),
    ],
)
def test_what_a_kernel_knows_is_told_where_there_is_one_answer(cells: tuple[str, ...], expected: str) -> None:
    assert expected in steps(*cells)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("print(_)",), "the kernel's record"),  # nothing was displayed
        (("1 + 1", "%timeit -o 1 + 1", "print(_.loops)"), "the kernel's record"),
        (("1 + 1", "%pwd", "print(_)"), "the kernel's record"),
        (("f = print\nf(1)", "print(_)"), "the kernel's record"),  # perhaps nothing was
        (("1 + 1", "def f():\n    return _\nprint(f())"), "the kernel's record"),  # it depends on when it is called
        (("1 + 1", "print(len(Out))"), "the kernel's record"),
        (("get_ipython().run_cell('x = 1')",), "get_ipython()"),
        (("get_ipython().run_cell_magic('time', '', 'for i in range(2):\\n    print(i)')",), "get_ipython()"),
        (("x = get_ipython().run_line_magic('time', 'y = 3')",), "get_ipython()"),
        (("ip = get_ipython()\nip.user_ns['x'] = 1\nprint(x)",), "get_ipython()"),
        (("def f(t):\n    return eval(t)\nx = 1\nprint(f('x'))",), "eval()"),
        (("x = 1\nprint([k for k in globals()])",), "globals()"),
        (
            ("import timeit\nx = 1\ndef f():\n    return timeit.timeit('x', 'from __main__ import x')\nf()",),
            "the module __main__",
        ),
        (("try:\n    print(1)\n    print(__file__)\nexcept NameError as e:\n    print(e)",), "no __file__"),
    ],
)
def test_what_depends_on_the_run_is_refused(cells: tuple[str, ...], reason: str) -> None:
    with pytest.raises(RefusedError, match="cell") as refused:
        steps(*cells)

    assert any(reason in each for each in refused.value.reasons)
