"""Dependencies: what a notebook imports and installs, as requirement strings with their reasons."""

from __future__ import annotations

import json
from pathlib import Path, PurePath

import pytest
from packaging.requirements import Requirement

from nb2prod.convert.dependencies import infer_dependencies
from nb2prod.convert.plan import LocalFile
from nb2prod.imports import imported
from nb2prod.installs import installs, requirement
from nb2prod.libraries import Libraries
from nb2prod.notebook.read import parse_notebook


def dependencies(folder: Path, *cells: str, local: tuple[LocalFile, ...] = ()) -> dict[str, str]:
    """Return requirement → reason for a notebook of these code cells in ``folder``."""
    saved: list[dict[str, object]] = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell} for cell in cells
    ]
    content = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": saved})
    notebook = parse_notebook(content, folder / "n.ipynb")
    found = infer_dependencies(notebook, local, Libraries(), folder)
    for dependency in found:
        assert str(Requirement(dependency.requirement)) == dependency.requirement
    return {dependency.requirement: dependency.reason for dependency in found}


def test_imports_become_distributions_by_name_sorted(tmp_path: Path) -> None:
    found = dependencies(tmp_path, "import sklearn.svm, os\nimport numpy as np", "from PIL import Image\nimport cv2")
    assert list(found) == ["numpy", "opencv-python", "Pillow", "scikit-learn"]
    assert found["numpy"] == "imported in cell 1"


def test_a_reason_names_every_place_once(tmp_path: Path) -> None:
    local = (LocalFile(PurePath("tools.py"), "src/tools.py", b"import numpy"),)
    found = dependencies(tmp_path, "import numpy, tools", "import numpy.linalg\nimport numpy", local=local)
    assert found == {"numpy": "imported in cells 1, 2 and tools.py"}


def test_a_library_that_displays_through_ipython_where_it_is_installed_brings_it(tmp_path: Path) -> None:
    found = dependencies(tmp_path, "from lifelines import CoxPHFitter")
    assert found["ipython"] == "lifelines displays through it, imported in cell 1"
    assert list(dependencies(tmp_path, "import lifelines, IPython")).count("ipython") == 1


def test_imports_inside_functions_and_branches_count(tmp_path: Path) -> None:
    source = "def f():\n    import numpy\nif f:\n    from pandas import DataFrame"
    assert list(dependencies(tmp_path, source)) == ["numpy", "pandas"]


def test_what_no_distribution_can_be_called_is_no_dependency(tmp_path: Path) -> None:
    assert list(dependencies(tmp_path, "import _, _private.part, größe, pandas")) == ["pandas"]


def test_the_standard_library_and_its_former_modules_are_no_dependencies(tmp_path: Path) -> None:
    assert dependencies(tmp_path, "import os, json, imp, cPickle\nfrom urllib2 import urlopen") == {}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("try:\n    import a\nexcept ImportError:\n    import b", ["a"]),
        ("try:\n    import a\nexcept (ImportError, OSError):\n    import b", ["a"]),
        ("try:\n    import a\nexcept ValueError:\n    import b", ["a", "b"]),
        ("try:\n    import cPickle\nexcept ImportError:\n    import b", ["b", "cPickle"]),
        ("try:\n    import google.colab\nexcept ImportError:\n    import b", ["b"]),
        ("from . import a\nfrom .b import c\nimport d.e", ["d.e"]),
        ("from a.b import c, d", ["a.b.c", "a.b.d"]),
        ("from a import *", ["a"]),
    ],
)
def test_fallbacks_relative_and_platform_imports_are_left_out(source: str, names: list[str]) -> None:
    import ast  # noqa: PLC0415 - only here

    assert list(imported(ast.parse(source))) == names


def test_modules_that_are_local_written_or_fetched_are_no_dependencies(tmp_path: Path) -> None:
    local = (LocalFile(PurePath("tools.py"), "src/tools.py", b"import scipy"),)
    found = dependencies(
        tmp_path,
        "import tools, gui, mdp, pack.part",
        "%%writefile gui.py\nx = 1",
        "%%writefile pack/part.py\nx = 1",
        "!wget -q https://example.org/course/mdp.py",
        local=local,
    )
    assert found == {"scipy": "imported in tools.py"}


