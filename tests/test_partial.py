"""``--partial``: what is refused raises where it stood, everything before it runs, nothing is hidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nb2prod.cli import run
from nb2prod.convert.api import convert_notebook
from nb2prod.convert.plan import Options
from nb2prod.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

PARTIAL = Options("story", partial=True)


def notebook(folder: Path, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {"tags": list(tags)}, "outputs": [], "source": each}
        for each in sources
    ]
    path = folder / "sales.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def ran(folder: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Convert what can be, with the command line, and run the package."""
    assert run(["convert", str(path), "--output", str(folder / "out"), "--name", "story", "--partial"]) == 1
    environment = {**os.environ, "PYTHONPATH": str(folder / "out" / "src")}
    return subprocess.run(
        [sys.executable, "-m", "story"], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("exec('y = 2')", "cell 2, line 1: exec() sees names that no function has"),
        ("print 'x'", "cell 2, line 1: this is Python 2"),
        ("\nfor", "cell 2, line 2: "),
        ("%%R -o y\ny <- 1", "cell 2, line 1: %%R: "),
        ("y = %no_such_magic", "cell 2, line 1: %no_such_magic: "),
        ("return 5", "cell 2, line 1: 'return' outside function"),
        ("class A:\n    x = x\n    y = x", "cell 2, line 1: the class body reads the notebook's x"),
    ],
)
def test_everything_before_a_refused_statement_runs_and_then_it_is_named(
    source: str, what: str, tmp_path: Path
) -> None:
    done = ran(tmp_path, notebook(tmp_path, "x = 1\nprint('before', x)", source, "print('after', x)"))

    assert done.stdout == "before 1\n"
    assert done.returncode != 0
    assert f"NotImplementedError: {what}" in done.stderr


def test_a_cell_that_may_raise_does_not_swallow_the_exception(tmp_path: Path) -> None:
    done = ran(
        tmp_path, notebook(tmp_path, "print('before')\nexec('y = 2')\nprint('after')", tags=("raises-exception",))
    )

    assert done.stdout == "before\n"
    assert "NotImplementedError: cell 1, line 2" in done.stderr


def test_the_source_stands_beside_as_a_comment_and_the_rest_of_the_step_below(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1\n# why\nexec(  'y = 2')  # so\nprint(x)")
    steps = convert_notebook(path, PARTIAL).package.files["src/story/steps.py"].decode()

    expected = """\
    # why
    # Cell 1 of the notebook has here, to be written anew:
    #     exec(  'y = 2')  # so
    raise NotImplementedError(
        "cell 1, line 3: exec() sees names that no function has; pass the values it needs explicitly"
    )
    print(x)
"""
    assert expected in steps


def test_output_readme_and_manifest_count_what_is_not_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path, "x = 1", "exec('y = 2')", "for")
    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--partial"]) == 1

    printed = capsys.readouterr()
    assert "2 refusals, which raise NotImplementedError" in printed.out
    assert [line.split(":")[1] for line in printed.err.splitlines()] == [" cell 2, line 1", " cell 3, line 1"]
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "2 places of the notebook could not be converted" in readme
    assert "- cell 2 is not converted" in readme
    manifest = json.loads((tmp_path / "out" / "conversion.json").read_text())
    assert [(row["cell"], row["kind"]) for row in manifest["statements"]] == [
        (1, "step"),
        (2, "refused"),
        (3, "refused"),
    ]
    assert [each["cell"] for each in manifest["refusals"]] == [2, 3]
    assert manifest["options"] == {"partial": True}


def test_a_partial_package_matches_its_notebook(tmp_path: Path) -> None:
    arguments = ["convert", str(notebook(tmp_path, "x = 1", "exec('y = 2')")), "--output", str(tmp_path / "out")]
    assert run([*arguments, "--partial"]) == 1

    assert run([*arguments, "--check"]) == 0


def test_a_dry_run_says_where_a_partial_package_would_raise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1", "exec('y = 2')")

    assert run(["convert", str(path), "--dry-run", "--partial"]) == 1

    out = capsys.readouterr().out
    assert "cell 2  line 1  refused: exec() sees names" in out
    assert "1 refusal, which raises NotImplementedError, 1 step; nothing was written" in out


def test_without_refusals_a_partial_conversion_is_a_whole_one(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1", "print(x)")
    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--name", "story", "--partial"]) == 0

    whole = convert_notebook(path, Options("story")).package.files
    files = convert_notebook(path, PARTIAL).package.files
    assert {name for name in files if files[name] != whole[name]} == {"conversion.json"}


def test_what_no_step_can_raise_is_refused_all_the_same(tmp_path: Path) -> None:
    """A credential in a module beside the notebook would be taken along, whatever a step does."""
    (tmp_path / "access.py").write_text('password = "hunter2-9fK2vQ"\n')
    with pytest.raises(RefusedError, match="has a credential"):
        convert_notebook(notebook(tmp_path, "import access\nprint(access.password)"), PARTIAL)

    path = notebook(tmp_path, "1")
    path.write_text(
        path.read_text().replace(
            '"metadata": {}, "nbformat"',
            '"metadata": {"kernelspec": {"language": "R", "name": "ir", "display_name": "R"}}, "nbformat"',
        )
    )
    with pytest.raises(RefusedError, match="language is"):
        convert_notebook(path, PARTIAL)


def test_a_credential_in_a_refused_statement_is_not_in_the_comment(tmp_path: Path) -> None:
    key = "AKIA" + "Z7Q2M4X9P1R8T6W3"
    path = notebook(tmp_path, f"%no_such_magic {key}\nprint(1)")
    try:
        files = convert_notebook(path, PARTIAL).package.files
    except RefusedError:
        return
    assert not any(key.encode() in content for content in files.values())
