"""What the observer sees of values, of a kernel and of a package, and that the run does not notice."""

from __future__ import annotations

import array
import ast
import collections
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import importlib.util
import io
import json
import os
import pathlib
import pickle
import random
import re
import shutil
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.write import write_package
from nb2prod.notebook.read import read_notebook
from nb2prod.verify import observer
from nb2prod.verify.cells import cells, points, statement_groups
from nb2prod.verify.observer import Limits, digest
from nb2prod.verify.recorded import Recorded, read_recorded
from nb2prod.verify.trace import OF_PROCESS
from nb2prod.verify.values import compare_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.verify.trace import Role, Value

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.fractions()
    | st.uuids()
)
KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.dates()
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=8)
        | st.sets(KEYS, max_size=8)
        | st.builds(lambda items: collections.deque(items, maxlen=9), st.lists(inner, max_size=5))
        | st.builds(SimpleNamespace, a=inner, b=inner)
    ),
    max_leaves=25,
)


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1
    BLUE = 2


class Point(NamedTuple):
    """A named tuple."""

    x: float
    y: float


@dataclasses.dataclass
class Box:
    """A dataclass."""

    size: int
    parts: list[int]


class Slotted:
    """A class with slots."""

    __slots__ = ("left", "right")

    def __init__(self, left: object) -> None:
        """Leave ``right`` without a value."""
        self.left = left


class Dangerous:
    """A class whose every access is a trap."""

    def __init__(self) -> None:
        """Hold one value."""
        self.held = 1

    @property
    def lazy(self) -> object:
        """Raise."""
        raise AssertionError("a property was asked")

    def __getattr__(self, name: str) -> object:
        """Raise."""
        raise AssertionError(f"the attribute {name} was asked")

    def __repr__(self) -> str:
        """Raise."""
        raise AssertionError("the text was asked")

    def __eq__(self, other: object) -> bool:
        """Raise."""
        raise AssertionError("it was compared")

    __hash__ = None  # type: ignore[assignment]


@given(VALUES)
def test_a_copy_has_an_equal_digest_that_survives_json(value: object) -> None:
    one, other = digest(value), json.loads(json.dumps(digest(copy.deepcopy(value))))

    assert compare_values(one, other) is None
    assert json.loads(json.dumps(one)) == one


@given(VALUES)
def test_looking_at_a_value_leaves_it_as_it_was(value: object) -> None:
    before = pickle.dumps(value)

    digest(value)

    assert pickle.dumps(value) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"kind": "none"}),
        (True, {"kind": "bool", "value": True}),
        (3, {"kind": "int", "value": "3"}),
        (0.1, {"kind": "float", "value": "0.1"}),
        (float("nan"), {"kind": "float", "value": "nan"}),
        (float("-inf"), {"kind": "float", "value": "-inf"}),
        (1 - 2j, {"kind": "complex", "real": "1.0", "imag": "-2.0"}),
        ("é", {"kind": "str", "value": "é"}),
        (b"ab", {"kind": "bytes", "type": "bytes", "value": "YWI="}),
        (dt.date(2020, 1, 2), {"kind": "exact", "type": "date", "value": "2020-01-02"}),
        (decimal.Decimal("1.10"), {"kind": "exact", "type": "Decimal", "value": "1.10"}),
        (fractions.Fraction(1, 3), {"kind": "exact", "type": "Fraction", "value": "1/3"}),
        (pathlib.PurePosixPath("a/b"), {"kind": "exact", "type": "Path", "value": "a/b"}),
        (uuid.UUID(int=1), {"kind": "exact", "type": "UUID", "value": str(uuid.UUID(int=1))}),
        (Colour.RED, {"kind": "exact", "type": "Colour", "value": "Colour.RED"}),
        (range(1, 9, 2), {"kind": "exact", "type": "range", "value": "range(1, 9, 2)"}),
        (..., {"kind": "exact", "type": "ellipsis", "value": "..."}),
        (len, {"kind": "exact", "type": "builtin_function_or_method", "value": "len"}),
        (Colour, {"kind": "exact", "type": "class", "value": "Colour"}),
        (re, {"kind": "exact", "type": "module", "value": "re"}),
    ],
)
def test_a_simple_value_is_written_out(value: object, expected: dict[str, object]) -> None:
    assert digest(value) == expected


