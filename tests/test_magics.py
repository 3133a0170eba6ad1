from __future__ import annotations

import re
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.errors import ConfigurationError
from nb2prod.notebook import magic_table
from nb2prod.notebook.code import read_code
from nb2prod.notebook.escapes import may_have_escapes
from nb2prod.notebook.magics import mask, mask_automagic
from nb2prod.notebook.parse import parse_code

NEWLINE = re.compile(r"\r\n|\r|\n")


def found(source: str) -> list[str]:
    """Return the magics of a cell as ``kind name|argument|binds|start-end``."""
    return [
        f"{each.kind} {each.name}|{each.argument}|{','.join(each.binds)}|{each.range.start}-{each.range.end}"
        for each in mask(source)[1]
    ]


@pytest.mark.parametrize(
    ("source", "python", "magics"),
    [
        ("%matplotlib inline\nx = 1", "0                 \nx = 1", ["line matplotlib|inline||1:1-1:19"]),
        ("% matplotlib inline", "0                  ", ["line matplotlib|inline||1:1-1:20"]),
        ("!ls -l", "0     ", ["shell !|ls -l||1:1-1:7"]),
        ("!!ls", "0   ", ["shell !!|ls||1:1-1:5"]),
        ("!", "0", ["shell !|||1:1-1:2"]),
        ("x = !ls -l", "x = 0     ", ["shell !|ls -l|x|1:5-1:11"]),
        ("a, b = %env HOME", "a, b = 0        ", ["line env|HOME|a,b|1:8-1:17"]),
        ("d['a'] = !pwd", "d['a'] = 0   ", ["shell !|pwd||1:10-1:14"]),
        ("x: int = !pwd", "x: int = 0   ", ["shell !|pwd|x|1:10-1:14"]),
        ("x = \\\n  %env", "x = \\\n  0   ", ["line env||x|2:3-2:7"]),
        ("?foo", "0   ", ["help ?|foo||1:1-1:5"]),
        ("foo.bar??", "0        ", ["help ??|foo.bar||1:1-1:10"]),
        ("foo[0]?", "0      ", ["help ?|foo[0]||1:1-1:8"]),
        ("%time?", "0     ", ["help ?|%time||1:1-1:7"]),
        ("?", "0", ["help ?|||1:1-1:2"]),
        ("/f a b", "0     ", ["autocall /|f a b||1:1-1:7"]),
        (",f a", "0   ", ["autocall ,|f a||1:1-1:5"]),
        (
            "if x:\n    !ls\nelse:\n    %cd ..\n    y?",
            "if x:\n    0  \nelse:\n    0     \n    0 ",
            ["shell !|ls||2:5-2:8", "line cd|..||4:5-4:11", "help ?|y||5:5-5:7"],
        ),
        ("!ls \\\n  -l\nx = 1", "0    \n    \nx = 1", ["shell !|ls    -l||1:1-2:5"]),
        ("!pip install a \\\r\n b\r\nx", "0               \r\n  \r\nx", ["shell !|pip install a   b||1:1-2:3"]),
        ("%run a.py", "0        ", ["line run|a.py|*|1:1-1:10"]),
        ("%store -r x y", "0            ", ["line store|-r x y|x,y|1:1-1:14"]),
        ("%store -r", "0        ", ["line store|-r|*|1:1-1:10"]),
        ("%store x", "0       ", ["line store|x||1:1-1:9"]),
        ("%sql res << select 1", "0                   ", ["line sql|res << select 1|res|1:1-1:21"]),
    ],
)
def test_ipython_syntax_is_masked_at_equal_width(source: str, python: str, magics: list[str]) -> None:
    assert mask(source)[0] == python
    assert found(source) == magics
    assert parse_code(python)[1] is None


