"""Several notebooks as one package: what they define alike stands once, each has a command, files give the order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from notebooks import document

from nb2prod.cli import run
from nb2prod.convert.plan import Module, Options
from nb2prod.convert.several.package import join_parts, make_joint_package
from nb2prod.convert.several.parts import part_names, plan_parts
from nb2prod.convert.several.sharing import find_shared, without_shared
from nb2prod.convert.write import write_package
from nb2prod.errors import ConfigurationError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.several.package import Joint

ORDERS = Path(__file__).parent.parent / "fixtures" / "together" / "orders"
NAMES = ("01_prepare", "02_report", "03_outlook")


def notebooks(folder: Path, **sources: Sequence[str]) -> list[Path]:
    """Write a notebook for each keyword, with these cells, and return their paths."""
    paths = []
    for name, cells in sources.items():
        path = folder / f"{name}.ipynb"
        path.write_bytes(document(*cells))
        paths.append(path)
    return paths


def joined(paths: Sequence[Path], **options: Any) -> Joint:
    return join_parts(plan_parts(paths, Options(**options)))


def texts(paths: Sequence[Path]) -> dict[str, str]:
    """Return the files of the package of these notebooks."""
    files = make_joint_package(joined(paths)).files
    return {path: content.decode() for path, content in files.items()}


def python(*arguments: str, at: Path, source: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": "" if source is None else str(source), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=at, env=environment, capture_output=True, encoding="utf-8", check=False
    )


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the package of the three notebooks about orders."""
    folder = tmp_path_factory.mktemp("orders") / "package"
    paths = [str(ORDERS / f"{name}.ipynb") for name in NAMES]
    assert run(["convert", *paths, "--output", str(folder), "--name", "shop"]) == 0
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with the orders as they were exported, and nothing the notebooks have written."""
    folder = tmp_path / "work"
    folder.mkdir()
    shutil.copy(ORDERS / "orders.csv", folder)
    return folder


def test_each_command_prints_what_its_notebook_printed(orders: Path, work: Path) -> None:
    for name in NAMES:
        done = python("-m", "shop", name[3:], at=work, source=orders / "src")

        assert done.returncode == 0, done.stderr
        assert done.stdout == (ORDERS / f"{name}.txt").read_text(encoding="utf-8")


def test_all_runs_every_notebook_after_those_whose_files_it_reads(orders: Path, work: Path) -> None:
    done = python("-m", "shop", "all", at=work, source=orders / "src")

    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join((ORDERS / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES)


def test_all_stops_at_the_first_command_that_fails_and_takes_no_options(orders: Path, work: Path) -> None:
    (work / "orders.csv").unlink()
    failed = python("-m", "shop", "all", at=work, source=orders / "src")
    asked = python("-m", "shop", "all", "--set", "best=1", at=work, source=orders / "src")

    assert failed.returncode == 1
    assert failed.stderr.endswith("prepare ended with exit code 1: what follows it was not run\n")
    assert (asked.returncode, asked.stdout) == (2, "")


def test_a_command_is_told_values_of_its_own_notebook(orders: Path, work: Path) -> None:
    shutil.copy(ORDERS / "prepared.csv", work)
    done = python("-m", "shop", "report", "--set", "best=1", at=work, source=orders / "src")
    wrong = python("-m", "shop", "prepare", "--set", "best=1", at=work, source=orders / "src")

    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "best: ['2025-06']"
    assert wrong.returncode == 2
    assert "best" in wrong.stderr


def test_help_lists_the_commands_by_the_titles_of_their_notebooks(orders: Path, work: Path) -> None:
    done = python("-m", "shop", "--help", at=work, source=orders / "src")

    assert [" ".join(line.split()) for line in done.stdout.splitlines()[-4:]] == [
        "prepare Prepare the orders (01_prepare.ipynb)",
        "report Report by month (02_report.ipynb)",
        "outlook Outlook (03_outlook.ipynb)",
        "all prepare, then report, then outlook",
    ]


def test_what_notebooks_define_alike_stands_once_and_what_differs_stays(orders: Path) -> None:
    source = orders / "src" / "shop"
    found = {path.parent.name: path.read_text(encoding="utf-8") for path in source.glob("*/steps.py")}
    shared = (source / "shared.py").read_text(encoding="utf-8")

    assert [shared.count(f"{what}") for what in ("def read_rows", "def as_text", "class Total", "CURRENCY =")] == [
        1
    ] * 4
    assert "def read_rows" not in found["prepare"] + found["report"]
    assert "from ..shared import Total, read_rows\n" in found["report"]
    assert 'def as_text(cents):\n    return f"{cents // 100} EUR"' in found["outlook"]
    assert "shared" not in found["outlook"]


def test_fixed_modules_stand_once(orders: Path) -> None:
    found = sorted(path.relative_to(orders / "src").as_posix() for path in orders.glob("src/**/settings.py"))

    assert found == ["shop/settings.py"]


def test_the_readme_says_which_files_go_from_which_command_to_which(orders: Path) -> None:
    readme = (orders / "README.md").read_text(encoding="utf-8")

    assert (
        "| `prepared.csv` | `prepare` | `report` | `prepared_csv` of `prepare`, `prepared_path` of `report` |" in readme
    )
    assert "So the order is `prepare`, then `report`, then `outlook`" in readme


def test_the_tests_of_the_package_pass_and_its_code_is_clean(orders: Path) -> None:
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", at=orders)
    linted = python("-m", "ruff", "check", "--no-cache", ".", at=orders)
    formatted = python("-m", "ruff", "format", "--no-cache", "--check", ".", at=orders)

    assert tested.returncode == 0, tested.stdout
    assert (linted.returncode, formatted.returncode) == (0, 0), linted.stdout + formatted.stdout


@pytest.mark.parametrize("name", NAMES)
def test_each_notebook_is_verified_with_its_part(name: str, orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ipykernel")
    code = run(["verify", str(ORDERS / f"{name}.ipynb"), str(orders), "--python", sys.executable])

    assert code == 0, capsys.readouterr().out
    data = json.loads((orders / f"verification-{name[3:]}.json").read_text(encoding="ascii"))
    assert data["verdict"] == "equal"


def test_a_notebook_saved_again_with_other_outputs_is_still_its_part(orders: Path, tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    shutil.copytree(ORDERS, tmp_path / "orders")
    path = tmp_path / "orders" / "03_outlook.ipynb"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["metadata"]["saved"] = "again"
    path.write_text(json.dumps(data), encoding="utf-8")

    assert run(["verify", str(path), str(orders), "--python", sys.executable, "--runs", "1"]) == 0

    data["cells"][-1]["source"] += "\nprint('more')"
    path.write_text(json.dumps(data), encoding="utf-8")

    assert run(["verify", str(path), str(orders), "--python", sys.executable]) == 2


def test_a_notebook_that_is_no_part_is_not_verified(
    orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = notebooks(tmp_path, other=["x = 1"])

    assert run(["verify", str(path), str(orders)]) == 2
    assert "other.ipynb is none of the notebooks it was made of" in capsys.readouterr().err


def test_converting_again_gives_the_same_bytes_and_check_agrees(
    orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "package"
    paths = [str(ORDERS / f"{name}.ipynb") for name in NAMES]
    for _ in range(2):
        assert run(["convert", *paths, "--output", str(output), "--name", "shop"]) == 0
    names = {path.relative_to(output) for path in output.rglob("*") if path.is_file()}

    assert [name for name in sorted(names) if (output / name).read_bytes() != (orders / name).read_bytes()] == []
    assert run(["convert", *reversed(paths), "--output", str(output), "--check"]) == 0
    assert run(["convert", *paths, "--output", str(output), "--diff"]) == 0
    assert capsys.readouterr().out.count("match") == 1


def test_check_and_diff_say_which_notebook_has_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(path) for path in notebooks(tmp_path, clean=["x = 1", "print(x)"], train=["print(2)"])]
    output = str(tmp_path / "package")
    assert run(["convert", *paths, "--output", output]) == 0
    notebooks(tmp_path, train=["print(3)"])
    capsys.readouterr()

    assert run(["convert", *paths, "--output", output, "--check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  train.ipynb: cell 1 has changed"
    assert any(line.endswith("/train/steps.py is out of date: a notebook has changed") for line in lines)
    assert not any("/clean/" in line for line in lines)
    assert run(["convert", *paths, "--output", output, "--diff"]) == 1
    assert "+    print(3)" in capsys.readouterr().out


def test_check_takes_all_notebooks_of_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(path) for path in notebooks(tmp_path, clean=["x = 1"], train=["y = 2"], more=["z = 3"])]
    output = str(tmp_path / "package")
    assert run(["convert", *paths, "--output", output]) == 0
    capsys.readouterr()

    assert run(["convert", *paths[:2], "--output", output, "--check"]) == 2
    assert "was made of clean.ipynb, more.ipynb, train.ipynb" in capsys.readouterr().err


def test_an_edited_file_stops_the_conversion_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(path) for path in notebooks(tmp_path, clean=["print(1)"], train=["print(2)"])]
    output = tmp_path / "package"
    assert run(["convert", *paths, "--output", str(output), "--name", "house"]) == 0
    edited = output / "src" / "house" / "train" / "steps.py"
    edited.write_text("# mine\n")

    assert run(["convert", *paths, "--output", str(output)]) == 1
    assert "src/house/train/steps.py has been edited" in capsys.readouterr().err
    assert run(["convert", *paths, "--output", str(output), "--force"]) == 0
    assert "print(2)" in edited.read_text()


def test_one_notebook_does_not_take_the_place_of_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(path) for path in notebooks(tmp_path, clean=["print(1)"], train=["print(2)"])]
    output = str(tmp_path / "package")
    assert run(["convert", *paths, "--output", output]) == 0

    assert run(["convert", paths[0], "--output", output]) == 2
    assert "holds the package of clean.ipynb, train.ipynb: name them all" in capsys.readouterr().err
    assert run(["convert", paths[0], "--output", output, "--check"]) == 2


def test_one_notebook_that_is_refused_refuses_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = notebooks(tmp_path, clean=["x = 1", "exec('y = 2')"], train=["%no_such_magic"], report=["print(1)"])
    arguments = ["convert", *map(str, paths), "--output", str(tmp_path / "package")]

    assert run(arguments) == 1
    _, *lines, _, advice = capsys.readouterr().err.splitlines()
    assert [line.split(", line")[0] for line in lines] == ["  clean.ipynb: cell 2", "  train.ipynb: cell 1"]
    assert advice.endswith("convert the rest with --partial")
    assert not (tmp_path / "package").exists()

    assert run([*arguments, "--partial"]) == 1
    assert [line.split(", line")[0] for line in capsys.readouterr().err.splitlines()] == [
        "not converted: clean.ipynb: cell 2",
        "not converted: train.ipynb: cell 1",
    ]
    assert (tmp_path / "package").is_dir()


def test_dry_run_says_what_becomes_of_each_cell_of_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    function = "def twice(x):\n    return 2 * x"
    paths = notebooks(tmp_path, clean=[function, "print(twice(1))"], train=[function, "print(twice(2))"])

    assert run(["convert", *map(str, paths), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("function twice at module level") == 2
    assert printed.splitlines()[-2].endswith(".shared: twice")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.ipynb", "train.ipynb"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--only", "x"], "--only is for one notebook"),
        (["--keep", "2"], "--keep is for one notebook"),
        (["--verify"], "--verify is for one notebook: run nb2prod verify for each"),
    ],
)
def test_what_makes_sense_for_one_notebook_only_is_refused(
    option: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = notebooks(tmp_path, clean=["x = 1"], train=["x = 2"])

    assert run(["convert", *map(str, paths), "--output", str(tmp_path / "package"), *option]) == 2
    assert said in capsys.readouterr().err


def test_two_notebooks_of_one_name_are_refused(tmp_path: Path) -> None:
    (path,) = notebooks(tmp_path, clean=["x = 1"])
    (tmp_path / "more").mkdir()
    (other,) = notebooks(tmp_path / "more", clean=["x = 1"])

    with pytest.raises(ConfigurationError, match="two notebooks of one package are called so"):
        plan_parts([path, other], Options())
    with pytest.raises(ConfigurationError, match="is given twice"):
        plan_parts([path, path], Options())


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["01_clean", "02-train"], ["clean", "train"]),
        (["1 clean", "2 clean"], ["notebook_1_clean", "notebook_2_clean"]),
        (["Shared", "all", "import"], ["notebook_shared", "notebook_all", "notebook_import"]),
        (["01", "Größe", "日本"], ["notebook_01", "gre", "notebook"]),
        (["a b", "a-b"], ["a_b", "a_b_2"]),
    ],
)
def test_parts_are_called_like_their_files(files: list[str], names: list[str]) -> None:
    assert part_names([Path(f"{file}.ipynb") for file in files]) == names


def test_what_reads_another_meaning_is_not_shared(tmp_path: Path) -> None:
    total = "def total(rows):\n    return sum(scaled(row) for row in rows)"
    left = "import math as m\ndef scaled(row):\n    return m.sqrt(row)"
    right = "import cmath as m\ndef scaled(row):\n    return m.sqrt(row)"
    alike = "def largest(rows):\n    return max(rows)"
    found = joined(notebooks(tmp_path, a=[left, total, alike], b=[right, total, alike]))

    assert [each.function.name for each in found.shared] == ["largest"]


def test_a_builtin_that_a_notebook_may_rebind_is_no_reason_to_share(tmp_path: Path) -> None:
    alike = "def largest(rows):\n    return max(rows)"
    star = joined(notebooks(tmp_path, a=["from math import *", alike, "largest([1])"], b=[alike, "largest([1])"]))

    assert star.shared == ()


def test_a_shared_definition_takes_its_imports_along(tmp_path: Path) -> None:
    cells = [
        "import json\nimport math, os.path",
        "def text(x):\n    return json.dumps(x)",
        "print(text({1: 2}), math.pi)",
    ]
    files = texts(notebooks(tmp_path, a=cells, b=cells))
    shared = next(text for path, text in files.items() if path.endswith("/shared.py"))
    steps = next(text for path, text in files.items() if path.endswith("/a/steps.py"))

    assert "import json\n" in shared
    assert "import math" not in shared
    assert "import json" not in steps
    assert "import math\n" in steps


def test_shared_functions_are_tested_once(tmp_path: Path) -> None:
    alike = "def largest(rows):\n    return max(rows)"
    files = texts(notebooks(tmp_path, a=[alike, "largest([1, 2])"], b=[alike, "largest([3])"]))
    found = [path for path, text in files.items() if path.startswith("tests/") and "largest(" in text]

    assert found == ["tests/a/test_shared.py"]
    assert "    shared.largest([1, 2])\n" in files["tests/a/test_shared.py"]


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        ({"a": ["open('x.txt', 'w').write('1')"], "b": ["print(open('x.txt').read())"]}, ("a", "b")),
        ({"b": ["print(open('x.txt').read())"], "a": ["open('x.txt', 'w').write('1')"]}, ("a", "b")),
        # Nothing goes from one to the other: both orders are as good.
        ({"a": ["open('x.txt', 'w').write('1')"], "b": ["print(1)"]}, ()),
        # Each reads what the other writes.
        (
            {
                "a": ["print(open('y.txt').read())\nopen('x.txt', 'w').write('1')"],
                "b": ["print(open('x.txt').read())\nopen('y.txt', 'w').write('1')"],
            },
            (),
        ),
        # It reads what it has written itself.
        (
            {
                "a": ["open('x.txt', 'w').write('1')"],
                "b": ["open('x.txt', 'w').write('2')", "print(open('x.txt').read())"],
            },
            (),
        ),
        # Two write it: nobody knows whose it is.
        (
            {
                "a": ["open('x.txt', 'w').write('1')"],
                "b": ["open('x.txt', 'w').write('2')"],
                "c": ["print(open('x.txt').read())"],
            },
            (),
        ),
        ({"a": ["from pathlib import Path\nPath('x.txt').write_text('1')"],
          "b": ["from pathlib import Path\nprint(Path('./x.txt').read_text())"]}, ("a", "b")),
        ({"a": ["OUT = 'out'\nopen(OUT + '/x.txt', 'w').write('1')"], "b": ["print(open('out/x.txt').read())"]},
         ("a", "b")),
    ],
)  # fmt: skip
def test_the_order_is_that_of_the_files(cells: dict[str, list[str]], order: tuple[str, ...], tmp_path: Path) -> None:
    joint = joined(notebooks(tmp_path, **cells))

    assert joint.order == order
    cli = make_joint_package(joint).files[f"src/{joint.package}/cli.py"].decode()
    assert ("def run_all" in cli) is bool(order)


def test_notebooks_of_different_folders_have_no_common_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    paths = notebooks(tmp_path / "one", a=["open('../x.txt', 'w').write('1')"])
    paths += notebooks(tmp_path / "two", b=["print(open('../x.txt').read())"])
    joint = joined(paths)

    assert [(each.file, each.writer, each.readers) for each in joint.handovers] == [("../x.txt", "a", ("b",))]
    assert joint.order == ()


def test_dependencies_are_those_of_all_and_must_agree(tmp_path: Path) -> None:
    paths = notebooks(
        tmp_path,
        a=["import numpy as np\nimport pandas as pd", "print(pd.DataFrame(np.eye(2)))"],
        b=["%pip install pandas==2.2.3\nimport pandas as pd", "print(pd.DataFrame({'x': [1]}))"],
    )
    project = texts(paths)["pyproject.toml"]
    assert '"numpy", # a.ipynb: imported in cell 1' in project
    assert '"pandas==2.2.3", # a.ipynb: imported in cell 1; b.ipynb: imported in cell 1' in project

    notebooks(tmp_path, a=["%pip install pandas==1.5.3\nimport pandas as pd", "print(pd.DataFrame({'x': [1]}))"])
    with pytest.raises(RefusedError, match=r"a.ipynb asks for pandas==1.5.3 and b.ipynb for pandas==2.2.3"):
        make_joint_package(joined(paths))


def test_modules_beside_the_notebooks_are_taken_once(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("def twice(x):\n    return 2 * x\n")
    cells = ["import tools", "print(tools.twice(2))"]
    paths = notebooks(tmp_path, a=cells, b=cells)
    assert [path for path in texts(paths) if path.endswith("tools.py")] == ["src/tools.py"]

    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "tools.py").write_text("def twice(x):\n    return x + x\n")
    (other,) = notebooks(tmp_path / "more", c=cells)
    with pytest.raises(RefusedError, match=r"import two modules called tools\.py"):
        make_joint_package(joined([paths[0], other]))


def test_parts_that_draw_share_the_module_and_keep_their_own_folders(tmp_path: Path) -> None:
    cells = ["import matplotlib.pyplot as plt", "plt.plot([1, 2])\nplt.show()"]
    files = texts(notebooks(tmp_path, a=cells, b=cells))
    figures = [path for path in files if path.endswith(("/figures.py", "/backend.py"))]
    package = figures[0].split("/")[1]

    assert figures == [f"src/{package}/backend.py", f"src/{package}/figures.py"]
    assert "from ..figures import saving_figures" in files[f"src/{package}/a/pipeline.py"]
    assert "from ..figures import " in files[f"src/{package}/b/steps.py"]
    assert 'output_dir: Path = Path("output/a")' in files[f"src/{package}/a/config.py"]
    assert f'logging.getLogger("{package}")' in files[f"src/{package}/a/cli.py"]


def test_shell_lines_and_display_come_from_the_package(tmp_path: Path) -> None:
    cells = ["!echo hello", "from IPython.display import display\ndisplay(1)"]
    paths = notebooks(tmp_path, a=cells, b=cells)
    write_package(make_joint_package(joined(paths, name="house")), tmp_path / "package")
    done = python("-m", "house", "b", at=tmp_path, source=tmp_path / "package" / "src")

    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "1\n")
    steps = (tmp_path / "package" / "src" / "house" / "a" / "steps.py").read_text()
    assert "from ..shell import run_shell" in steps


def test_check_holds_each_part_against_its_notebook_and_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = ["def twice(x):\n    return 2 * x", "x = twice(2)\nprint(x)"]
    paths = notebooks(tmp_path, clean=cells, train=cells)
    assert run(["convert", *map(str, paths), "--output", str(tmp_path / "package"), "--name", "house"]) == 0
    notebooks(tmp_path, train=[*cells, "print('more')"])
    (tmp_path / "package" / "src" / "house" / "shared.py").write_text("# edited\n")
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)

    run(["check", "package", "--select", "NB603,NB604", "--format", "json"])

    found = [(each["path"], each["message"]) for each in json.loads(capsys.readouterr().out)["diagnostics"]]
    assert found == [
        ("package/conversion.json", "train.ipynb is not what this package was made of: cell 3 is new"),
        ("package/src/house/clean/steps.py", "the tests only run `run_notebook`: what it makes may change unseen"),
        (
            "package/src/house/shared.py",
            "edited since it was generated: the notebook no longer says what the package does",
        ),
        ("package/src/house/train/steps.py", "the tests only run `run_notebook`: what it makes may change unseen"),
    ]


def test_a_module_that_only_held_what_is_shared_is_not_made(tmp_path: Path) -> None:
    function = "def grouped(rows):\n    return {len(row): row for row in rows}"
    paths = notebooks(tmp_path, a=[function, "print(grouped(['x']))"], b=[function, "print(grouped(['y']))"])
    parts = plan_parts(paths, Options())
    plan = parts[0].plan
    apart = replace(
        plan,
        functions=tuple(replace(each, module="functions") for each in plan.functions),
        modules=(Module("functions", "The functions of {}"), *plan.modules),
    )
    left = without_shared(apart, 0, find_shared([part.plan for part in parts]))

    assert [each.name for each in left.modules] == ["steps"]
