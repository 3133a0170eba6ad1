"""Converts generated notebooks and runs both: what the package prints must be what the notebook prints.

    python benches/conversion_oracle.py [--programs 200] [--seed 0] [--keep FOLDER]

A notebook is drawn from a number. Its cells pass numbers, lists, dictionaries, functions, objects and generators to
each other: values that are rebound, changed in place, seen under two names, read by functions that run later,
captured by closures and defaults, counted with ``global``, leaked by loops, deleted, and drawn from a seeded
generator. It is run cell by cell in one namespace and prints as it goes; the package is run as its user would.

Exit code 1 where a package prints something else, does not run, or nb2prod fails. A refusal is counted, with its
reason: it is no fault, but each one is a notebook that stays behind.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import nb2prod  # noqa: E402 - of this checkout
from nb2prod.convert.write import write_package  # noqa: E402
from nb2prod.errors import RefusedError  # noqa: E402

SECONDS = 60
# A class of the notebook calls itself by its module in the package, which the package's README says; and an address.
_OBJECT = re.compile(r"<[\w.]+\.(\w+) object at 0x[0-9a-f]+>")
LETTERS = ("a", "b", "rows", "total", "df", "x", "data", "result", "step", "config", "run", "i")


@dataclass
class Drawing:
    """A notebook that is being drawn: which names stand for which kind of value where the next statement stands."""

    choice: random.Random
    kinds: dict[str, str] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    made: int = 0

    def of(self, kind: str) -> str | None:
        """Return a name that stands for a value of this kind, if there is one."""
        names = [name for name, each in self.kinds.items() if each == kind]
        return self.choice.choice(names) if names else None

    def new(self, kind: str) -> str:
        """Return a name for a new value; it may have stood for another one."""
        free = [name for name in LETTERS if name not in self.functions]
        name = self.choice.choice(free)
        self.kinds[name] = kind
        return name

    def fresh(self, stem: str) -> str:
        """Return a name nothing has had."""
        self.made += 1
        return f"{stem}{self.made}"

    def number(self) -> str:
        """Return an expression that gives a number."""
        options = [str(self.choice.randint(1, 9))]
        if name := self.of("int"):
            options += [name, f"{name} * 2", f"({name} + {self.choice.randint(1, 5)}) % 97"]
        if name := self.of("list"):
            options += [
                f"sum({name})",
                f"len({name})",
                f"max({name}, default=3)",
                f"sum(each for each in {name} if each > 2)",
            ]
        if name := self.of("dict"):
            options += [f"len({name})", f"{name}.get('k', 4)"]
        if name := self.of("object"):
            options += [f"{name}.value", f"{name}.more({self.choice.randint(1, 4)})"]
        for name, arity in self.functions.items():
            options += [f"{name}({', '.join(str(self.choice.randint(1, 4)) for _ in range(arity))})"]
        return self.choice.choice(options)


def assign(drawing: Drawing) -> str:
    """Return a statement that binds a number."""
    value = drawing.number()
    return f"{drawing.new('int')} = {value}"


def make_list(drawing: Drawing) -> str:
    """Return one that makes a list, from numbers or another list."""
    other, value = drawing.of("list"), drawing.number()
    made = [f"[{value}, 1, 5]", f"list(range({drawing.choice.randint(2, 5)}))", f"[{value} for _ in range(3)]"]
    if other:
        made += [
            f"[each + 1 for each in {other}]",
            f"sorted({other}, key=lambda each: -each)",
            f"{other}[1:]",
            f"{other} + [2]",
        ]
    return f"{drawing.new('list')} = {drawing.choice.choice(made)}"


def make_dict(drawing: Drawing) -> str:
    """Return one that makes a dictionary."""
    value = drawing.number()
    return f"{drawing.new('dict')} = {{'k': {value}, 'l': 2}}"


def alias(drawing: Drawing) -> str:
    """Return one that gives a list another name."""
    name = drawing.of("list")
    return f"{drawing.new('list')} = {name}" if name else assign(drawing)


def change(drawing: Drawing) -> str:
    """Return one that changes a value in place."""
    value = drawing.number()
    options = []
    if name := drawing.of("list"):
        options += [
            f"{name}.append({value})",
            f"{name} += [{value}]",
            f"{name}[:1] = [{value}]",
            f"{name}.sort()",
            f"{name}.insert(0, {value})",
        ]
    if name := drawing.of("dict"):
        options += [f"{name}['k'] = {value}", f"{name}.update(m={value})", f"{name}.setdefault('n', {value})"]
    if name := drawing.of("int"):
        options += [f"{name} += {value}", f"{name} = {name} - 1"]
    if name := drawing.of("object"):
        options += [f"{name}.value = {value}", f"{name}.value += 1"]
    return drawing.choice.choice(options) if options else assign(drawing)


def function(drawing: Drawing) -> str:
    """Return a function that reads names of the notebook when it is called, or changes them."""
    drawing_of = drawing.choice.choice
    number, items = drawing.of("int"), drawing.of("list")
    name = drawing.fresh("f")
    forms = [
        (1, f"def {name}(n):\n    return n * 2 + {drawing.number()}"),
        (1, f"{name} = lambda n: n + {drawing.number()}"),
    ]
    if number:
        forms += [
            (0, f"def {name}():\n    global {number}\n    {number} += 1\n    return {number}"),
            (1, f"def {name}(n, start={number}):\n    return n + start"),
            (1, f"def {name}(n):\n    {number} = n + 1\n    return {number}"),
            (1, f"def {name}(n):\n    def inner(m):\n        return m + {number}\n    return inner(n)"),
        ]
    if items:
        forms += [
            (1, f"def {name}(n):\n    {items}.append(n)\n    return len({items})"),
            (0, f"def {name}():\n    return sum({items})"),
            (1, f"def {name}(n, seen=[]):\n    seen.append(n)\n    return len(seen) + len({items})"),
        ]
    if others := [each for each, arity in drawing.functions.items() if arity == 1]:
        forms += [(1, f"def {name}(n):\n    return {drawing_of(others)}(n) + 1"), (1, f"{name} = {drawing_of(others)}")]
    arity, text = drawing_of(forms)
    drawing.functions[name] = arity
    return text


def use_function(drawing: Drawing) -> str:
    """Return one that gives a function to another one."""
    names = [name for name, arity in drawing.functions.items() if arity == 1]
    items = drawing.of("list")
    if not names or not items:
        return make_list(drawing)
    name = drawing.choice.choice(names)
    # Of a copy: a function may append to the list it is called for each of.
    texts = [f"list(map({name}, {items}[:4]))", f"sorted({items}[:4], key={name})", f"[{name}(n) for n in {items}[:4]]"]
    return f"{drawing.new('list')} = {drawing.choice.choice(texts)}"


def make_class(drawing: Drawing) -> str:
    """Return a class that reads names of the notebook, and an object of it."""
    kind = drawing.fresh("Kind")
    value = drawing.number()
    number = drawing.of("int") or "7"
    text = f"class {kind}:\n    shared = []\n    def __init__(self, value):\n        self.value = value\n"
    text += "        self.shared.append(value)\n"
    text += f"    def more(self, n):\n        return self.value + n + {number} + len(self.shared)\n"
    return f"{text}\n{drawing.new('object')} = {kind}({value})"


def loop(drawing: Drawing) -> str:
    """Return a loop whose names stay."""
    items, value = drawing.of("list"), drawing.number()
    total, each = drawing.new("int"), drawing.new("int")
    text = f"{total} = 0\nfor {each} in {items or 'range(3)'}:\n    {total} += {each}\nelse:\n    {each} = {value}"
    return text if total != each and items not in (total, each) else assign(drawing)


def branch(drawing: Drawing) -> str:
    """Return a branch that binds a name on every way."""
    condition, one, other = drawing.number(), drawing.number(), drawing.number()
    name = drawing.new("int")
    forms = [
        f"if {condition} > 6:\n    {name} = {one}\nelse:\n    {name} = {other}",
        f"try:\n    {name} = {one} // ({condition} % 2)\nexcept Exception as error:\n    {name} = len(str(error))",
        f"with contextlib.suppress(ZeroDivisionError):\n    print({condition} // 0)\n{name} = {one}",
        f"while ({name} := {one} % 5) > 9:\n    break",
    ]
    return drawing.choice.choice(forms)


def generator(drawing: Drawing) -> str:
    """Return one that makes a generator, or takes the next value of one."""
    if name := drawing.of("generator"):
        return f"{drawing.new('int')} = next({name}, 8)"
    items = drawing.of("list") or "range(4)"
    return f"{drawing.new('generator')} = (each * 3 for each in {items})"


def draw(drawing: Drawing) -> str:
    """Return a draw from the seeded generator."""
    return f"{drawing.new('int')} = random.randint(1, 9)"


def forget(drawing: Drawing) -> str:
    """Return one that deletes a name."""
    name = drawing.of("int")
    if name is None:
        return assign(drawing)
    del drawing.kinds[name]
    return f"print({name})\ndel {name}"


def constant(drawing: Drawing) -> str:
    """Return a setting of the notebook, and a function that reads it."""
    setting, name = drawing.fresh("LIMIT_"), drawing.fresh("f")
    drawing.functions[name] = 1
    drawing.kinds[setting] = "int"
    return f"{setting} = {drawing.choice.randint(2, 50)}\n\ndef {name}(n):\n    return min(n, {setting})"


def share(drawing: Drawing) -> str:
    """Return one that holds a list twice, or in an object, and changes it there."""
    items = drawing.of("list")
    if items is None:
        return make_list(drawing)
    holder = drawing.fresh("held")
    forms = [
        f"{holder} = [{items}, {items}]\n{holder}[0].append(4)",
        f"{holder} = {{'rows': {items}}}\n{holder}['rows'].append(5)",
        f"def {holder}(its, /, *more):\n    its.reverse()\n    return its\n{drawing.new('list')} = {holder}({items})",
    ]
    return drawing.choice.choice(forms)


def hold_functions(drawing: Drawing) -> str:
    """Return one that keeps functions in a value and calls them there."""
    number = drawing.of("int") or "4"
    known = [name for name, arity in drawing.functions.items() if arity == 1]
    holder, made = drawing.fresh("held"), drawing.new("int")
    other = drawing.choice.choice(known) if known else "abs"
    forms = [
        f"{holder} = {{'k': {other}, 'l': lambda n: n + {number}}}\n{made} = {holder}['k'](3) + {holder}['l'](2)",
        f"{holder} = [lambda: {number} + each for each in range(3)]\n{made} = sum(each() for each in {holder})",
        f"{holder} = []\nfor {made} in range(3):\n    {holder}.append(lambda: {made})\nprint({holder}[0]())",
        f"def {holder}(n):\n    return {other}(n) if n < 3 else {holder}(n - 1)\n{made} = {holder}(5)",
    ]
    return drawing.choice.choice(forms)


def decorate(drawing: Drawing) -> str:
    """Return a decorator that counts, and a function under it."""
    calls, decorator, name = drawing.fresh("calls"), drawing.fresh("counted"), drawing.fresh("f")
    drawing.functions[name] = 1
    drawing.kinds[calls] = "list"
    return (
        f"{calls} = []\ndef {decorator}(function):\n    def inside(*given):\n        {calls}.append(len(given))\n"
        f"        return function(*given)\n    return inside\n\n"
        f"@{decorator}\ndef {name}(n):\n    return n + len({calls})"
    )


def again(drawing: Drawing) -> str:
    """Return another function under the name of one there is: who calls it later gets the new one."""
    known = [name for name, arity in drawing.functions.items() if arity == 1]
    if not known:
        return function(drawing)
    name, number = drawing.choice.choice(known), drawing.of("int") or "6"
    return f"def {name}(n):\n    return n * 3 - {number}"


def file(drawing: Drawing) -> str:
    """Return one that writes a file, or reads it back."""
    value, name = drawing.number(), drawing.choice.choice(("one.txt", "two.txt"))
    made = drawing.new("int")
    forms = [
        f"with open('{name}', 'w') as stream:\n    stream.write(str({value}))\n{made} = int(open('{name}').read())",
        f"with open('{name}', 'a') as stream:\n    {made} = stream.write('12')",
    ]
    return drawing.choice.choice(forms)


def swap(drawing: Drawing) -> str:
    """Return one that binds several names at once."""
    one, other = drawing.of("int"), drawing.of("int")
    if one is None or other is None or one == other:
        return assign(drawing)
    return f"{one}, {other} = {other}, {one} + 1"


def record(drawing: Drawing) -> str:
    """Return a class of records, and one of it."""
    kind, value = drawing.fresh("Row"), drawing.number()
    forms = [
        f"@dataclasses.dataclass\nclass {kind}:\n    value: int\n    def more(self, n):\n        return self.value + n",
        f"class {kind}(collections.namedtuple('Base', 'value')):\n    def more(self, n):\n        return n",
    ]
    made = drawing.choice.choice(forms)
    name = drawing.new("object" if "dataclass" in made else "record")
    return f"{made}\n\n{name} = {kind}({value})\nprint({name}.more(2), {name})"


def show(drawing: Drawing) -> str:
    """Return one that prints what there is."""
    shown = [drawing.number()]
    shown += [name for kind in ("list", "dict", "int") if (name := drawing.of(kind))]
    return f"print({', '.join(shown)})"


STATEMENTS = (
    assign, assign, make_list, make_list, make_dict, alias, change, change, change, function, function, use_function,
    make_class, loop, branch, generator, draw, forget, constant, share, hold_functions, decorate, again, file, swap,
    record, show, show, show,
)  # fmt: skip


def cells(number: int) -> list[str]:
    """Return the cells of the notebook of that number: the same at every call."""
    drawing = Drawing(random.Random(number))  # noqa: S311
    found = ["import collections\nimport contextlib\nimport dataclasses\nimport random", f"random.seed({number})"]
    for _ in range(drawing.choice.randint(3, 9)):
        texts = [drawing.choice.choice(STATEMENTS)(drawing) for _ in range(drawing.choice.randint(1, 5))]
        # A name may have changed its kind since the text was drawn; what does not run is dropped with its cell.
        texts.append(show(drawing) if drawing.choice.random() < 0.7 else drawing.of("list") or "None")  # noqa: PLR2004
        found.append("\n".join(texts))
    return found


def run_cells(sources: list[str]) -> tuple[list[str], str]:
    """Run cells in one namespace; return those up to the first that raises, and what they printed."""
    space: dict[str, object] = {"__name__": "__main__"}
    printed = io.StringIO()
    ran: list[str] = []
    for source in sources:
        before = printed.tell()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, "cell", "exec"), space)  # noqa: S102 - we wrote it
        except Exception:  # noqa: BLE001 - a cell that does not run is no part of the notebook
            printed.seek(before)
            printed.truncate()
            break
        ran.append(source)
    return ran, printed.getvalue()


def notebook(sources: list[str]) -> str:
    """Return the file of a notebook that was never run."""
    found: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": found})


def examine(number: int, folder: Path) -> tuple[str, str]:
    """Take one notebook through conversion and both runs; return what came out, and what there is to say."""
    place = folder / f"n{number}"
    place.mkdir()
    with contextlib.chdir(place):
        sources, expected = run_cells(cells(number))
    path = folder / f"n{number}.ipynb"
    path.write_text(notebook(sources), encoding="utf-8")
    try:
        package = nb2prod.convert(path)
    except RefusedError as error:
        return "refused", str(error).partition("\n")[0].partition(": ")[2]
    out = folder / f"p{number}"
    write_package(package, out)
    done = subprocess.run(
        [sys.executable, "-m", package.name, "--output-dir", str(out / "output")],
        cwd=out,
        env={**os.environ, "PYTHONPATH": str(out / "src")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        return "does not run", done.stderr.strip().rpartition("\n")[2]
    if _OBJECT.sub(r"\1", done.stdout) != _OBJECT.sub(r"\1", expected):
        return "different", f"{expected!r} became {done.stdout!r}"
    return "equal", ""


def main() -> int:
    """Read the command line, print the counts and what went wrong; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="number of the first notebook")
    parser.add_argument("--keep", type=Path, help="folder for notebooks and packages")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="conversion-oracle-") as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(given.seed, given.seed + given.programs):
            try:
                outcome, said = examine(number, folder)
            except Exception as error:  # noqa: BLE001 - counted, and the exit code says so
                outcome, said = "nb2prod fails", f"{type(error).__name__}: {error}"
            counts[outcome] += 1
            if outcome == "refused":
                reasons[said] += 1
            elif outcome != "equal":
                print(f"{number}: {outcome}: {said}", flush=True)
    print(f"{counts.total()} notebooks: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    for reason, count in reasons.most_common():
        print(f"  refused {count}: {reason}")
    return int(bool(counts.keys() - {"equal", "refused"}))


if __name__ == "__main__":
    sys.exit(main())