@pytest.mark.parametrize(
    "source",
    [
        'print("%d items\\n"\n      % 3)',
        "x = (a\n% b)",
        'text = """\n%ls\n!ls\nwhat?\n"""',
        "text = 'what?'",
        "text = '''\n%%time\n'''",
        "# %ls\n# !ls\n# what?",
        "x = 7 %3\nx %= 2\nx != 3",
        "x = a \\\n% b",
        "f'{x!r}' # why?",
        "r'\\' + x",
        "x = {'?': 1}",
        "def f():\n    '''\n    >>> f()\n    1\n    '''",
        "x = ...\n",
        "@f\ndef g(a, /, b): pass",
    ],
)
def test_python_that_looks_like_a_magic_is_left_alone(source: str) -> None:
    assert mask(source) == (source, ())


@pytest.mark.parametrize(
    ("source", "python", "magics"),
    [
        ("%time x = f(y)", "0;    x = f(y)", ["line time|x = f(y)||1:1-1:15"]),
        ("%time f(x, \\\n  y)", "0;    f(x, \\\n  y)", ["line time|f(x,    y)||1:1-2:5"]),
        ("%time for i in x: y = i", "0" + " " * 22, ["line time|for i in x: y = i|i,y|1:1-1:24"]),
        ("%time f(x", "0        ", ["line time|f(x||1:1-1:10"]),
        ("%time", "0    ", ["line time|||1:1-1:6"]),
        ("%time !ls", "0;    0  ", ["line time|!ls||1:1-1:10", "shell !|ls||1:7-1:10"]),
        ("%time z = !ls", "0;    z = 0  ", ["line time|z = !ls||1:1-1:14", "shell !|ls|z|1:11-1:14"]),
        ("x = %time f(y)", "x = 0 or  f(y)", ["line time|f(y)|x|1:5-1:15"]),
        ("%timeit f(y)", "0;      f(y)", ["line timeit|f(y)||1:1-1:13"]),
        ("%timeit -n 10 -r3 f(y)", "0;                f(y)", ["line timeit|-n 10 -r3 f(y)||1:1-1:23"]),
        ("%timeit x = f(y)", "0;          f(y)", ["line timeit|x = f(y)||1:1-1:17"]),
        ("%timeit é = f(y)", "0;          f(y)", ["line timeit|é = f(y)||1:1-1:17"]),
        ("%timeit import a", "0               ", ["line timeit|import a||1:1-1:17"]),
        ("r = %timeit -o f(y)", "r = 0 and      f(y)", ["line timeit|-o f(y)|r|1:5-1:20"]),
        ("r = %time lambda: 1", "r = 0              ", ["line time|lambda: 1|r|1:5-1:20"]),
        ("%prun -s cumtime f(x)", "0;               f(x)", ["line prun|-s cumtime f(x)||1:1-1:22"]),
        ("    %memit -r 1 f(x)", "    0;          f(x)", ["line memit|-r 1 f(x)||1:5-1:21"]),
    ],
)
def test_the_python_a_magic_runs_stays_visible(source: str, python: str, magics: list[str]) -> None:
    assert mask(source)[0] == python
    assert found(source) == magics
    assert parse_code(python)[1] is None