def test_an_unknown_module_is_taken_at_its_name_and_the_reason_says_so(tmp_path: Path) -> None:
    found = dependencies(tmp_path, "import surely_no_such_module")
    assert found == {"surely_no_such_module": "imported in cell 1; taken to be named like the module"}


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("from google.cloud.no_such import Client", "google-cloud-no-such"),
        ("import azure.no_such.blob.other", "azure-no-such-blob"),
        ("from azureml.nosuch.x import y", "azureml-nosuch"),
    ],
)
def test_a_part_of_a_namespace_is_taken_at_its_own_name(tmp_path: Path, source: str, needed: str) -> None:
    assert list(dependencies(tmp_path, source)) == [needed]


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("pd.read_excel('a.xlsx')", "openpyxl"),
        ("name = 'a.xls'\npd.read_excel(name)", "xlrd"),
        ("pd.read_excel(folder + '/a.xlsx')", "openpyxl"),
        ("pd.read_parquet(path)", "pyarrow"),
        ("pd.read_parquet(path, engine='fastparquet')", "fastparquet"),
        ("table.style.background_gradient()", "jinja2"),
        ("%matplotlib inline", "matplotlib"),
    ],
)
def test_what_is_loaded_on_demand_counts_where_it_is_certain(tmp_path: Path, source: str, needed: str) -> None:
    assert set(dependencies(tmp_path, f"import pandas as pd\n{source}")) == {"pandas", needed}


@pytest.mark.parametrize("plot", ["sales.plot()", "sales.plot.bar(x='shop');", "sales.price.hist()"])
def test_what_pandas_draws_needs_matplotlib_wherever_pandas_was_imported(tmp_path: Path, plot: str) -> None:
    assert list(dependencies(tmp_path, "import pandas as pd", plot)) == ["matplotlib", "pandas"]
    assert list(dependencies(tmp_path, "import numpy", plot)) == ["numpy"]


def test_a_file_of_unknown_kind_needs_nothing_more(tmp_path: Path) -> None:
    assert set(dependencies(tmp_path, "import pandas as pd\npd.read_excel(path)\npd.read_csv('a.csv')")) == {"pandas"}


def test_versions_come_from_the_install_lines_the_last_one_wins(tmp_path: Path) -> None:
    found = dependencies(
        tmp_path, "!pip install 'pandas==1.4' numpy", "import pandas, numpy", "%pip install pandas==1.5 -q"
    )
    assert found == {
        "numpy": "imported in cell 2; pip install in cell 1",
        "pandas==1.5": "imported in cell 2; pip install in cell 3",
    }


def test_versions_come_from_the_nearest_files_of_the_project(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "requirements.txt").write_text("pandas>=1.5 ; python_version > '3'\n-r more.txt\nflask==1\n")
    (tmp_path / "more.txt").write_text("numpy~=1.23  # fast\nscipy @ https://example.org/scipy-1.0.zip\n")
    found = dependencies(folder, "!pip install pandas[excel]", "import pandas, numpy")
    assert found == {
        "numpy~=1.23": "imported in cell 2; more.txt",
        "pandas[excel]>=1.5": "imported in cell 2; requirements.txt",
    }