def test_a_function_is_known_by_its_name_without_its_module_and_surroundings() -> None:
    def inner() -> None: ...

    assert digest(inner)["value"] == "inner"


def test_what_objects_hold_is_found_without_running_their_code() -> None:
    assert digest(Dangerous()) == {
        "kind": "record",
        "type": "Dangerous",
        "fields": {"held": {"kind": "int", "value": "1"}},
    }
    assert digest(Slotted(5))["fields"] == {"left": {"kind": "int", "value": "5"}}
    assert list(digest(Box(1, [2]))["fields"]) == ["size", "parts"]
    assert digest(Point(1.0, 2.0))["names"] == ["x", "y"]
    assert set(digest(functools.partial(max, 1, key=len))["fields"]) == {"function", "arguments", "keywords"}


def test_what_would_be_used_up_is_not_touched() -> None:
    for value in (iter([1]), (number for number in (1, 2)), map(str, [1]), enumerate("a")):
        assert digest(value)["kind"] == "incomparable"
        assert next(value)


def test_things_of_the_process_are_not_comparable(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        assert digest(file)["reason"] == "it belongs to its process"
    assert digest(object())["kind"] == "incomparable"


def test_the_state_of_a_generator_of_random_numbers_is_seen_and_not_moved() -> None:
    generator = random.Random(1)  # noqa: S311
    before = generator.getstate()

    seen = digest(generator)

    assert generator.getstate() == before
    generator.random()
    assert digest(generator) != seen


def test_a_value_that_holds_itself_ends() -> None:
    value: list[object] = [1]
    value.append({"me": value})

    assert digest(value)["elements"]["items"][1]["items"][0][1] == {"kind": "cycle", "up": 2}


def test_deep_large_and_slow_values_end_with_a_reason() -> None:
    deep: list[object] = []
    for _ in range(50):
        deep = [deep]
    assert "nested too deep" in json.dumps(digest(deep))
    assert "holds too many" in json.dumps(digest([[number, None] for number in range(100)], Limits(nodes=50)))
    assert digest([1, None], Limits(seconds=-1.0))["reason"] == "the time for looking at the value was over"


def test_what_is_cut_off_is_hashed() -> None:
    items = [[number] for number in range(2_000)]
    one = digest(items)
    items[1_900] = [0]

    assert len(one["elements"]["items"]) == Limits().items
    assert digest(items)["elements"]["sha256"] != one["elements"]["sha256"]


def test_long_texts_are_hashed() -> None:
    seen = digest("ab" * 50_000)

    assert seen["length"] == 100_000
    assert len(json.dumps(seen)) < 1_000


def test_many_numbers_are_summed_up() -> None:
    seen = digest([float(number) for number in range(100_000)])["elements"]["packed"]

    assert seen["count"] == 100_000
    assert (seen["min"], seen["max"], seen["mean"]) == ("0.0", "99999.0", "49999.5")
    assert len(json.dumps(seen)) < 20_000


def test_huge_integers_are_exact() -> None:
    assert compare_values(digest(10**6000), digest(10**6000)) is None
    assert compare_values(digest(10**6000), digest(10**6000 + 1)) is not None
    assert digest(array.array("i", [1, 2]))["type"] == "array"


def test_warnings_of_looking_are_not_shown_and_shown_ones_are_not_shown_again(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Warns:
        def __repr__(self) -> str:
            import warnings  # noqa: PLC0415

            warnings.warn("text", stacklevel=1)
            return "Warns()"

    done = _python(f"""
        import importlib.util as u, sys, warnings
        s = u.spec_from_file_location("o", {observer.__file__!r})
        m = sys.modules["o"] = u.module_from_spec(s); s.loader.exec_module(m)
        class Warns(int):
            def __index__(self):
                warnings.warn("inside")
                return 1
        class Shown:
            __slots__ = ()
            def __repr__(self):
                warnings.warn("inside")
                return "Shown()"
        def f():
            warnings.warn("outside")
        for _ in range(3):
            f()
            m.digest(Shown())
    """)

    assert done.stderr.count("outside") == 1 + done.stderr.count('warnings.warn("outside")')
    assert "inside" not in done.stderr
    assert not capfd.readouterr().err


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_observer_loads_on_old_and_new_interpreters(version: str) -> None:
    """Each of its files parses as the grammar of that version; where that interpreter is installed it is loaded."""
    major, minor = map(int, version.split("."))
    files = sorted(Path(observer.__file__).parent.glob("*.py"))
    refused = [file.name for file in files if not _parses(file, (major, minor))]
    assert (len(files) > 1, refused) == (True, [])

    python = shutil.which(f"python{version}")
    # A name on the path may only stand for an interpreter that is not installed.
    if python is not None and subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0:
        load = f"import importlib.util as u, sys; s = u.spec_from_file_location('o', {observer.__file__!r}); "
        load += "m = sys.modules['o'] = u.module_from_spec(s); s.loader.exec_module(m); print(m.digest(1)['value'])"
        done = subprocess.run([python, "-c", load], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("1\n", "")


def _parses(file: Path, version: tuple[int, int]) -> bool:
    try:
        ast.parse(file.read_text(encoding="utf-8"), feature_version=version)
    except SyntaxError:
        return False
    return True


def _python(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
        **options,
    )


# The kernel's side


def _notebook(path: Path, sources: Sequence[str]) -> Path:
    rows: list[dict[str, Any]] = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    data = {"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ("a = 1; b = 2\nc = 3", [1, 1, 1]),
        ("%time x = 1; y = 2\nz = 3", [3, 1]),
        ("!ls \\\n  -l\na = 1; b = 2;", [1, 1, 1]),
        ("%%time\nu = 1\nv = 2", [3]),
        ("%%capture out\nprint(1)", [2]),
        ("%timeit -n 1 -r 1 q = 5\nr=1", [2, 1]),
        ("w = !ls\nw?\nf = 4", [1, 1, 1]),
        ("%%bash\nls", [1]),
        ("if 1:\n    %time k = 1\nm = 1", [1, 1]),
        ("# only a comment", []),
        ('x = 0\nif __name__ == "__main__":\n    x = 1\n    y = 2\nz = 3', [1, 2, 1]),
    ],
)
def test_statements_are_counted_as_the_kernel_counts_them(tmp_path: Path, source: str, groups: list[int]) -> None:
    pytest.importorskip("IPython")
    import ast  # noqa: PLC0415

    from IPython.core.inputtransformer2 import TransformerManager  # noqa: PLC0415

    notebook = read_notebook(_notebook(tmp_path / "n.ipynb", [source]))
    found = statement_groups(notebook.code_cells[0], notebook)

    assert found == groups
    assert len(ast.parse(TransformerManager().transform_cell(source)).body) == len(found)


_SHELL = """
import importlib.util as u, json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.colors = "nocolor"
cells, points, path = json.loads({cells!r}), json.loads({points!r}), {path!r}
if path:
    s = u.spec_from_file_location("_nb2prod_observer", {observer!r})
    m = sys.modules[s.name] = u.module_from_spec(s); s.loader.exec_module(m)
    m.install_in_kernel(points, path, 0, cells, shell)
for cell in cells:
    shell.run_cell(cell["source"], store_history=True)
names = sorted(name for name in shell.user_ns if name not in ("In", "Out", "get_ipython", "exit", "quit", "open"))
print("NAMES", names)
print("OUT", {{number: repr(value) for number, value in shell.user_ns["Out"].items()}})
"""


def _observe(
    tmp_path: Path, sources: Sequence[str], looks: Sequence[tuple[int, int, str]]
) -> tuple[Recorded, str, str]:
    """Return what was recorded, and what the shell printed with and without the observer."""
    pytest.importorskip("IPython")
    notebook = read_notebook(_notebook(tmp_path / "n.ipynb", sources))
    places = [
        {"step": f"step{number}", "cell": cell, "statement": statement, "names": [[name, "result"]]}
        for number, (cell, statement, name) in enumerate(looks, start=1)
    ]
    printed = []
    for path in (str(tmp_path / "events.jsonl"), ""):
        code = _SHELL.format(
            cells=json.dumps(cells(notebook)), points=json.dumps(places), path=path, observer=observer.__file__
        )
        environment = {"IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)}
        printed.append(_python(code, env=environment, cwd=tmp_path).stdout)
    return read_recorded(tmp_path / "events.jsonl"), printed[0], printed[1]


def _values(recorded: Recorded) -> list[tuple[str, Any]]:
    return [
        (value.step, value.digest.get("value", value.digest["kind"]))
        for value in recorded.values
        if value.role not in OF_PROCESS
    ]


def _variables(recorded: Recorded) -> list[Value]:
    return [value for value in recorded.values if value.role not in OF_PROCESS]


def _states(recorded: Recorded, name: str, role: Role = "generator") -> list[str]:
    return [value.digest["value"] for value in recorded.values if (value.role, value.name) == (role, name)]


def test_a_variable_is_seen_as_it_was_when_its_step_ended(tmp_path: Path) -> None:
    recorded, _, _ = _observe(
        tmp_path, ["x = 1\nx += 1\nx += 1\nx", "x = 'later'"], [(1, 1, "x"), (1, 3, "x"), (1, 4, "x"), (2, 1, "x")]
    )

    assert _values(recorded) == [("step1", "1"), ("step2", "3"), ("step3", "3"), ("step4", "later")]


def test_statements_are_found_between_magics(tmp_path: Path) -> None:
    recorded, _, _ = _observe(
        tmp_path,
        ["x = 1; x = 2\n%time x = 3; y = 4\nx = 5;", "%%time\nx = 6\nx = 7", "w = !echo a\nx = 8\nx?\nx = 9\nx"],
        [(1, 1, "x"), (1, 2, "x"), (1, 4, "x"), (1, 6, "x"), (2, 3, "x"), (3, 2, "x"), (3, 4, "x")],
    )

    assert [value for _, value in _values(recorded)] == ["1", "2", "3", "5", "7", "8", "9"]
    assert recorded.notes == ()


def test_a_name_without_a_value_is_unbound(tmp_path: Path) -> None:
    recorded, _, _ = _observe(tmp_path, ["x = 1\ndel x"], [(1, 2, "x")])

    assert _values(recorded) == [("step1", "unbound")]


def test_a_failing_cell_is_recorded_and_what_it_made_is_seen(tmp_path: Path) -> None:
    recorded, _, _ = _observe(tmp_path, ["x = 1\n1 / 0\nx = 2", "y ="], [(1, 3, "x")])

    assert _values(recorded) == [("step1", "1")]
    assert [(each.cell, each.kind) for each in recorded.failures] == [(1, "ZeroDivisionError"), (2, "SyntaxError")]
    assert recorded.cell_seconds[0][0] == 1


def test_displayed_values_are_recorded_as_objects(tmp_path: Path) -> None:
    recorded, _, _ = _observe(
        tmp_path,
        ["from IPython.display import display\ndisplay([1], [2])\n{'a': 1}", "5;", "None", "7"],
        [],
    )

    found = [(each.cell, each.number, each.digest["kind"]) for each in recorded.displayed]
    assert found == [(1, 1, "sequence"), (1, 2, "sequence"), (1, 0, "mapping"), (4, 0, "int")]


def test_the_notebook_does_not_notice_that_it_is_observed(tmp_path: Path) -> None:
    sources = [
        "import random\nprint('a')\nx = [1]\nx",
        "%%capture c\nprint('hidden')",
        "print(c.stdout, end='')\n_",
        "x.append(2); print(dir()[-3:])\nx;",
        "class A:\n    pass\nprint(A)\n_ * 2",
        "a = 1\nprint(random.random() < 2, In[-1])\na",
        "%time b = 4\nb",
        "import warnings\nfor _ in range(2):\n    warnings.warn('twice?')\nsorted(globals())[:9]",
    ]
    looks = [(cell, statement, "x") for cell in range(1, 9) for statement in (1, 2)]

    _, observed, plain = _observe(tmp_path, sources, looks)

    def untimed(text: str) -> str:
        return re.sub(r"(?m)^(CPU times|Wall time).*$", "time", text)

    assert untimed(observed) == untimed(plain)
    assert "OUT {" in observed


def test_a_real_kernel_is_observed_and_sends_the_same_messages(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    client = pytest.importorskip("jupyter_client")
    sources = ["x = 1\nprint('one')\nx += 1\nx", "print('two', _)\nraise ValueError('no')", "_"]
    notebook = read_notebook(_notebook(tmp_path / "n.ipynb", sources))
    place = {"step": "s", "cell": 1, "statement": 1, "names": [["x", "result"]]}
    path = tmp_path / "events.jsonl"
    code = (
        f"import importlib.util as u, sys\ns = u.spec_from_file_location('_nb2prod_observer', {observer.__file__!r})\n"
        "m = sys.modules[s.name] = u.module_from_spec(s); s.loader.exec_module(m)\n"
        f"m.install_in_kernel([{place!r}], {str(path)!r}, 0, {cells(notebook)!r})"
    )
    sent = []
    for prologue in (f"exec({code!r}, {{}})", ""):
        manager, kernel = client.manager.start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
        try:
            if prologue:
                reply = kernel.execute_interactive(prologue, silent=True, store_history=False, timeout=60)
                assert reply["content"]["status"] == "ok"
            messages: list[Any] = []

            def keep(message: Any, messages: list[Any] = messages) -> None:
                content = {key: part for key, part in message["content"].items() if key != "traceback"}
                messages.append((message["msg_type"], content))

            for source in sources:
                kernel.execute_interactive(source, output_hook=keep, timeout=60, stop_on_error=False)
            sent.append(messages)
        finally:
            kernel.stop_channels()
            manager.shutdown_kernel(now=True)

    assert sent[0] == sent[1]
    recorded = read_recorded(path)
    assert _values(recorded) == [("s", "1")]
    assert [(each.cell, each.digest["value"]) for each in recorded.displayed] == [(1, "2"), (3, "2")]
    assert [each.kind for each in recorded.failures] == ["ValueError"]


# The package's side


def _package(tmp_path: Path, sources: Sequence[str]) -> tuple[dict[str, Any], Path]:
    conversion = convert_notebook(_notebook(tmp_path / "story.ipynb", sources))
    write_package(conversion.package, tmp_path / "package")
    manifest: dict[str, Any] = json.loads((tmp_path / "package" / "conversion.json").read_text(encoding="utf-8"))
    return manifest, tmp_path / "package" / "src"


def _run(
    tmp_path: Path, manifest: dict[str, Any], source: Path, *, check: bool = True
) -> tuple[Recorded, subprocess.CompletedProcess[str]]:
    package = manifest["package"]
    code = f"""
import importlib.util as u, runpy, sys
s = u.spec_from_file_location("_nb2prod_observer", {observer.__file__!r})
m = sys.modules[s.name] = u.module_from_spec(s); s.loader.exec_module(m)
sys.path.insert(0, {str(source)!r})
sys.argv = [{package!r}]
m.install_in_package({package!r}, {manifest!r}, {str(tmp_path / "package.jsonl")!r}, 0)
runpy.run_module({package!r}, run_name="__main__", alter_sys=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode == 0) == check, done.stderr
    return read_recorded(tmp_path / "package.jsonl"), done


STORY = [
    "data = [3, 1, 2]\nother = {'n': 1}",
    "def double(values):\n    return [2 * value for value in values]\nlarge = double(data)\ndata.append(4)\nlarge",
    "total = sum(large)\nprint(total)\ntotal / 2",
]


def test_a_package_records_what_the_notebook_records(tmp_path: Path) -> None:
    manifest, source = _package(tmp_path, STORY)
    looks = points(manifest)
    events = tmp_path / "events.jsonl"
    recorded, done = _run(tmp_path, manifest, source)
    pytest.importorskip("IPython")
    code = _SHELL.format(
        cells=json.dumps(cells(read_notebook(tmp_path / "story.ipynb"))),
        points=json.dumps([dataclasses.asdict(point) for point in looks]),
        path=str(events),
        observer=observer.__file__,
    )
    _python(code, env={"IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)}, cwd=tmp_path)
    notebook = read_recorded(events)

    assert done.stdout == "12\n"
    assert notebook.values
    assert [(each.step, each.name, each.role, each.digest) for each in recorded.values] == [
        (each.step, each.name, each.role, each.digest) for each in notebook.values
    ]
    assert recorded.displayed == notebook.displayed
    assert [each.cell for each in recorded.displayed] == [2, 3]
    assert recorded.notes == notebook.notes == ()


def test_a_changed_argument_is_seen_as_the_step_left_it(tmp_path: Path) -> None:
    manifest = _manifest("change", ["items"], [])
    source = _written(tmp_path, "def change(items):\n    items.append(2)\n", "steps.change([1])")

    recorded, _ = _run(tmp_path, manifest, source)

    assert [(each.name, each.role, each.digest["length"]) for each in _variables(recorded)] == [
        ("items", "argument", 2)
    ]


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_an_argument_the_step_binds_anew_is_seen_as_it_is_at_the_end(tmp_path: Path, keyword: str) -> None:
    manifest = _manifest("change", ["items", "gone"], [])
    text = f"""
from __future__ import annotations
{keyword} change(items: Undefined, gone, more=(2,)):
    'Change.'
    items = [*items, *more]
    del gone
    if items:
        print(items, change.__doc__)
        return
"""
    call = "asyncio.run(steps.change([1], 2))" if keyword == "async def" else "steps.change([1], 2)"
    source = _written(tmp_path, text, f"import asyncio; {call}")

    recorded, done = _run(tmp_path, manifest, source)

    assert done.stdout == "[1, 2] Change.\n"
    assert [each.digest.get("length", each.digest["kind"]) for each in _variables(recorded)] == [2, "unbound"]


def test_an_argument_a_later_step_takes_is_seen_as_the_caller_has_it(tmp_path: Path) -> None:
    manifest = _manifest("change", ["items"], [])
    manifest["steps"].append({"name": "use", "cells": [4], "arguments": ["items"], "results": [], "async": False})
    text = "def change(items):\n    items = [*items, 2]\ndef use(items):\n    print(items)\n"
    source = _written(tmp_path, text, "items = [1]; steps.change(items); steps.use(items)")

    recorded, _ = _run(tmp_path, manifest, source)

    assert [(each.step, each.digest["length"]) for each in _variables(recorded)] == [("change", 1), ("use", 1)]


def test_a_step_that_fails_after_binding_an_argument_anew_shows_its_own_line(tmp_path: Path) -> None:
    manifest = _manifest("fail", ["x"], [])
    source = _written(tmp_path, "def fail(x):\n    x = 0\n    x = 1 / x\n", "steps.fail(1)")

    recorded, done = _run(tmp_path, manifest, source, check=False)

    assert [(each.step, each.cell, each.kind) for each in recorded.failures] == [("fail", 3, "ZeroDivisionError")]
    assert "line 3, in fail" in done.stderr


def test_a_decorated_function_is_the_same_wherever_it_is_defined() -> None:
    source = "import functools\n@functools.lru_cache\ndef double(x):\n    return 2 * x\n"
    inside = "def step():\n" + textwrap.indent(source, "    ") + "    return double\n"
    spaces: list[dict[str, Any]] = [{"__name__": "__main__"}, {"__name__": "package.steps"}]
    for text, space in zip((source, inside), spaces, strict=True):
        exec(text, space)  # noqa: S102 - two modules

    assert compare_values(digest(spaces[0]["double"]), digest(spaces[1]["step"]())) is None


def test_the_states_of_global_generators_are_seen_at_the_end_of_each_step(tmp_path: Path) -> None:
    manifest = _manifest("draw", [], [])
    draws = "    import random\n    random.random()\n"
    seen = []
    for number, text in enumerate([draws, draws, draws * 2, "    pass\n"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        recorded, _ = _run(folder, manifest, _written(folder, f"def draw():\n{text}", "steps.draw()"))
        seen += _states(recorded, "random")

    assert seen[0] == seen[1]
    assert len(set(seen)) == 3  # one draw, two, none
    assert seen[3] == "as seeded"


def test_what_a_step_changed_of_a_librarys_settings_is_seen_at_its_end(tmp_path: Path) -> None:
    text = "    import decimal\n    decimal.getcontext().prec = 5\n"
    seen = []
    for name, body in (("set", text), ("kept", "    import decimal\n")):
        folder = tmp_path / name
        folder.mkdir()
        manifest = _manifest("change", [], [])
        recorded, _ = _run(folder, manifest, _written(folder, f"def change():\n{body}", "steps.change()"))
        seen += _states(recorded, "decimal", "setting")

    assert [json.loads(seen[0]), seen[1]] == [{"precision": "5"}, "as loaded"]


def test_a_failing_step_is_recorded_with_its_cell(tmp_path: Path) -> None:
    manifest = _manifest("fail", [], ["x"])
    source = _written(tmp_path, "def fail():\n    x = 1 / 0\n    return x\n", "steps.fail()")

    recorded, _ = _run(tmp_path, manifest, source, check=False)

    assert [(each.step, each.cell, each.kind) for each in recorded.failures] == [("fail", 3, "ZeroDivisionError")]


def test_an_asynchronous_step_is_awaited(tmp_path: Path) -> None:
    manifest = _manifest("wait", [], ["x", "y"])
    text = "async def wait():\n    x = 1\n    y = 2\n    return x, y\n"
    source = _written(tmp_path, text, "import asyncio; asyncio.run(steps.wait())")

    recorded, _ = _run(tmp_path, manifest, source)

    assert _values(recorded) == [("wait", "1"), ("wait", "2")]


def test_a_step_the_package_lost_is_noted(tmp_path: Path) -> None:
    manifest = _manifest("gone", [], ["x"])
    source = _written(tmp_path, "", "pass")

    recorded, _ = _run(tmp_path, manifest, source)

    assert recorded.notes == ("the package has no step gone",)
    assert recorded.values == ()


def _manifest(step: str, arguments: list[str], results: list[str]) -> dict[str, Any]:
    return {
        "package": "little",
        "steps": [{"name": step, "cells": [3], "arguments": arguments, "results": results, "async": False}],
        "statements": [{"cell": 3, "statement": 1, "line": 1, "end_line": 1, "kind": "step", "name": step}],
    }


def _written(tmp_path: Path, steps: str, main: str) -> Path:
    folder = tmp_path / "src" / "little"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "steps.py").write_text(steps)
    (folder / "__main__.py").write_text(f"from . import steps\n{main}\n")
    return tmp_path / "src"


# Records that were cut off, and seeds


def test_a_record_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    recorder = observer.Recorder(str(tmp_path / "events"))
    recorder.started(1)
    recorder.ended(1, 0.5)
    recorder.started(2)
    with (tmp_path / "events").open("a") as file:
        file.write('{"event": "val')

    recorded = read_recorded(tmp_path / "events")

    assert recorded.started == (1, 2)
    assert recorded.cell_seconds == ((1, 0.5),)
    assert read_recorded(tmp_path / "none") == Recorded()


def test_the_environment_names_what_is_loaded(tmp_path: Path) -> None:
    recorder = observer.Recorder(str(tmp_path / "events"))
    recorder.environment()

    found = dict(read_recorded(tmp_path / "events").environment)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["pytest"] == pytest.__version__


def test_known_generators_are_seeded_alike_whenever_they_are_loaded() -> None:
    code = f"""
        import importlib.util as u, sys
        s = u.spec_from_file_location("o", {observer.__file__!r})
        m = sys.modules["o"] = u.module_from_spec(s); s.loader.exec_module(m)
        m.Generators().seed(7)
        assert "numpy" not in sys.modules
        import random
        print(random.random())
        if u.find_spec("numpy"):
            import numpy
            print(numpy.random.rand())
    """
    first, second = _python(code).stdout, _python(code).stdout

    assert first == second
    assert first.split()[0] == str(random.Random(7).random())  # noqa: S311


def test_a_library_is_seeded_right_after_it_was_loaded(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("seeds = []\ndef manual_seed(seed): seeds.append(seed)\n")
    code = f"""
        import importlib.util as u, sys
        s = u.spec_from_file_location("o", {observer.__file__!r})
        m = sys.modules["o"] = u.module_from_spec(s); s.loader.exec_module(m)
        m.Generators().seed(7)
        import torch
        print(torch.seeds, torch.__spec__.name)
    """

    assert _python(code, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}).stdout == "[7] torch\n"


# Libraries, where they are installed


def test_settings_of_numpy_and_pandas_are_seen_where_they_are_changed(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    recorded, _, _ = _observe(
        tmp_path,
        [
            "import numpy as np, pandas as pd",
            "np.set_printoptions(precision=3)",
            "pd.set_option('display.max_rows', 7)",
            "pd.options.display.float_format = lambda number: '3'",
        ],
        [(1, 1, "np"), (2, 1, "np"), (3, 1, "np"), (4, 1, "np")],
    )

    assert [state.replace('"', "") for state in _states(recorded, "numpy", "setting")] == [
        "as loaded", "{precision: 3}", "{precision: 3}", "{precision: 3}",
    ]  # fmt: skip
    assert _states(recorded, "pandas", "setting") == [
        "as loaded",
        "as loaded",
        '{"display.max_rows": "7"}',
        '{"display.float_format": "function <lambda>", "display.max_rows": "7"}',
    ]


def test_arrays_frames_and_models_are_looked_at_and_left_alone() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": [1, 2, 3],
            "f": [0.5, float("nan"), 1.0],
            "s": ["a", None, "c"],
            "c": pandas.Categorical(["x", "y", "x"]),
            "t": pandas.to_datetime(["2020-01-01", None, "2020-01-03"]),
        }
    )
    values = [
        frame,
        frame.set_index(["n", "s"]),
        frame["t"].dt.tz_localize("UTC"),
        frame.groupby("c", observed=True),
        numpy.arange(6).reshape(2, 3),
        numpy.array([1, "a", None], dtype=object),
        numpy.ma.array([1.0, 2.0], mask=[False, True]),
        numpy.float64(1.5),
        numpy.random.default_rng(1),
        pandas.Interval(1, 2),
    ]
    for value in values:
        before = pickle.dumps(value)
        seen = digest(value)
        assert "raised" not in json.dumps(seen)
        assert compare_values(seen, json.loads(json.dumps(digest(pickle.loads(before))))) is None  # noqa: S301
        assert pickle.dumps(value) == before


def test_figures_are_their_data_and_texts() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    def drawn(title: str, last: int) -> dict[str, Any]:
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3], [1, 4, last], label="squares")
        axes.bar(["a", "b"], [1, 2])
        axes.set_title(title)
        axes.legend()
        plt.close(figure)
        return observer.digest_figure(figure)

    assert compare_values(drawn("t", 9), drawn("t", 9)) is None
    assert compare_values(drawn("t", 9), drawn("u", 9)) is not None
    assert compare_values(drawn("t", 9), drawn("t", 8)) is not None


def test_what_is_drawn_in_space_is_the_same_before_and_after_it_is_drawn() -> None:
    matplotlib, numpy = pytest.importorskip("matplotlib"), pytest.importorskip("numpy")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    def digests(last: float) -> tuple[Any, Any]:
        axes = plt.figure().add_subplot(projection="3d")
        axes.scatter([1, 2], [3, 4], [5, last])
        axes.plot_wireframe(*(numpy.array([[0, 1], [2, last]]) for _ in range(3)))
        before = observer.digest_figure(axes.figure)
        axes.figure.canvas.draw()
        plt.close(axes.figure)
        return before, observer.digest_figure(axes.figure)

    before, after = digests(6)
    assert compare_values(before, after) is None
    assert compare_values(before, digests(7)[0]) is not None


def test_a_figure_is_looked_at_as_drawn() -> None:
    """``plt.axis("equal")`` sets the limits, and arrows find their places, only when the figure is drawn."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    def digests(last: float) -> tuple[Any, Any]:
        figure, (left, right) = plt.subplots(1, 2)
        left.plot([1, 2], [1, last])
        left.axis("equal")
        right.quiver([1, 2], [1, 2], [1, 1], [2, last])
        right.add_patch(matplotlib.patches.FancyArrowPatch((0, 0), (1, last)))
        before = observer.digest_figure(figure)
        figure.canvas.print_figure(io.BytesIO(), dpi=200)
        plt.close(figure)
        return before, observer.digest_figure(figure)

    before, after = digests(9)
    assert compare_values(before, after) is None
    assert compare_values(before, digests(8)[0]) is not None


def test_what_a_symbol_was_found_to_be_is_no_part_of_it() -> None:
    """SymPy keeps what it has deduced in the same dictionary as what it was told."""

    def knowledge(told: dict[str, bool], deduced: dict[str, bool]) -> Any:
        kind = type("StdFactKB", (dict,), {"__module__": "sympy.core.assumptions"})
        made = kind(told | deduced)
        made._generator = told  # noqa: SLF001 - as the library has it
        return observer.digest(made)

    positive = {"positive": True}
    assert compare_values(knowledge(positive, {}), knowledge(positive, {"prime": False})) is None
    assert compare_values(knowledge(positive, {}), knowledge({"positive": False}, {})) is not None


def test_the_observer_needs_nothing_but_the_standard_library() -> None:
    assert importlib.util.find_spec("nb2prod") is not None
    done = _python(f"""
        import importlib.util as u, sys
        before = set(sys.modules)
        s = u.spec_from_file_location("o", {observer.__file__!r})
        m = sys.modules["o"] = u.module_from_spec(s); s.loader.exec_module(m)
        m.digest([1])
        roots = {{name.partition(".")[0] for name in set(sys.modules) - before}} - {{"o"}}
        print(sorted(roots - sys.stdlib_module_names))
    """)

    assert done.stdout == "[]\n"
