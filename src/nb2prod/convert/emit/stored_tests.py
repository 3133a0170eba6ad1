"""The tests of single steps on stored values, as they were observed."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.convert.observation import Observation, ObservedStep, Value
    from nb2prod.convert.plan import Plan

# A value that takes more than this has a file of its own, which all who have it share.
_INLINE = 2_000
_FOLDER = "tests/expected/"


def emit_stored_tests(plan: Plan, observation: Observation, most_bytes: int, *, runs: bool) -> dict[str, str]:
    """Return the files that test steps on stored values, by path; the values take ``most_bytes`` at most.

    A step that made the same when it was called by itself is called so; of the others, what they make in
    the run of the whole pipeline is compared, if ``runs``: the tests can run it. Steps with the smallest
    values come first; what no longer finds room is only described.
    """
    store = _Store(most_bytes)
    alone: list[str] = []
    together: list[str] = []
    for name, step in sorted(observation.steps.items(), key=lambda each: _size(each[1])):
        if any(each.text in json.dumps(_plain(step)) for each in plan.withheld) or not step.made:
            continue
        if step.alone and store.step(name, step, [each.node for each in step.arguments]):
            alone.append(name)
        elif runs and store.step(name, step, None):
            together.append(name)
    order = [step.name for step in plan.steps]
    alone.sort(key=order.index)
    together.sort(key=order.index)
    if not store.files:
        return {}
    first = "from importlib import import_module\n\n" if alone else ""
    text = _HEAD.replace("COLLECTED", f"{first}import pytest\n")
    module_of = {step.name: step.module for step in plan.steps}
    if alone:
        modules = repr({name: module_of[name] for name in alone})
        text += _ALONE.replace("PACKAGE", plan.package).replace("MODULES", modules)
    text += _TOGETHER.replace("STEPS", repr(together)) if together else ""
    helpers = [*(["assert_looks"] if together else []), *(["assert_results", "decode"] if alone else []), "load"]
    names = ", ".join(helpers)
    text = text.replace("NAMES", names)
    if not together:
        text = text.replace("from step_runs import PipelineRun\n", "")
    fixed = resources.files("nb2prod.convert.scaffold.tests").joinpath("stored_values.py").read_text(encoding="utf-8")
    return {"tests/stored_values.py": fixed, "tests/test_stored_values.py": text, **store.files}


def stored_steps(files: Mapping[str, str]) -> dict[str, bool]:
    """Return the steps whose results are stored in ``files``, texts by path, and whether each is called by itself."""
    # What follows a dot is a value that has a file of its own.
    names = (path.removeprefix(_FOLDER).removesuffix(".json") for path in files if path.startswith(_FOLDER))
    return {name: "arguments" in json.loads(files[f"{_FOLDER}{name}.json"]) for name in names if "." not in name}


class _Store:
    """The files of ``tests/expected``, as long as there is room."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.files: dict[str, str] = {}
        self.shared: dict[str, str] = {}

    def step(self, name: str, step: ObservedStep, arguments: list[Any] | None) -> bool:
        """Keep what is expected of a step; return whether there was room."""
        files: dict[str, str] = {}
        shared: dict[str, str] = {}
        made = {
            result: self._node(value.node, f"{name}.{result}", files, shared) for result, value in step.made.items()
        }
        content: dict[str, Any] = {"made": made}
        if arguments is not None:
            nodes = enumerate(arguments, start=1)
            content["arguments"] = [self._node(node, f"{name}.argument{at}", files, shared) for at, node in nodes]
        files[f"{_FOLDER}{name}.json"] = _lines(content)
        if arguments is None and sum(map(len, files.values())) > self.room:
            files = {f"{_FOLDER}{name}.json": _lines({"made": {n: v.about for n, v in step.made.items()}})}
            shared = {}
        size = sum(map(len, files.values()))
        if size > self.room:
            return False
        self.room -= size
        self.files |= files
        self.shared |= shared
        return True

    def _node(self, node: Any, name: str, files: dict[str, str], shared: dict[str, str]) -> Any:
        text = json.dumps(node)
        if len(text) <= _INLINE:
            return node
        if text not in self.shared and text not in shared:
            shared[text] = name
            files[f"{_FOLDER}{name}.json"] = _lines(node)
        return {"kind": "file", "name": shared.get(text) or self.shared[text]}


def _lines(node: Any) -> str:
    """Return JSON with a line for each entry, for each column of a table and for each row of an array."""
    if not isinstance(node, dict):
        return json.dumps(node) + "\n"
    width = node["shape"][-1] if len(node.get("shape", ())) > 1 else 0
    rows = [
        f'  "{key}": {_in_rows(value, width) if key == "values" and width else _value(value)}'
        for key, value in node.items()
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _in_rows(values: list[Any], width: int) -> str:
    rows = (json.dumps(values[start : start + width])[1:-1] for start in range(0, len(values), width))
    return "[\n    " + ",\n    ".join(rows) + "\n  ]"


def _value(value: object) -> str:
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f"    {json.dumps(key)}: {json.dumps(each)}" for key, each in value.items()) + "\n  }"
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        return "[\n" + ",\n".join(f"    {json.dumps(each)}" for each in value) + "\n  ]"
    return json.dumps(value)


def _size(step: ObservedStep) -> int:
    return len(json.dumps(_plain(step)))


def _plain(step: ObservedStep) -> list[Any]:
    values: tuple[Value, ...] = (*step.arguments, *step.made.values())
    return [each.node for each in values]


_HEAD = '''"""What the steps make, against what they made when the notebook was observed (``expected``)."""

from __future__ import annotations

COLLECTED
from step_runs import PipelineRun
from stored_values import NAMES
'''

_ALONE = '''
# The module of each step that is called by itself.
MODULE_OF = MODULES


@pytest.mark.parametrize("name", MODULE_OF)
def test_a_step_by_itself_makes_what_it_made(name: str) -> None:
    """Given what it was given."""
    step = getattr(import_module(f"PACKAGE.{MODULE_OF[name]}"), name)

    expected = load(name)
    made = step(*map(decode, expected["arguments"]))
    assert_results(made, expected["made"])
'''

_TOGETHER = '''

@pytest.mark.parametrize("name", STEPS)
def test_a_step_of_the_pipeline_makes_what_it_made(ran: PipelineRun, name: str) -> None:
    """What these steps are given cannot be stored."""
    assert_looks(ran[name].made, load(name)["made"])
'''
