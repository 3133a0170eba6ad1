"""The parts of verification that run no notebook: removed calls, copies of folders, order of steps, sizes, places."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.analysis import analyse_notebook
from nb2prod.errors import ConfigurationError
from nb2prod.notebook.read import parse_notebook
from nb2prod.verify import folder as folders
from nb2prod.verify.effects import outside_effects
from nb2prod.verify.folder import Source, climbing_paths, written_files
from nb2prod.verify.removed import likely_removed, removed_calls
from nb2prod.verify.run import printed_lines
from nb2prod.verify.subject import check_order
from nb2prod.verify.trace import Failure

if TYPE_CHECKING:
    from nb2prod.notebook.model import Notebook


def notebook(*sources: str) -> Notebook:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    return parse_notebook(json.dumps(data).encode(), Path("sales.ipynb"))


# Removed calls


def test_the_table_of_removed_calls_is_valid_and_large() -> None:
    rows = removed_calls()

    assert len(rows) > 400
    assert len({(row.kind, row.name) for row in rows}) == len(rows)
    assert {row.library for row in rows} >= {"scikit-learn", "pandas", "NumPy", "seaborn", "matplotlib", "SciPy"}


@pytest.mark.parametrize(
    ("kind", "message", "code", "name"),
    [
        ("ModuleNotFoundError", "No module named 'sklearn.cross_validation'", "", "sklearn.cross_validation"),
        ("ModuleNotFoundError", "No module named 'pandas.tools.plotting'", "", "pandas.tools.plotting"),
        ("ImportError", "cannot import name 'Imputer' from 'sklearn.preprocessing' (x/y.py)", "",
         "sklearn.preprocessing.Imputer"),
        ("ImportError", "cannot import name 'joblib' from 'sklearn.externals' (x)", "", "sklearn.externals.joblib"),
        ("AttributeError", "module 'numpy' has no attribute 'int'.\n`np.int` was", "", "numpy.int"),
        ("AttributeError", "'DataFrame' object has no attribute 'append'", "", "pandas.DataFrame.append"),
        ("AttributeError", "'DataFrame' object has no attribute 'ix'", "", "pandas.DataFrame.ix"),
        ("AttributeError", "module 'pandas' has no attribute 'rolling_mean'", "", "pandas.rolling_mean"),
        ("AttributeError", "module 'seaborn' has no attribute 'factorplot'", "", "seaborn.factorplot"),
        ("AttributeError", "module 'tensorflow' has no attribute 'placeholder'", "", "tensorflow.placeholder"),
        ("TypeError", "read_csv() got an unexpected keyword argument 'error_bad_lines'", "",
         "pandas.read_csv(error_bad_lines)"),
        ("TypeError", "Lasso.__init__() got an unexpected keyword argument 'normalize'", "m = Lasso(normalize=True)",
         "sklearn.linear_model.Lasso(normalize)"),
        ("AttributeError", "Rectangle.set() got an unexpected keyword argument 'normed'", "plt.hist(x, normed=True)",
         "matplotlib.pyplot.hist(normed)"),
        ("NameError", "name 'xrange' is not defined", "", "xrange"),
        ("ModuleNotFoundError", "No module named 'urllib2'", "", "urllib2"),
    ],
)  # fmt: skip
def test_an_exception_leads_to_the_removed_call(kind: str, message: str, code: str, name: str) -> None:
    found = likely_removed(Failure(3, None, kind, message, ""), code)

    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("OSError", "'seaborn-whitegrid' is not a valid package style, path of style file, URL of style file"),
        ("OSError", "'seaborn' not found in the style library and input is not a valid URL or path; see"),
        ("SyntaxError", "Missing parentheses in call to 'print'. Did you mean print(...)?"),
    ],
)
def test_a_message_that_names_nothing_is_known_by_its_words(kind: str, message: str) -> None:
    assert likely_removed(Failure(3, None, kind, message, "")) is not None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("AttributeError", "'Shop' object has no attribute 'append'"),
        ("AttributeError", "module 'numpy' has no attribute 'integer_'"),
        ("ModuleNotFoundError", "No module named 'my_module'"),
        ("TypeError", "run() got an unexpected keyword argument 'size'"),
        ("KeyError", "'append'"),
        ("ZeroDivisionError", "division by zero"),
    ],
)
def test_other_exceptions_get_no_hint(kind: str, message: str) -> None:
    assert likely_removed(Failure(3, None, kind, message, ""), "run(size=3)") is None


@pytest.mark.parametrize(
    "text",
    [
        "[[other]]\n",
        '[[removed]]\nlibrary = "x"\nsince = "1"\nkind = "name"\n',
        '[[removed]]\nlibrary = "x"\nsince = "1"\nkind = "nothing"\nrows = "a.b -> c"\n',
        '[[removed]]\nlibrary = "x"\nsince = "1"\nkind = "name"\nrows = "a.b"\n',
        '[[removed]]\nlibrary = "x"\nsince = "1"\nkind = "parameter"\nrows = "a.b -> c"\n',
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "removed.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=re.escape("removed.toml")):
        removed_calls(file)


# The copy of the folder


def source(folder: Path, *, limit: int = 1_000_000, leave_out: tuple[Path, ...] = ()) -> Source:
    return Source(folder, frozenset(leave_out), (), limit, folder.parent / "large")


def test_a_copy_has_the_files_and_empty_folders_and_leaves_out_what_no_notebook_reads(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    for name in ("data", "empty", ".git", "env", "package", "__pycache__"):
        (folder / name).mkdir(parents=True)
        if name != "empty":
            (folder / name / "file.txt").write_text(name)
    (folder / "env" / "pyvenv.cfg").write_text("")

    copy = source(folder, leave_out=(folder / "package",)).copy(tmp_path / "copy")

    found = sorted(path.relative_to(copy.folder).as_posix() for path in copy.folder.rglob("*"))
    assert found == ["data", "data/file.txt", "empty"]


def test_a_copy_follows_no_link_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "own.txt").write_text("own")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "in.txt").symlink_to(folder / "own.txt")

    copy = source(folder).copy(tmp_path / "copy")

    assert sorted(path.name for path in copy.folder.iterdir()) == ["in.txt", "own.txt"]
    assert not (copy.folder / "in.txt").is_symlink()


def test_a_folder_that_is_too_large_is_refused_with_a_next_step(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.bin").write_bytes(b"x" * 100)

    with pytest.raises(ConfigurationError, match="--copy-limit"):
        source(folder, limit=99).copy(tmp_path / "copy")


def test_large_files_are_copied_once_and_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LARGE", 10)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.bin").write_bytes(b"x" * 100)
    (folder / "data.bin").chmod(0o644)
    origin = source(folder)

    copies = [origin.copy(tmp_path / name).folder / "data.bin" for name in ("one", "two")]

    assert copies[0].stat().st_ino == copies[1].stat().st_ino != (folder / "data.bin").stat().st_ino
    assert [copy.stat().st_mode & 0o777 for copy in copies] == [0o444, 0o444]
    assert (folder / "data.bin").stat().st_mode & 0o777 == 0o644


def test_what_a_run_has_changed_is_told_by_path(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("same.txt", "changed.txt", "removed.txt"):
        (folder / name).write_text(name)
    copy = source(folder).copy(tmp_path / "copy")

    (copy.folder / "changed.txt").write_text("first\nsecond\n")
    (copy.folder / "removed.txt").unlink()
    (copy.folder / "new").mkdir()
    (copy.folder / "new" / "table.bin").write_bytes(b"\xff\x00")
    (copy.folder.parent / "above.txt").write_text("x")

    found = {file.path: file for file in written_files(copy)}
    assert sorted(found) == ["../above.txt", "changed.txt", "new/table.bin", "removed.txt"]
    digest = found["changed.txt"].digest
    assert digest is not None
    assert digest["elements"] == {"strings": ["first", "second", ""]}
    assert found["new/table.bin"].digest is None
    assert found["removed.txt"].size == 0
    assert folders.outside(tuple(found.values())) == ("../above.txt",)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_is_the_same_whichever_module_its_class_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    def digest_of_saved(module: str, value: int) -> str:
        kind = type("Model", (), {"__module__": module})
        for name in (module.partition(".")[0], module):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setattr(sys.modules[module], "Model", kind, raising=False)
        (tmp_path / module).mkdir()
        copy = source(tmp_path / module).copy(tmp_path / f"copy of {module}")
        (copy.folder / "m.pkl").write_bytes(pickle.dumps([kind(), value, "x" * value], protocol))
        (file,) = written_files(copy, "report")
        return file.sha256

    saved = digest_of_saved("__main__", 1)
    assert digest_of_saved("report.steps", 1) == saved
    assert digest_of_saved("report.models", 2) != saved
    assert digest_of_saved("reporter", 1) != saved


def test_paths_above_the_folder_are_found_in_strings(tmp_path: Path) -> None:
    work = tmp_path / "a" / "work"
    work.mkdir(parents=True)
    (tmp_path / "a" / "data").mkdir()
    (tmp_path / "a" / "module.py").write_text("")
    (tmp_path / "a" / "large.bin").write_text("")
    (tmp_path / "other").mkdir()
    read = notebook("x = open('../data/*.csv')", "y = '../nothing'", "import sys\nsys.path.append('..')", "z = 'a/..'")

    found = climbing_paths(read, work)

    assert sorted(os.path.relpath(path, work) for path in found) == ["../data", "../module.py"]


# The rest


def test_only_newlines_end_a_printed_line() -> None:
    assert printed_lines("") == ()
    assert printed_lines("a\nb") == ("a", "b")
    assert printed_lines("a\n\n") == ("a", "")
    assert printed_lines("1%\r2%\n") == ("1%\r2%",)


def test_steps_that_interleave_are_refused() -> None:
    def row(cell: int, step: str) -> dict[str, Any]:
        return {"cell": cell, "statement": 1, "kind": "step", "name": step}

    manifest = {
        "steps": [{"name": "one"}, {"name": "two"}],
        "statements": [row(1, "one"), row(2, "two"), row(3, "one")],
    }

    with pytest.raises(ConfigurationError, match="step one ends in cell 3, after step two"):
        check_order(manifest)


def test_a_function_moved_down_does_not_count_as_interleaving() -> None:
    rows = [(1, "two"), (2, "one"), (3, "two")]
    statements = [{"cell": cell, "statement": 1, "kind": "step", "name": name} for cell, name in rows]

    check_order({"steps": [{"name": "one"}, {"name": "two"}], "statements": statements})


@pytest.mark.parametrize(
    "code",
    [
        "x = open('data/file.txt')",
        "x = '/'.join(['a', 'b'])",
        "x = 'http://example.org'",
        "x = '/a route/of a web page'",
        "import os\nos.makedirs('out', exist_ok=True)",
        "import pandas as pd\npd.read_csv('../input/train.csv')",
        "x = open('/dev/null')",
        "%matplotlib inline",
        "%%time\nx = 1",
    ],
)
def test_what_stays_in_the_folder_is_no_effect(code: str) -> None:
    assert outside_effects(analyse_notebook(notebook(code))) == ()


def test_effects_come_in_the_order_of_the_notebook() -> None:
    found = outside_effects(
        analyse_notebook(notebook("x = open('/etc/passwd')\n!ls", "import requests\nrequests.get(u)"))
    )

    assert [(each.cell, each.line, each.kind) for each in found] == [
        (1, 1, "absolute path"),
        (1, 2, "shell"),
        (2, 2, "network"),
    ]
