"""Magics: dropped, installed, translated to Python, or refused; interpolation is judged by IPython itself."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.convert import magics
from nb2prod.convert.interpolation import expand
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.magics import Capture, Code, Drop, Install, body, bound_names, translate
from nb2prod.convert.plan import Refusal
from nb2prod.notebook.code import read_code
from nb2prod.notebook.read import parse_notebook

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from nb2prod.convert.magics import Translation
    from nb2prod.notebook.model import CodeCell


def cell_of(source: str) -> CodeCell:
    return read_code(PurePath("n.ipynb"), 3, None, source, {})


def translation(source: str, bound: frozenset[str] = frozenset({"x", "name", "files"})) -> Translation:
    """Return what becomes of the cell's first magic."""
    cell = cell_of(source)
    return translate(cell.magics[0], cell, bound)


def code(source: str) -> str:
    found = translation(source)
    assert isinstance(found, Code), found
    ast.parse(found.text)
    return found.text


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline",
        "%load_ext autoreload",
        "%autoreload 2",
        "%config InlineBackend.figure_format = 'retina'",
        "x?",
        "??x",
        "%%time\nx = 1",
        "%time x = 1",
        "%precision 3",
        "%pdb on",
        "%tensorboard --logdir logs",
        "%lsmagic",
        "%whos",
    ],
)
def test_what_concerns_only_the_screen_goes_and_its_python_stays(source: str) -> None:
    found = translation(source)
    assert isinstance(found, Drop)
    assert found.keeps_python
    assert found.reason


@pytest.mark.parametrize("source", ["%timeit x + 1", "%%timeit\nx + 1", "%%html\n<b>hi</b>", "%%javascript\nalert(1)"])
def test_measurements_and_foreign_bodies_go_with_their_text(source: str) -> None:
    found = translation(source)
    assert isinstance(found, Drop)
    assert not found.keeps_python