@pytest.mark.parametrize(
    ("source", "python", "magics"),
    [
        ("%%time\nx = 1\n!ls", "0     \nx = 1\n0  ", ["cell time|||1:1-1:7", "shell !|ls||3:1-3:4"]),
        ("\n\n%%time\nx", "\n\n0     \nx", ["cell time|||3:1-3:7"]),
        ("  %%time\n  x", "  0     \n  x", ["cell time|||1:3-1:9"]),
        ("%%time\n  x\n  y", "      \n  x\n  y", ["cell time|||1:1-1:7"]),
        ("%%capture --no-stderr out\nx", "0                        \nx", ["cell capture|--no-stderr out|out|1:1-1:26"]),
        ("%%time\n%%capture c\nx", "0     \n0          \nx", ["cell time|||1:1-1:7", "cell capture|c|c|2:1-2:12"]),
        ("%%bash --out o\nls | x\n\nls", "0             \n      \n\n  ", ["cell bash|--out o|o|1:1-1:15"]),
        ("%%R -i a -o b,c\nb <- a", "0              \n      ", ["cell R|-i a -o b,c|b,c|1:1-1:16"]),
        ("%%sql res <<\nselect", "0           \n      ", ["cell sql|res <<|res|1:1-1:13"]),
        ("%%unheard of\nx = 1", "0           \n     ", ["cell unheard|of||1:1-1:13"]),
        ("%%html", "0     ", ["cell html|||1:1-1:7"]),
        ("%%time?", "0      ", ["help ?|%%time||1:1-1:8"]),
        ("# why\n%%time\nx = 1", "# why\n0     \nx = 1", ["line %time|||2:1-2:7"]),
        ("x = 1\n%%time", "x = 1\n0     ", ["line %time|||2:1-2:7"]),
    ],
)
def test_a_cell_magic_rules_its_cell_from_the_first_line(source: str, python: str, magics: list[str]) -> None:
    assert mask(source)[0] == python
    assert found(source) == magics
    assert parse_code(python)[1] is None


@pytest.mark.parametrize(
    ("source", "python"),
    [
        (">>> for i in x:\n...     i", "    for i in x:\n        i"),
        ("In [3]: x = 1\n   ...: y = 2", "        x = 1\n        y = 2"),
    ],
)
def test_pasted_prompts_are_blanked(source: str, python: str) -> None:
    assert mask(source) == (python, ())
    assert parse_code(python)[1] is None


@pytest.mark.parametrize(
    ("source", "magic"),
    [
        ("ls", "ls|"),
        ("ls -l", "ls|-l"),
        ("cd ..\n", "cd|.."),
        ("\n\npip install x", "pip|install x"),
        ("conda install -y x", "conda|install -y x"),
        ("timeit f(x)", "timeit|f(x)"),
    ],
)
def test_a_cell_of_one_line_may_be_a_magic_without_percent(source: str, magic: str) -> None:
    masked = mask_automagic(source, ())
    assert masked is not None
    python, (found_magic,) = masked
    assert f"{found_magic.kind} {found_magic.name}|{found_magic.argument}" == f"automagic {magic}"
    assert [len(line) for line in python.split("\n")] == [len(line) for line in source.split("\n")]
    assert parse_code(python)[1] is None


@pytest.mark.parametrize(
    "source", ["ls = 1", "time.sleep(1)", "hist(x)", "run", "x = 1\nls", "ls\nls", "df", "time, x = y", "# ls", ""]
)
def test_python_is_no_magic_without_percent(source: str) -> None:
    assert mask_automagic(source, {"run"}) is None


def test_a_row_of_the_table_with_an_unknown_word_is_an_error() -> None:
    for row in ({"pyhton": "runs"}, {"python": "yes"}):
        with pytest.raises(ConfigurationError):
            magic_table._entry("time", row)  # noqa: SLF001 - the file itself is right


PIECES = st.sampled_from(
    [
        *"%!?=()[]{}'\"#\\,;/ \t\n\n\n",
        "x",
        "é",
        "%%time",
        "%time ",
        "ls",
        '"""',
        "\r\n",
        "\r",
        "!!",
        "??",
        ">>> ",
        "if x:",
        "    ",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text())
def test_every_line_keeps_its_width_and_magics_stand_in_the_source(source: str) -> None:
    cell = read_code(PurePath("a"), 1, None, source, {})
    lines = NEWLINE.split(source)
    assert [len(line) for line in NEWLINE.split(cell.python)] == [len(line) for line in lines]
    for magic in cell.magics:
        for position in (magic.range.start, magic.range.end):
            assert 1 <= position.column <= len(lines[position.line - 1]) + 1
    if not may_have_escapes(source):
        assert cell.python == source
    assert (cell.tree is None) != (cell.problem is None)
