"""Main guards: what they hold stands in the package without them, unless something tells the two apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document, notebook_of, printed

from nb2prod.convert.api import analyse_content, convert_notebook
from nb2prod.convert.plan import DEFAULTS

GUARD = 'if __name__ == "__main__":'


def opened(source: str, *others: str) -> str:
    """Return the Python of the first cell as the passes see it."""
    return analyse_content(document(source, *others), Path("n.ipynb"), DEFAULTS).notebook.code_cells[0].python


@pytest.mark.parametrize(
    ("source", "python"),
    [
        (f"{GUARD}\n    x = 1\n    y = 2", "\nx = 1\ny = 2"),
        ("if '__main__' == __name__:\n    x = 1", "\nx = 1"),
        (f"{GUARD} x = 1; y = 2", "x = 1; y = 2"),
        (f"{GUARD}  # run\n    # first\n\n    x = 1", "# run\n# first\n\nx = 1"),
        (f"{GUARD}\n\tfor i in [1]:\n\t\tprint(i)", "\nfor i in [1]:\n\tprint(i)"),
        (f"{GUARD}\n    @f\n    def g():\n        pass", "\n@f\ndef g():\n    pass"),
        (f"{GUARD}\n  x = '''\n    a\n  '''\n  y = 1", "\nx = '''\n    a\n  '''\ny = 1"),
        (f"{GUARD}\n    x = f(1,\n  2)\n# left\n    y = 1", "\nx = f(1,\n  2)\n# left\ny = 1"),
        # The kernel displays nothing of an `if`.
        (f"{GUARD}\n    main()  # go", "\nmain();  # go"),
        (f"{GUARD}\n    main();", "\nmain();"),
        (f"{GUARD}\n    main()\nx = 1", "\nmain()\nx = 1"),
    ],
)
def test_what_a_guard_holds_are_statements_on_their_own_lines(source: str, python: str) -> None:
    assert opened(source) == python
    assert opened(source).count("\n") == source.count("\n")


@pytest.mark.parametrize(
    "source",
    [
        f"{GUARD}\n    x = 1\nelse:\n    x = 2",
        f"{GUARD}\n    %time x = 1",
        "if __name__ == '__main__' and x:\n    y = 1",
        "if __name__ != '__main__':\n    y = 1",
        "if __name__ \\\n    == '__main__':\n    y = 1",
        f"__name__ = 'other'\n{GUARD}\n    y = 1",
        f"def f():\n    {GUARD}\n        return 1",
    ],
)
def test_another_condition_stays(source: str) -> None:
    assert opened(source) == notebook_of(source).code_cells[0].python


def test_a_guard_stays_where_the_notebook_displays_every_expression() -> None:
    shell = (
        "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.ast_node_interactivity = 'all'"
    )

    assert opened(f"{GUARD}\n    1 + 1", shell).startswith(GUARD)


def test_what_a_guard_makes_and_is_given_is_known_by_name() -> None:
    cells = ("def double(x):\n    return 2 * x", f"{GUARD}\n    size = 3\n    result = double(size)", "result")
    conversion = convert_notebook(Path("n.ipynb"), content=document(*cells))
    steps = conversion.package.files["src/n/steps.py"].decode()

    assert "__main__" not in steps
    assert [each.name for each in conversion.plan.parameters] == ["size"]
    assert "    result = double(size)\n" in steps


def test_the_package_prints_what_the_guard_did(tmp_path: Path) -> None:
    function = "def f():\n    print('f')\n    return 1\n"
    guard = f"# below\n{GUARD}\n    a = f()\n    if a:\n        print('''x\n    y''')"

    assert printed(tmp_path, f"{function}\n{guard}", f"{GUARD} print(a)") == "f\nx\n    y\n1\n"
