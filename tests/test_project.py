"""The files around a notebook: which are read, what they say, and that reading is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import nb2prod.project
from nb2prod.declarations import Requirement
from nb2prod.project import Project

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project's top folder: nothing above it can be taken for one."""
    write(tmp_path, {"pyproject.toml": ""})
    return tmp_path


def project(root: Path, folder: str = "notebooks") -> Project:
    return Project.for_path(root / folder / "x.ipynb")


def declared(root: Path) -> list[tuple[str, str]]:
    return [(each.name, each.specifier) for each in project(root).requirements()]


@pytest.mark.parametrize("mark", [".git", "setup.py", "pyproject.toml"])
def test_the_root_is_the_nearest_folder_that_is_the_top_of_a_project(root: Path, mark: str) -> None:
    write(root, {f"inner/{mark}": "", "inner/deep/er/x.ipynb": "", "beside/x.ipynb": ""})
    assert project(root, "inner/deep/er").root == root / "inner"
    assert project(root, "beside").root == root


def test_a_file_of_requirements_marks_the_root_only_where_nothing_surer_does(root: Path) -> None:
    write(root, {"notebooks/requirements.txt": ""})
    assert project(root).root == root
    (root / "pyproject.toml").unlink()
    assert project(root).root == root / "notebooks"


def test_nothing_is_read_before_it_is_asked_for_and_all_that_is_read_is_recorded(root: Path) -> None:
    write(root, {"tests/test_a.py": "clean", "requirements.txt": "-r more.txt\npandas", "more.txt": "numpy"})
    one = project(root)
    assert not one.consulted
    assert one.test_names() == {"clean"}
    assert list(one.consulted) == [root / "tests" / "test_a.py"]
    one.requirements()
    assert one.consulted[1:] == (root / "requirements.txt", root / "more.txt", root / "pyproject.toml")


def test_test_files_mention_names_in_code_and_strings_but_not_in_comments(root: Path) -> None:
    write(
        root,
        {
            "tests/test_churn.py": 'from churn import clean\ntb.ref(\'split_rows\')\n# later\n"""Doc of score."""\n',
            "deep/er/load_test.py": "größe = rb'''\nx\\''''\n'unclosed\nafter",
            "tests/conftest.py": "fixture_name",
            "tests/testing.py": "other_name",
            ".venv/test_no.py": "hidden_name",
            "env/pyvenv.cfg": "",
            "env/lib/test_no.py": "installed_name",
            "node_modules/test_no.py": "module_name",
        },
    )
    names = project(root).test_names()
    assert {"churn", "clean", "split_rows", "score", "größe", "x", "after"} <= names
    assert names.isdisjoint({"later", "fixture_name", "other_name", "hidden_name", "installed_name", "module_name"})
    assert project(root).test_files() == (root / "deep/er/load_test.py", root / "tests/test_churn.py")
    assert project(root).tests_complete


def test_a_file_beyond_the_bounds_is_left_out_and_it_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"test_a.py": "short", "test_b.py": "long" * 100})
    monkeypatch.setattr(nb2prod.project, "_MOST_BYTES", 100)
    assert project(root).test_names() == {"short"}
    assert not project(root).tests_complete
    monkeypatch.setattr(nb2prod.project, "_MOST_BYTES", 1_000)
    monkeypatch.setattr(nb2prod.project, "_MOST_FOLDERS", 0)
    assert project(root).test_names() == set()
    assert not project(root).tests_complete


def test_notebooks_of_one_root_share_what_its_tests_mention(root: Path) -> None:
    write(root, {"test_a.py": "clean", "inner/pyproject.toml": ""})
    early, first = project(root, "a"), Project.for_folder(root / "c")
    assert first.test_names() == {"clean"}
    write(root, {"test_b.py": "late"})
    second = Project.for_folder(root / "b", [early, first])
    assert second.test_names() == {"clean", "late"}
    second = Project.for_folder(root / "b", [Project.for_folder(root / "inner"), first, early])
    assert second.folder == root / "b"
    assert second.test_names() == {"clean"}
    assert second.consulted == (root / "test_a.py",)
    assert Project.for_folder(root / "inner", [first]).test_names() == set()


def test_requirements_txt_in_all_its_forms(root: Path) -> None:
    write(
        root,
        {
            "requirements.txt": "# comment\nPandas==2.1 # why\nscikit_learn[extra]>=1,<2\n-r dev/more.txt\n"
            "--index-url x\n-e git+https://host/x.git#egg=own-package\ntorch @ https://host/torch.whl\n"
            "long==1 \\\n    --hash=sha256:1\n\n",
            "dev/more.txt": "\ufeffpytest; python_version < '3.12'\n-r ../requirements.txt\n-r missing.txt",
        },
    )
    assert declared(root) == [
        ("pandas", "==2.1"),
        ("scikit-learn", ">=1,<2"),
        ("pytest", "; python_version < '3.12'"),
        ("own-package", "-e git+https://host/x.git#egg=own-package"),
        ("torch", "@ https://host/torch.whl"),
        ("long", "==1      --hash=sha256:1"),
    ]
    assert project(root).requirements()[0] == Requirement("pandas", "==2.1", root / "requirements.txt")


def test_pyproject_in_all_its_forms(root: Path) -> None:
    write(
        root,
        {
            "pyproject.toml": """
            [project]
            dependencies = ["pandas>=2"]
            optional-dependencies = { plot = ["matplotlib"] }
            [dependency-groups]
            dev = ["pytest", { include-group = "build" }]
            [tool.poetry.dependencies]
            python = "^3.11"
            numpy = "^1.26"
            torch = { version = "2" }
            [tool.poetry.group.dev.dependencies]
            ruff = "*"
            """
        },
    )
    assert declared(root) == [
        ("pandas", ">=2"),
        ("matplotlib", ""),
        ("pytest", ""),
        ("numpy", "^1.26"),
        ("torch", ""),
        ("ruff", "*"),
    ]


def test_a_conda_environment(root: Path) -> None:
    write(
        root,
        {
            "environment.yml": "name: x\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n"
            "  - conda-forge::pandas=2.1 # why\n  - pip\n  - pip:\n      - 'lightgbm==4'\nprefix: /x\n"
        },
    )
    assert declared(root) == [("python", "=3.11"), ("pandas", "=2.1"), ("pip", ""), ("lightgbm", "==4")]


@pytest.mark.parametrize(
    "text", ["[project\n", "[project]\ndependencies = 1\n", "project = 1\n", "[tool]\npoetry = []"]
)
def test_a_file_that_is_wrong_declares_nothing(root: Path, text: str) -> None:
    write(root, {"pyproject.toml": text})
    assert declared(root) == []


def test_the_nearest_folder_with_dependency_files_counts(root: Path) -> None:
    write(root, {"requirements.txt": "a", "notebooks/requirements-dev.txt": "b"})
    assert declared(root) == [("b", "")]
    assert project(root, ".").dependency_files() == (root / "requirements.txt", root / "pyproject.toml")


def test_modules_beside_the_notebook_can_be_imported(root: Path) -> None:
    write(root, {"notebooks/own.py": "", "notebooks/pack/__init__.py": "", "notebooks/data/x.csv": "", "other.py": ""})
    write(root, {"notebooks/not-a-name.py": ""})
    assert project(root).modules() == {"own", "pack"}
    assert project(root, "nowhere").modules() == set()
