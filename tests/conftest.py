"""What all tests share: where the data is, the corpus if it is there, and ``--update``."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

import nb2prod

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update``: snapshots are rewritten instead of compared, to be read in the diff."""
    parser.addoption("--update", action="store_true", help="rewrite snapshots instead of comparing with them")


def pytest_configure() -> None:
    """Refuse to test the checkout where the installed wheel is meant (``make wheel-test``)."""
    expected = os.environ.get("NB2PROD_EXPECT_FROM")
    if expected and not Path(nb2prod.__file__).is_relative_to(Path(expected).resolve()):
        raise pytest.UsageError(f"nb2prod was imported from {nb2prod.__file__}, not from below {expected}")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find what another has found, or touch the cache of whoever runs them."""
    monkeypatch.setenv("NB2PROD_CACHE_DIR", str(tmp_path_factory.getbasetemp() / f"cache-{uuid4().hex}"))


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Whether snapshots are to be rewritten."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of the source checkout; skip where the tests run without one."""
    if not (ROOT / "src" / "nb2prod").is_dir():
        pytest.skip("needs the source checkout")
    return ROOT


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Return the folder of our own notebooks."""
    return ROOT / "fixtures"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Return the folder of real notebooks; skip where it is not there."""
    folder = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip("needs the corpus of real notebooks (NB2PROD_CORPUS)")
    return folder
