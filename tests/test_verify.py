"""``nb2prod verify`` from the outside: verdicts, exit codes, what is written and what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nb2prod
from nb2prod.cli import run
from nb2prod.generated import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("ipykernel")
pytest.importorskip("jupyter_client")

SOURCE = Path(nb2prod.__file__).parent.parent


def write_notebook(folder: Path, *sources: str, name: str = "sales.ipynb", tags: tuple[str, ...] = ()) -> Path:
    """Write a notebook of code cells; what starts with ``## `` is a heading."""
    metadata = {"tags": list(tags)} if tags else {}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": source}
        if source.startswith("## ")
        else {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}
        for source in sources
    ]
    path = folder / name
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


@pytest.fixture
def converted(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Return what writes a notebook of the given cells and converts it."""

    def convert(*sources: str, tags: tuple[str, ...] = ()) -> tuple[Path, Path]:
        folder = tmp_path / "work"
        folder.mkdir()
        path = write_notebook(folder, *sources, tags=tags)
        assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 0
        return path, tmp_path / "out"

    return convert


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a temporary folder of its own, and see that nothing is left in it."""
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def outcome(package: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((package / "verification.json").read_text())
    return data


def replace_in(package: Path, file: str, old: str, new: str) -> None:
    (path,) = (package / "src").glob(f"*/{file}")
    text = path.read_text()
    assert text.count(old) == 1, text
    path.write_text(text.replace(old, new))


CELLS = (
    "## Read",
    "import math\nprices = [3, 4, 5]\nprint('read', len(prices))",
    "## Sum",
    "total = sum(prices)\nprices.append(math.sqrt(total))\ntotal",
    "## Write",
    "with open('total.txt', 'w') as file:\n    file.write(str(total))\nprint('done')",
)


def test_a_package_as_it_was_converted_is_equal(
    converted: Callable[..., tuple[Path, Path]], temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, package = converted(*CELLS)
    before = sorted(path.parent.iterdir())
    capsys.readouterr()

    assert run(["verify", str(path), str(package)]) == 0

    printed = capsys.readouterr()
    assert printed.err.startswith(f"executing {path} twice with ")
    assert printed.out.splitlines()[-1].startswith("equal: ")
    assert "(100 %)" in printed.out
    data = outcome(package)
    assert (data["verdict"], data["exit_code"], data["differences"]) == ("equal", 0, [])
    assert data["compared"] == data["total"] > 4
    assert data["environment"]["python"]
    assert data["package"]["edited"] == []
    assert sorted(path.parent.iterdir()) == before
    assert list(temporary.iterdir()) == []


def test_a_wrong_value_is_shown_with_its_cell_step_and_line(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, package = converted(*CELLS)
    replace_in(package, "steps.py", "sum(prices)", "sum(prices[1:])")
    capsys.readouterr()

    assert run(["verify", str(path), str(package), "--runs", "1", "--format", "json"]) == 1

    data = json.loads(capsys.readouterr().out)
    assert data == outcome(package)
    first = data["differences"][0]
    assert (first["kind"], first["name"], first["cell"]) == ("value", "total", 4)
    assert (first["notebook"], first["package"]) == ("12", "9")
    line = (package / first["file"]).read_text().splitlines()[first["line"] - 1]
    assert "total = sum(prices[1:])" in line
    assert data["package"]["edited"] == [first["file"]]


def test_a_file_of_another_name_is_shown_where_it_is_written(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted(*CELLS)
    replace_in(package, "config.py", '"total.txt"', '"sum.txt"')

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 1

    first = outcome(package)["differences"][0]
    assert (first["kind"], first["name"], first["step"], first["cell"]) == ("file", "sum.txt", "write", 6)
    assert "with open(total_txt" in (package / first["file"]).read_text().splitlines()[first["line"] - 1]


def test_a_package_that_only_prints_the_same_is_different(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted(*CELLS)
    (main,) = (package / "src").glob("*/__main__.py")
    main.write_text("print('read', 3)\nprint('done')\n")

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 1

    assert {"value", "displayed", "file"} <= {each["kind"] for each in outcome(package)["differences"]}


def test_a_package_that_does_nothing_is_different(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted(*CELLS)
    (main,) = (package / "src").glob("*/__main__.py")
    main.write_text("")

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 1


def test_a_package_that_crashes_is_different(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, package = converted(*CELLS)
    replace_in(package, "steps.py", "total = sum(prices)", "total = 1 / 0")

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 1

    assert "ZeroDivisionError" in capsys.readouterr().out


def test_a_package_that_leaves_early_and_content_is_different(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted(*CELLS)
    replace_in(package, "steps.py", "total = sum(prices)", "import os; os._exit(0)")

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 1


def test_a_package_that_eats_memory_is_ended_and_different(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted(*CELLS)
    eaten = "total = sum(prices); held = []\n    while True: held.append(bytearray(10_000_000))"
    replace_in(package, "steps.py", "total = sum(prices)", eaten)

    assert run(["verify", str(path), str(package), "--runs", "1", "--memory", "300M"]) == 1

    assert "MemoryLimit" in json.dumps(outcome(package))


def test_a_package_that_hangs_is_ended_and_different(
    converted: Callable[..., tuple[Path, Path]], temporary: Path
) -> None:
    path, package = converted(*CELLS)
    replace_in(package, "steps.py", "total = sum(prices)", "while True: pass")

    assert run(["verify", str(path), str(package), "--runs", "1", "--cell-timeout", "1", "--timeout", "8"]) == 1

    assert "TimeLimit" in json.dumps(outcome(package))
    assert list(temporary.iterdir()) == []


def test_an_empty_notebook_proves_nothing(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, package = converted()

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 5

    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing comparable: 0 of 0 results compared (0 %)")


def test_what_differs_between_the_notebooks_own_runs_is_not_compared(
    converted: Callable[..., tuple[Path, Path]],
) -> None:
    path, package = converted("import os\nnumber = os.getpid()\nfixed = 3")

    assert run(["verify", str(path), str(package)]) == 0

    data = outcome(package)
    assert sum(row["nondeterministic"] for row in data["steps"]) == 1
    assert data["share"] < 1


def test_what_a_cell_that_only_installs_prints_is_not_compared(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted("!pip install --no-index nosuchmodule --verbose", "total = 3", "print(total)")

    assert run(["verify", str(path), str(package), "--allow-effects"]) == 0

    data = outcome(package)
    assert {"kind": "printed", "step": None, "cell": 1, "name": "every line",
            "reason": "the cell does nothing but install"} in data["not_compared"]  # fmt: skip
    replace_in(package, "steps.py", "print(total)", "print(total + 1)")
    assert run(["verify", str(path), str(package), "--allow-effects"]) == 1


def test_what_a_cell_shows_of_the_kernel_is_not_compared(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted("total = 3", "%whos\n%who_ls", "%history", "print(total)")

    assert run(["verify", str(path), str(package)]) == 0

    assert {"kind": "printed", "step": None, "cell": 2, "name": "every line",
            "reason": "the cell only concerns working in the notebook"} in outcome(package)["not_compared"]  # fmt: skip


def test_a_notebook_that_varies_is_run_again_before_its_package_is_called_different(
    converted: Callable[..., tuple[Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = tmp_path / "runs"
    counter.write_text("")
    path, package = converted(
        f"import os\nfile = open({str(counter)!r}, 'a+')\nfile.write('x')\nfile.seek(0)\nruns = len(file.read())",
        "pid = os.getpid()\ncoarse = int(runs > 2)\nfixed = 1",
    )

    assert run(["verify", str(path), str(package), "--allow-effects"]) == 0

    # The package is the third to run: the notebook's third run is the fourth.
    assert len(outcome(package)["seconds"]["notebook"]) == 3
    assert "the notebook was run 3 times, because its own runs differ" in capsys.readouterr().out
    replace_in(package, "steps.py", "fixed = 1", "fixed = 2")
    assert run(["verify", str(path), str(package), "--allow-effects"]) == 1
    assert len(outcome(package)["seconds"]["notebook"]) == 4


def test_random_draws_are_the_same_without_any_seed_in_the_notebook(
    converted: Callable[..., tuple[Path, Path]],
) -> None:
    path, package = converted("import random\ndraws = [random.random() for _ in range(3)]", "print(draws)")

    assert run(["verify", str(path), str(package)]) == 0

    assert outcome(package)["share"] == 1


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("import sys\nsys.exit(3)", "SystemExit", "3"),
        ("import os\nos._exit(0)", "KernelEnded", "exit code 0"),
        ("while True: pass", "TimeLimit", "longer than 2 s"),
        ("held = []\nwhile True: held.append(bytearray(10_000_000))", "MemoryLimit", "--memory"),
        ("answer = input()", "StdinNotImplementedError", "input"),
        ("xrange(3)", "NameError", "xrange"),
    ],
)
def test_a_notebook_that_does_not_run_is_no_fault_of_the_package(
    converted: Callable[..., tuple[Path, Path]], temporary: Path, source: str, kind: str, words: str
) -> None:
    path, package = converted("x = 1", f"y = 2\n{source}", "print(x)")

    seconds = "2" if kind == "TimeLimit" else "60"
    limits = ["--cell-timeout", seconds, "--memory", "300M"]
    assert run(["verify", str(path), str(package), *limits]) == 4

    failure = outcome(package)["failure"]
    assert (failure["cell"], failure["kind"]) == (2, kind)
    assert words in failure["message"]
    assert list(temporary.iterdir()) == []


def test_a_removed_call_is_named_with_what_to_write(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, package = converted("total = 0\n\nfor n in xrange(3):\n    total += n")

    assert run(["verify", str(path), str(package)]) == 4

    printed = capsys.readouterr().out
    assert "cell 1, line 3: NameError" in printed
    assert "  for n in xrange(3):" in printed
    assert "hint: `xrange` is gone since Python 3: range" in printed


def test_a_missing_library_asks_for_an_interpreter_that_has_it(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, package = converted("import no_such_library\nprint(no_such_library.x)")

    assert run(["verify", str(path), str(package)]) == 4

    printed = capsys.readouterr().out
    assert f"hint: {sys.executable} lacks it; --python names one that has the notebook's libraries" in printed


def test_a_cell_tagged_raises_exception_may_fail(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted("x = 1", "x / 0", "z = x + 1\nprint(z)", tags=("raises-exception",))

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 0


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("!echo hello", "shell"),
        ("%pip install x", "shell"),
        ("%%bash\necho hello", "shell"),
        ("import os\nos.system('true')", "shell"),
        ("import urllib.request\nurllib.request.urlopen('http://example.org')", "network"),
        ("import pandas as pd\npd.read_csv('https://example.org/a.csv')", "network"),
        ("text = open('/etc/hostname').read()", "absolute path"),
        ("NAME = '/etc/hostname'\ntext = open(NAME).read()", "absolute path"),
    ],
)
def test_effects_beyond_the_folder_are_refused_before_anything_runs(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str], source: str, kind: str
) -> None:
    path, package = converted("print('ran')", source)
    capsys.readouterr()

    assert run(["verify", str(path), str(package)]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "executing" not in printed.err
    assert "--allow-effects" in printed.err
    assert any(line.startswith("  cell 2, line ") and kind in line for line in printed.err.splitlines())
    assert not (package / "verification.json").exists()


def test_allowed_effects_are_recorded(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted("import os\ncode = os.system('exit 3')")

    assert run(["verify", str(path), str(package), "--allow-effects"]) == 0

    assert [each["kind"] for each in outcome(package)["effects"]] == ["shell"]


def test_a_process_the_notebook_leaves_behind_is_ended(
    converted: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    marker = tmp_path / "alive"
    loop = f"import time\nwhile True:\n    open({str(marker)!r}, 'w').close()\n    time.sleep(0.05)"
    start = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {loop!r}], start_new_session=True)"
    path, package = converted(f"{start}\nx = 1", "import time\ntime.sleep(0.5)")

    run(["verify", str(path), str(package), "--allow-effects", "--runs", "1"])

    assert marker.exists()
    time.sleep(0.2)
    marker.unlink()
    time.sleep(0.3)
    assert not marker.exists()


def test_a_run_reaches_relative_paths_in_its_copy_only(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted("with open('../made.txt', 'w') as file:\n    file.write('x')")

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 0

    assert not (path.parent.parent / "made.txt").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the system confines runs on Linux")
def test_a_run_cannot_write_outside_by_a_path_it_makes_up(
    converted: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    target = tmp_path / "outside.txt"
    parts = json.dumps(str(target).split("/"))
    path, package = converted(f"with open('/'.join({parts}), 'w') as file:\n    file.write('x')")

    code = run(["verify", str(path), str(package), "--runs", "1"])

    data = outcome(package)
    if not data["confined"]:
        pytest.skip("this system cannot confine a process")
    assert (code, data["failure"]["kind"]) == (4, "PermissionError")
    assert not target.exists()


def test_the_folder_above_is_there_where_the_notebook_names_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers.txt").write_text("1 2 3")
    (tmp_path / "tools.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "book").mkdir()
    path = write_notebook(
        tmp_path / "book",
        "import sys\nsys.path.append('..')\nfrom tools import double",
        "with open('../data/numbers.txt') as file:\n    n = double(len(file.read().split()))\nprint(n)",
    )
    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 0

    assert run(["verify", str(path), str(tmp_path / "out"), "--runs", "1"]) == 0


def test_a_package_of_another_notebook_is_refused(
    converted: Callable[..., tuple[Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, package = converted(*CELLS)
    other = write_notebook(tmp_path, *CELLS[:4], "print('another')", name="sales.ipynb")

    assert run(["verify", str(other), str(package)]) == 2

    assert "another notebook" in capsys.readouterr().err


def test_a_notebook_that_differs_in_its_outputs_only_is_verified(converted: Callable[..., tuple[Path, Path]]) -> None:
    path, package = converted(*CELLS)
    data = json.loads(path.read_text())
    data["cells"][1]["execution_count"] = 7
    data["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "read 3\n"}]
    path.write_text(json.dumps(data, indent=1))

    assert run(["verify", str(path), str(package), "--runs", "1"]) == 0


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_notebook(tmp_path, "x = 1")

    assert run(["verify", str(path), str(tmp_path)]) == 2

    assert FILE_NAME in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99}', '{"version": 1}', '{"version": 1, "notebook": []}'])
def test_a_damaged_manifest_is_refused(
    converted: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path, package = converted("x = 1")
    (package / FILE_NAME).write_text(text)

    assert run(["verify", str(path), str(package)]) == 2

    assert FILE_NAME in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--python", "no-such-python"], "no such program"),
        (["--kernel", "no-such-kernel"], "no kernel"),
        (["--python", sys.executable, "--kernel", "python3"], "one of them"),
        (["--python", "true"], "Python interpreter"),
        (["--memory", "0"], "no size"),
        (["--tolerance-rel", "-1"], "no number"),
        (["--runs", "3"], "--runs"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(
    converted: Callable[..., tuple[Path, Path]],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    path, package = converted("x = 1")

    assert run(["verify", str(path), str(package), *arguments]) == 2

    assert words in capsys.readouterr().err


def test_an_interpreter_without_ipykernel_is_refused(
    converted: Callable[..., tuple[Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    path, package = converted("x = 1")

    assert run(["verify", str(path), str(package), "--python", str(tmp_path / "bare" / "bin" / "python")]) == 2

    assert "has no ipykernel" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_verification_leaves_nothing(
    converted: Callable[..., tuple[Path, Path]], temporary: Path, number: signal.Signals
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("a process started in the background of a shell is not interrupted")
    path, package = converted("import time\nopen('started', 'w').close()\ntime.sleep(600)")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "nb2prod", "verify", str(path), str(package)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 120
        while not list(temporary.rglob("started")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate(timeout=120)

    assert process.returncode == 130
    assert list(temporary.iterdir()) == []


def test_conversion_verifies_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_notebook(tmp_path, *CELLS)

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--verify"]) == 0

    printed = capsys.readouterr()
    assert "equal: " in printed.out
    assert outcome(tmp_path / "out")["verdict"] == "equal"
