"""What the tests of a package are made of, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.asserts import notebook_asserts
from nb2prod.convert.data_files import named_folders
from nb2prod.convert.expectations import saved_expectations
from nb2prod.convert.expectations_observed import observed_expectations, settled_observation
from nb2prod.convert.plan import MOST_TEST_DATA

if TYPE_CHECKING:
    from pathlib import Path

    from nb2prod.analysis import Analysis
    from nb2prod.convert.asserts import NotebookAssert
    from nb2prod.convert.expectations import Expectations
    from nb2prod.convert.observation import Observation
    from nb2prod.convert.plan import Plan


@dataclass(frozen=True, slots=True)
class ExpectedTests:
    """What is known of the steps, and how much may be stored of it.

    room     bytes that are left for stored values beside the data files
    folders  that a run expects to be there, relative to where it runs
    """

    texts: Expectations
    asserts: tuple[NotebookAssert, ...]
    observation: Observation | None
    room: int
    folders: tuple[str, ...] = ()


def expected_tests(plan: Plan, analysis: Analysis, observation: Observation | None, folder: Path) -> ExpectedTests:
    """Return what tests can expect; ``folder`` is where the data files are."""
    if observation is None:
        texts = saved_expectations(plan, analysis)
    else:
        texts = observed_expectations(plan, analysis, observation)
        observation = settled_observation(plan, analysis, observation)
    data = sum((folder / file).stat().st_size for file in plan.data_files)
    most = plan.options.max_test_data or MOST_TEST_DATA
    return ExpectedTests(
        texts, notebook_asserts(plan, analysis), observation, most - data, named_folders(plan.notebook, folder)
    )