def test_what_a_distribution_is_built_on_counts_where_the_files_give_its_version(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pandas==1.5.3\nnumpy==1.23.5\nscipy==1.9.3\nmatplotlib\n")

    assert dependencies(tmp_path, "import pandas, seaborn") == {
        "numpy==1.23.5": "pandas is built on it, imported in cell 1; requirements.txt",
        "pandas==1.5.3": "imported in cell 1; requirements.txt",
        "scipy==1.9.3": "seaborn is built on it, imported in cell 1; requirements.txt",
        "seaborn": "imported in cell 1",
    }


def test_conda_files_and_lines_give_versions_and_no_new_dependencies(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text(
        "dependencies:\n  - python=3.9\n  - conda-forge::numpy=1.23\n  - pip:\n    - pandas==1.5.3\nname: x\n"
    )
    found = dependencies(tmp_path, "!conda install -y -c conda-forge scipy=1.9 r-base", "import scipy, numpy, pandas")
    assert list(found) == ["numpy==1.23.*", "pandas==1.5.3", "scipy==1.9.*"]


def test_what_is_installed_and_not_imported_is_a_dependency_unless_it_is_a_tool(tmp_path: Path) -> None:
    found = dependencies(tmp_path, "!pip install --upgrade pip jupyter ipywidgets imageio-ffmpeg")
    assert found == {"imageio-ffmpeg": "the notebook installs it (pip install in cell 1); nothing imports it"}


def test_an_installed_module_name_and_a_variant_mean_the_distribution(tmp_path: Path) -> None:
    found = dependencies(
        tmp_path, "!pip install sklearn==1.0 opencv-python-headless tensorflow-hub", "import sklearn, cv2, tensorflow"
    )
    assert list(found) == ["opencv-python-headless", "scikit-learn==1.0", "tensorflow", "tensorflow-hub"]


def test_a_requirements_file_the_notebook_installs_is_read_inside_its_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("scipy==1.0\n")
    (folder / "own.txt").write_text("numpy==1.23 --hash=sha256:00\n--index-url https://example.org\n")
    assert list(dependencies(folder, "!pip install -r own.txt -r ../outside.txt")) == ["numpy==1.23"]


@pytest.mark.parametrize(
    ("command", "requirements"),
    [
        ("pip install pandas==1.2 numpy", ("pandas==1.2", "numpy")),
        ("pip3 install -U --quiet 'a>=1,<2'", ("a<2,>=1",)),
        ("python3 -m pip install --index-url https://example.org/simple a", ("a",)),
        ("{sys.executable} -m pip install a", ("a",)),
        ("/usr/bin/python3.9 -m pip install a", ("a",)),
        ("uv pip install a", ("a",)),
        ("sudo pip install a && pip install b; pip install c", ("a", "b", "c")),
        ("pip install a > /dev/null 2>&1", ("a",)),
        ("pip install a | grep -v already", ("a",)),
        ("pip install a # the best", ("a",)),
        ("pip install a==$V {b} c", ("a", "c")),
        ("pip install a[x,y]==1", ("a[x,y]==1",)),
        ("pip install -e . ./wheels/a-1.0.whl", ()),
        ("conda install -y -c conda-forge a=1.5 b", ("a==1.5.*", "b")),
        ("pip install git+https://example.org/u/repo.git@v1", ("repo @ git+https://example.org/u/repo.git@v1",)),
        (
            "pip install -e 'git+https://example.org/u/repo#egg=other'",
            ("other @ git+https://example.org/u/repo",),
        ),
        (
            "pip install https://example.org/a_b-1.0-py3-none-any.whl",
            ("a_b @ https://example.org/a_b-1.0-py3-none-any.whl",),
        ),
        (
            "pip install https://example.org/u/repo/archive/main.zip",
            ("repo @ https://example.org/u/repo/archive/main.zip",),
        ),
    ],
)
def test_install_lines_give_requirement_strings(command: str, requirements: tuple[str, ...]) -> None:
    found = installs(command)
    assert found is not None
    assert found.requirements == requirements
    assert all(str(Requirement(text)) == text for text in found.requirements)


@pytest.mark.parametrize(
    "command", ["pip list", "ls", "pip install a && ls", "apt-get install a", "pip install 'a", ""]
)
def test_what_does_anything_else_is_no_installation(command: str) -> None:
    assert installs(command) is None


def test_uninstalling_is_told_apart() -> None:
    found = installs("pip uninstall -y a")
    assert found is not None
    assert found.removes


def test_a_local_path_is_no_requirement() -> None:
    assert requirement("./a") is None
    assert requirement("../a.whl") is None
