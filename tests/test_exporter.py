"""``jupyter nbconvert --to nb2prod``: the package of ``nb2prod convert``, as an archive."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbconvert.utils.exceptions import ConversionException
from traitlets.config import Config

import nb2prod
from nb2prod.convert import convert
from nb2prod.exporter import PackageExporter, archive


def notebook(folder: Path, *sources: str) -> Path:
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    path = folder / "sales.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def exporter(**settings: object) -> PackageExporter:
    """Return the exporter with these settings of nbconvert, by class."""
    return PackageExporter(config=Config(settings))  # type: ignore[no-untyped-call]


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_archive_is_the_package_of_the_command_line(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1", "print(x)")

    content, resources = exporter().from_filename(str(path))

    package = convert(path)
    assert unpacked(content) == {f"{package.name}/{name}": data for name, data in package.files.items()}
    assert resources["output_extension"] == ".zip"


def test_the_same_notebook_gives_the_same_bytes(tmp_path: Path) -> None:
    package = convert(notebook(tmp_path, "x = 1"))

    assert archive(package) == archive(package)
    with zipfile.ZipFile(io.BytesIO(archive(package))) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in file.infolist()} == {0o100644}


def test_a_notebook_in_memory_is_converted(tmp_path: Path) -> None:
    node = nbformat.read(notebook(tmp_path, "print(1)"), as_version=4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"name": "weekly", "path": str(tmp_path)}}

    content, _ = exporter().from_notebook_node(node, resources)

    assert b"print(1)" in unpacked(content)["weekly/src/weekly/steps.py"]


def test_what_a_preprocessor_changes_is_what_is_converted(tmp_path: Path) -> None:
    path = notebook(tmp_path, "print('kept')", "print('removed')  # remove me")
    settings = {"enabled": True, "patterns": [".*remove me.*"]}

    content, _ = exporter(RegexRemovePreprocessor=settings).from_filename(str(path))

    steps = unpacked(content)["sales/src/sales/steps.py"]
    assert b"kept" in steps
    assert b"removed" not in steps


def test_settings_name_the_package_and_ask_for_the_rest_of_a_refused_notebook(tmp_path: Path) -> None:
    path = notebook(tmp_path, "print(1)", "exec('y = 2')")
    with pytest.raises(ConversionException, match="cell 2, line 1: exec"):
        exporter().from_filename(str(path))

    content, _ = exporter(PackageExporter={"package_name": "monthly", "partial": True}).from_filename(str(path))

    assert b"raise NotImplementedError" in unpacked(content)["monthly/src/monthly/steps.py"]


def test_nbconvert_finds_it_by_name(tmp_path: Path) -> None:
    """The command line of nbconvert, with the entry point as the project declares it."""
    path = notebook(tmp_path, "x = 1")
    root = Path(__file__).parent.parent
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["entry-points"]["nbconvert.exporters"]
    metadata = tmp_path / "site" / "nb2prod_here-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: nb2prod-here\nVersion: 0\n")
    lines = [f"{name} = {target}" for name, target in declared.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[nbconvert.exporters]", *lines]) + "\n")
    source = Path(nb2prod.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), str(tmp_path / "site")])}
    command = [sys.executable, "-m", "nbconvert", "--to", "nb2prod", str(path)]
    expected = archive(convert(path))

    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "sales.zip").read_bytes() == expected