@pytest.mark.parametrize(
    "source",
    [
        "!pip install pandas==1.5",
        "! pip3 install --upgrade --quiet \\\n    pandas",
        "!{sys.executable} -m pip install pandas",
        "%pip install -q pandas",
        "%conda install -y pandas",
        "%%bash\npip install pandas\n# and\npip install numpy",
        "!pip install pandas | tail -1",
        "!pip install {name} pandas=={x} -q",
        "!pip install pandas > /dev/null 2>&1",
    ],
)
def test_installing_becomes_a_dependency(source: str) -> None:
    assert isinstance(translation(source), Install)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!ls data", "run_shell('ls data')"),
        ("!echo {x} $name", "run_shell(f'echo {x} {name}')"),
        ("!echo $HOME {x}", "run_shell('echo $HOME {x}')"),
        ("!awk '{print $1}' f", "run_shell(\"awk '{print $1}' f\")"),
        ("!echo {x!r:}", "run_shell(f'echo {x!r}')"),
        ("!echo {name['a']}", "run_shell('echo {}'.format(name['a']))"),
        ("!echo {x[1:2]}", "run_shell(f'echo {x[1:2]}')"),
        ("!echo $$x", "run_shell('echo $x')"),
        ("files = !ls", "capture_shell('ls')"),
        ("!!ls", "capture_shell('ls')"),
        ("%%bash --out text\nls", "text = script_output(['bash'], 'ls\\n')"),
        ("%ls -l", "run_shell('ls -F --color -l')"),
        ("%mkdir out", "run_shell('mkdir out')"),
        ("files = %time f(x)", "f(x)"),
        ("!pip list", "run_shell('pip list')"),
        ("%%bash\nls\necho $x", "run_script(['bash'], 'ls\\necho $x\\n')"),
        ("%%bash --no-raise-error\nls", "run_script(['bash'], 'ls\\n', check=False)"),
        ("%%bash -s {x}\nls", "run_script(['bash', *shlex.split(f'-s {x}')], 'ls\\n')"),
        ("%%script perl -w\nprint 1", "run_script(['perl', '-w'], 'print 1\\n')"),
        ("%env A=b=c", "set_environment('A', 'b=c')"),
        ("%env A b c", "set_environment('A', 'b c')"),
        ("%set_env A=$name", "set_environment('A', f'{name}')"),
        ("%env HOME", "os.environ['HOME']"),
        ("%cd data", "change_directory('data')"),
        ("%cd -q 'my data'", "change_directory('my data', quiet=True)"),
        ("%cd", "change_directory('~')"),
        ("%pwd", "os.getcwd()"),
        ("%%writefile a.py\nx = 1", "write_file('a.py', 'x = 1\\n')"),
        ("%%file -a {name}.py\nx = 1\n", "write_file(f'{name}.py', 'x = 1\\n', append=True)"),
    ],
)
def test_what_acts_becomes_python(source: str, expected: str) -> None:
    assert code(source) == expected


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("%run other.py", "run"),
        ("%pylab inline", "pylab"),
        ("%%sql\nselect 1", "sql"),
        ("%%R\n1", "R"),
        ("%store x", "store"),
        ("%reset -f", "reset"),
        ("%unheard_of", "unheard_of"),
        ("%load_ext unheard_of", "unheard_of"),
        ("!pip uninstall -y pandas", "uninstalls"),
        ("!sleep 100 &", "background"),
        ("!echo {Out[3]}", "Out"),
        ("%cd -", "history"),
        ("%time for i in range(3): print(i)", "time"),
        ("x = %timeit f(1)", "timeit"),
        ("x = %timeit -o -p 5 f(1)", "timeit"),
        (",f 1 2", ","),
        ("%%bash --err text\nls", "output"),
        ("%%bash --out text --err errors\nls", "output"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_cell_line_and_name(source: str, word: str) -> None:
    found = translation(source)
    assert isinstance(found, Refusal), found
    assert (found.cell, found.line) == (3, 1)
    assert word in str(found)
    assert found.advice


@pytest.mark.parametrize(
    ("magic", "head"),
    [
        ("%%capture", "with captured_output():"),
        ("%%capture cap", "with captured_output() as cap:"),
        ("%%capture --no-stderr cap", "with captured_output(stderr=False) as cap:"),
        ("%%capture --no-stdout --no-display", "with captured_output(stdout=False, display=False):"),
    ],
)
def test_what_is_printed_under_capture_is_kept_from_the_page(magic: str, head: str) -> None:
    assert translation(f"{magic}\nprint(1)") == Capture(head)


def test_hiding_nothing_but_installs_changes_nothing() -> None:
    assert isinstance(translation("%%capture\n!pip install pandas\n%pip install numpy"), Drop)


def test_the_names_a_command_reads_are_told() -> None:
    found = translation("!echo {x + len(name)}")
    assert isinstance(found, Code)
    assert found.names == ("x", "name")
    assert found.helpers == ("run_shell",)


def test_the_body_of_a_cell_magic_ends_in_a_newline() -> None:
    cell = cell_of("%%bash\na\n  b")
    assert body(cell, cell.magics[0]) == "a\n  b\n"
    indented = cell_of("  %%bash\n  a\n    b\n")
    assert body(indented, indented.magics[0]) == "a\n  b\n"


def test_bound_names_are_those_of_every_scope() -> None:
    content = (
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "metadata": {},'
        ' "outputs": [], "execution_count": null, "source": "import a.b, c as d\\ndef f(g):\\n    h = 1\\nj = !ls"}]}'
    )
    assert bound_names(parse_notebook(content, PurePath("n.ipynb"))) == {"a", "d", "f", "g", "h", "j"}


def test_every_advice_is_about_a_magic_that_is_not_dropped() -> None:
    known = knowledge()
    assert not known.advice.keys() & (known.dropped.keys() | known.measurements)
    assert known.foreign <= known.dropped.keys()


PIECES = ["a", " ", "{x}", "{name!r}", "$x", "$name", "$$x", "$HOME", "{missing}", "'", '"', "{", "}", "{{", "}}", "$1"]
PIECES += [
    "{files[0]}",
    "{files[0:2]}",
    "{x:>3}",
    "{}",
    "$",
    ".",
    "é",
    "{len(files)}",
    "{[i for i in files]}",
    "\\",
    "#",
]
VALUES: dict[str, Any] = {"x": 3, "name": "it's", "files": ["a", 'b"']}


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_interpolation_is_that_of_ipython(text: str) -> None:
    """For any mix of its forms, the Python computes what IPython's own formatter gives."""
    from IPython.utils.text import DollarFormatter  # noqa: PLC0415 - slow to import

    namespace = VALUES | vars(__import__("builtins"))
    try:
        expected = DollarFormatter().vformat(text, args=[], kwargs=dict(namespace))
    except Exception:  # noqa: BLE001 - as IPython's own var_expand does: the text goes on untouched
        expected = text
    source = expand(text, VALUES.keys()).source
    try:
        actual = eval(source, dict(namespace))  # noqa: S307 - the Python under test
    except AttributeError:
        # `$name.` followed by a letter: IPython passes the text on where the attribute is missing.
        assert "." in text
        return
    assert actual == expected


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Return the module a package gets, loaded from its text."""
    path = tmp_path_factory.mktemp("package") / "shell.py"
    path.write_text(magics.shell_module(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("shell_of_a_package", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_helper_exists(shell: ModuleType) -> None:
    for helper in (
        "run_shell",
        "capture_shell",
        "run_script",
        "script_output",
        "change_directory",
        "set_environment",
        "write_file",
    ):
        assert callable(getattr(shell, helper))


posix = pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")


@posix
def test_output_and_errors_come_in_order_and_failure_is_ignored(
    shell: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_shell("echo one; echo two >&2; echo drei ß; exit 3")
    assert capsys.readouterr().out == "one\ntwo\ndrei ß\n"


@posix
def test_a_command_runs_on_a_terminal_of_80_columns(shell: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_shell("test -t 1 && echo yes; stty size < /dev/stdout 2>/dev/null || stty -F /dev/stdout size")
    assert capsys.readouterr().out.split()[0] == "yes"


@posix
def test_captured_lines_have_the_views_of_a_notebook(shell: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    lines = shell.capture_shell(f"printf 'b\\n{tmp_path}/a\\n'; echo Err >&2; exit 1")
    assert lines == ["b", f"{tmp_path}/a", "Err"]
    assert lines.l is lines
    assert lines.n == "\n".join(lines)
    assert lines.s == " ".join(lines)
    assert [path.name for path in lines.p] == ["a"]
    assert lines.grep("err") == ["Err"]
    assert lines.grep("err", prune=True) == lines[:2]
    assert shell.ShellLines(["a b c", "d"]).fields(0, 2) == ["a c", "d"]
    with pytest.raises(AttributeError):
        lines.unheard_of  # noqa: B018 - reading it is the point


@posix
def test_a_script_reads_its_text_and_raises_where_it_fails(
    shell: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    shell.run_script(["sh"], "echo out\necho err >&2\n")
    assert capfd.readouterr() == ("out\n", "err\n")
    shell.run_script(["sh"], "exit 3\n", check=False)
    with pytest.raises(subprocess.CalledProcessError):
        shell.run_script(["sh"], "exit 3\n")
    shell.run_script(["no-such-program-here"], "x")
    assert capfd.readouterr().out == "Couldn't find program: 'no-such-program-here'\n"


@posix
def test_a_script_that_reads_little_and_prints_much_comes_to_its_end(
    shell: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    shell.run_script([sys.executable, "-c", "print('x' * 300000)"], "y" * 300000)
    assert len(capfd.readouterr().out) == 300001


@posix
def test_changing_folder_prints_where_and_reports_what_is_missing(
    shell: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    shell.change_directory("in")
    assert capsys.readouterr().out == f"{tmp_path / 'in'}\n"
    shell.change_directory("missing", quiet=True)
    assert "No such file" in capsys.readouterr().out


@posix
def test_files_and_variables_are_announced_as_the_kernel_does(
    shell: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GREETING", "old")
    shell.set_environment("GREETING", "good morning")
    shell.write_file("./a.txt", "1\n")
    shell.write_file("./a.txt", "2\n")
    shell.write_file("./a.txt", "3\n", append=True)
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "env: GREETING=good morning",
        "Writing ./a.txt",
        "Overwriting ./a.txt",
        "Appending to ./a.txt",
    ]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "2\n3\n"
    assert os.environ["GREETING"] == "good morning"
