"""Small notebooks that cover every binding form in every kind of scope, deterministic from a number.

A program is made of items. An item is a binding form (``except … as a``) in a scope (a method) with a
use at a position (in a function called before the binding); the names come from a pool of four, so
that items meddle with each other. What control flow does is left to ``choose()``, which whoever runs
the program answers: one program stands for all its paths.
"""

from __future__ import annotations

import random
import sys
import warnings
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# ``sum`` is a builtin as well; ``extra`` is bound by the star import.
NAMES = ("a", "b", "c", "sum")
HARNESS = "from harness import asome, choose, context, acontext, fail, pairs, pick, run, same, some, suppress, use"
FLAGS = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, as IPython compiles

STATEMENTS = {
    "assignment": "{n} = 1",
    "assignment, list": "{n} = [0]",
    "chained assignment": "{t} = {n} = 1",
    "tuple target": "{n}, ({t}, u) = 1, (2, 3)",
    "list target": "[{t}, {n}] = 1, 2",
    "star target": "*{n}, {t} = 1, 2, 3",
    "swap": "{n}, {t} = {t}, {n}",
    "annotated": "{n}: int = 1",
    "annotated, no value": "{n}: int",
    "annotation read": "{t}: {n} = 1",
    "augmented": "{n} += 1",
    "import": "import {n}",
    "import, dotted": "import {n}.sub",
    "import as": "import math as {n}",
    "from import": "from names import {n}",
    "from import as": "from math import pi as {n}",
    "star import": "from names import *",
    "def": "def {n}():\n    return 1",
    "def, decorated": "@same\ndef {n}(): return 1",
    "def, recursive": "def {n}(stop=True):\n    return stop or {n}()",
    "async def": "async def {n}():\n    return 1",
    "class": "class {n}:\n    pass",
    "class, base": "class {n}(object, metaclass=type):\n    {t} = 1",
    "for": "for {n} in some():\n    pass",
    "for, tuple": "for {t}, ({n}) in pairs():\n    pass",
    "for, else": "for {n} in some():\n    if choose(): break\nelse:\n    {t} = 1",
    "async for": "async for {n} in asome():\n    pass",
    "with": "with context() as {n}:\n    pass",
    "with, several": "with context() as ({n}, {t}), context() as u:\n    pass",
    "async with": "async with acontext() as {n}:\n    pass",
    "except as": "try:\n    fail()\nexcept ValueError as {n}:\n    use({n})",
    "except as, rebound": "try:\n    fail()\nexcept ValueError as {n}:\n    {n} = 1",
    "except* as": "try:\n    fail()\nexcept* ValueError as {n}:\n    use({n})",
    "match as": "match pick(1):\n    case {n}:\n        pass",
    "match as, pattern": "match pick(1):\n    case int() as {n}:\n        pass",
    "match sequence": "match pick([1, 2]):\n    case [{n}, _]:\n        pass",
    "match star": "match pick([1, 2]):\n    case [_, *{n}]:\n        pass",
    "match mapping": "match pick({{'k': 1}}):\n    case {{'k': {n} }}:\n        pass",
    "match rest": "match pick({{'k': 1}}):\n    case {{'k': _, **{n} }}:\n        pass\n    case _:\n        {t} = 1",
    "match class": "match pick(1j):\n    case complex(imag={n}):\n        pass",
    "match or": "match pick([1, 2]):\n    case [{n}, 1] | [1, {n}]:\n        pass\n    case None:\n        {n} = 2",
    "match guard": "match pick(1):\n    case {n} if choose():\n        pass\n    case _:\n        use({n})",
    "del": "del {n}",
    "del, then bound": "del {n}\n{n} = 1",
    "del on a branch": "if choose():\n    del {n}",
    "lambda": "{n} = lambda: {n}",
    "parameter": "def {t}({n}=1):\n    return {n}\n{t}()",
    "parameter, star": "def {t}(*{n}, **k):\n    return {n}\n{t}()",
    "parameter, default": "def {t}(x={n}):\n    return x\n{t}()",
    "type alias": "type {n} = int",
    "type parameter": "def {t}[{n}](x: {n} = 1):\n    return {n}\n{t}()",
    "type parameter, class": "class {t}[{n}]:\n    def m(self): return {n}\n{t}().m()",
    "changed, method": "{n}.append(1)",
    "changed, item": "{n}[0] = 1",
    "changed, attribute": "{n}.x = 1",
    "changed, augmented item": "{n}[0] += 1",
    "loop over item": "for {n}[0] in some():\n    pass",
    "changed by a function": "def {t}(x):\n    x.append(1)\n{t}({n})",
    "changed by a function, keyword": "def {t}(*, x):\n    x[0] = 1\n{t}(x={n})",
    "changed by a function, star": "def {t}(*xs):\n    for x in xs: x.append(1)\n{t}([0], {n})",
    "changed by a function, star call": "def {t}(x, y):\n    y.append(1)\n{t}(*[[0], {n}])",
    "changed by a function, augmented": "def {t}(x):\n    y = x\n    y += [1]\n{t}({n})",
    "changed by a function, other object": "def {t}(x):\n    x = [0]\n    x.append(1)\n{t}({n})",
    "changed by a function, maybe other object": "def {t}(x):\n    if choose(): x = [0]\n    x.append(1)\n{t}({n})",
    "changed by a function, after a loop": "def {t}(x):\n    y = [0]\n    for i in some():\n        y.append(1)\n        y = x\n{t}({n})",  # noqa: E501 - one form a line
    "changed by a function, after a break": "def {t}(x):\n    y = [0]\n    for i in some():\n        if choose():\n            y = x\n            break\n    y.append(1)\n{t}({n})",  # noqa: E501 - one form a line
    "changed by a function, in a handler": "def {t}(x):\n    y = [0]\n    try:\n        y = x\n        fail()\n        y = [0]\n    except ValueError:\n        y.append(1)\n{t}({n})",  # noqa: E501 - one form a line
    "changed by a function, default": "def {t}(x={n}):\n    x.append(1)\n{t}()",
    "changed by a function of a function": "def {t}(x):\n    x.append(1)\ndef u{t}(y):\n    return {t}(y)\nu{t}({n})",
    "changed by a recursive function": "def {t}(x, stop=True):\n    if stop: return {t}(x, False)\n    x.append(1)\n{t}({n})",  # noqa: E501 - one form a line
    "changed by functions in a circle": "def {t}(x):\n    if choose(): return u{t}(x)\n    x.append(1)\ndef u{t}(x):\n    return {t}(x)\n{t}([0])\nu{t}({n})",  # noqa: E501 - one form a line
    "changed by a function inside": "def {t}(x):\n    def inner():\n        x.append(1)\n    inner()\n{t}({n})",
    "changed by a function inside, bound later": "def {t}(x):\n    y = [0]\n    def inner():\n        y.append(1)\n    y = x\n    inner()\n{t}({n})",  # noqa: E501 - one form a line
    "changed by a lambda inside, bound later": "def {t}(x):\n    y = [0]\n    g = lambda: y.append(1)\n    y = x\n    g()\n{t}({n})",  # noqa: E501 - one form a line
    "changed by a lambda": "{t} = lambda x: x.append(1)\n{t}({n})",
    "changed by a generator": "def {t}(x):\n    yield x.append(1)\nlist({t}({n}))",
    "changed by a method": "class {t}:\n    def m(self, x):\n        x.append(1)\n{t}().m({n})",
    "changed by a constructor": "class {t}:\n    def __init__(self, x):\n        x.append(1)\n{t}({n})",
    "changed through a result": "def {t}(x):\n    return x\n{t}({n}).append(1)",
    "changed through a loop": "for {t} in ({n}, [0]):\n    {t}.append(1)",
    "changed by a library": "import heapq\nheapq.heappush({n}, 1)",
    "changed from a function": "def {t}():\n    {n}.append(1)\n{t}()",
    "changed from a function handed over": "def {t}():\n    {n}.append(1)\nrun({t})",
    "changed from a function kept": "def {t}():\n    {n}.append(1)\nq{t} = [{t}]\nq{t}[0]()",
    "changed from a lambda kept": "{t} = {{'k': lambda: {n}.append(1)}}\n{t}['k']()",
}
EXPRESSIONS = {
    "walrus": "({n} := 1)",
    "walrus in call": "use({n} := 1)",
    "walrus in condition": "choose() and ({n} := 1)",
    "walrus in ternary": "({n} := 1) if choose() else ({t} := 2)",
    "walrus in ternary, both": "({n} := 1) if choose() else ({n} := 2)",
    "walrus in comparison": "0 < pick(1, 5) < ({n} := 3) < ({t} := 9)",
    "walrus in f-string": "f'{{({n} := 1)}} {{({t} := 2)}}'",
    "walrus in comprehension": "[({n} := i) for i in some()]",
    "walrus in comprehension condition": "[i for i in some() if ({n} := i)]",
    "walrus in display": "[({n} := 1), {{'k': ({t} := 2)}}]",
    "walrus in subscript": "[0, 1][({n} := 1)]",
    "list comprehension": "[{n} for {n} in some()]",
    "set comprehension": "{{ {n} for {n} in some() if {n} }}",
    "dict comprehension": "{{{n}: {t} for {n}, {t} in pairs()}}",
    "nested comprehension": "[{n} for {t} in some() for {n} in [{t}]]",
    "inner comprehension": "[[{n} for i in some()] for {n} in some()]",
    "comprehension, own iterable": "[{n} for {n} in [{n}]]",
    "generator, consumed": "list({n} for {n} in some())",
    "generator, not consumed": "({n} for {t} in some())",
    "lambda parameter": "(lambda {n}: {n})(1)",
    "lambda parameter, default": "(lambda {n}={n}: {n})()",
    "lambda, called at once": "(lambda: {n})()",
    "lambda, handed over": "run(lambda: {n})",
    "async comprehension": "[{n} async for {n} in asome()]",
}
FORMS = {**STATEMENTS, **EXPRESSIONS}

# How the body of an item is put into a scope. {B} is the body, {E} the body as one expression.
SCOPES = {
    "module": "{B}",
    "function": "def {s}():\n    {B}\n{s}()",
    "function, global": "def {s}():\n    global {n}\n    {B}\n{s}()",
    "function, parameter": "def {s}({n}=[0]):\n    {B}\n{s}()",
    "function, called later": "def {s}():\n    global {n}\n    {B}\n¶\n{s}()",
    "nested function": "def {s}():\n    def inner():\n        {B}\n    inner()\n{s}()",
    "nested, nonlocal": "def {s}():\n    {n} = [0]\n    def inner():\n        nonlocal {n}\n        {B}\n    inner()\n    return {n}\n{s}()",  # noqa: E501 - one scope a line
    "nested, global": "def {s}():\n    {n} = 1\n    def inner():\n        global {n}\n        {B}\n    inner()\n    return {n}\n{s}()",  # noqa: E501 - one scope a line
    "closure": "def {s}():\n    def inner():\n        return {n}\n    {B}\n    return inner\n{s}()()",
    "async function": "async def {s}():\n    {B}\n    return {n}\nawait {s}()",
    "generator function": "def {s}():\n    global {n}\n    yield 1\n    {B}\nlist({s}())",
    "generator function, later": "def {s}():\n    yield 1\n    use({n})\ng{s} = {s}()\n¶\n{B}\n¶\nlist(g{s})",
    "coroutine, later": "async def {s}():\n    global {n}\n    {B}\ng{s} = {s}()\n¶\nawait g{s}",
    "closure, later": "def {s}():\n    def inner():\n        global {n}\n        {B}\n    return inner\ng{s} = {s}()\n¶\ng{s}()",  # noqa: E501 - one scope a line
    "function, on a branch": "if choose():\n    def {s}():\n        global {n}\n        {B}\nelse:\n    {s} = use\n¶\n{s}()",  # noqa: E501 - one scope a line
    "loop, called in it": "def {s}():\n    global {n}\n    {B}\nfor i in some():\n    {n}\n    {s}()",
    "class": "class {s}:\n    {B}",
    "class, global": "class {s}:\n    global {n}\n    {B}",
    "class, read by method": "class {s}:\n    {B}\n    def m(self):\n        return {n}\n{s}().m()",
    "class in function": "def {s}():\n    {n} = [0]\n    class C:\n        {B}\n        def m(self): return {n}\n    return C().m()\n{s}()",  # noqa: E501 - one scope a line
    "class in function, nonlocal": "def {s}():\n    {n} = [0]\n    class C:\n        nonlocal {n}\n        {B}\n    return {n}\n{s}()",  # noqa: E501 - one scope a line
    "class in class": "class {s}:\n    {n} = 1\n    class C:\n        {B}",
    "method": "class {s}:\n    def m(self):\n        {B}\n{s}().m()",
    "method, global": "class {s}:\n    def m(self):\n        global {n}\n        {B}\n{s}().m()",
    "method, later": "class {s}:\n    def m(self):\n        return {n}\no{s} = {s}()\n¶\n{B}\n¶\no{s}.m()",
    "comprehension": "[{E} for i in some()]",
    "comprehension condition": "[i for i in some() if {E} or True]",
    "comprehension in function": "def {s}():\n    [{E} for i in some()]\n    return {n}\n{s}()",
    "comprehension in class": "class {s}:\n    [{E} for i in some()]",
    "generator expression": "{s} = ({E} for i in some())\n¶\nlist({s})",
    "lambda": "{s} = lambda: {E}\n{s}()",
    "lambda, stored": "{s} = {{'k': lambda: {E} }}\n¶\n{s}['k']()",
    "lambda in class": "class {s}:\n    k = lambda: {E}\n{s}.k()",
    "lambda default": "{s} = lambda {t}={E}: {t}\n{s}()",
    "argument default": "def {s}({t}={E}):\n    return {t}\n{s}()",
    "decorator": "@same({E}) and same\ndef {s}():\n    return {n}\n{s}()",
    "class base": "class {s}(pick({E}) and object or object):\n    pass",
}

# Where the item's use stands. {B} is the binding; ¶ starts a cell, ⇧ before it is the module's level.
POSITIONS = {
    "before": "use({n})\n{B}",
    "after": "{B}\nuse({n})",
    "around a loop": "for {t} in some():\n    use({n})\n    {B}",
    "after a branch": "{W}\nuse({n})",
    "after two branches": "{W}\n{W}\nuse({n})",
    "in a branch": "{B}\nif choose():\n    use({n})",
    "function called before": "def {r}():\n    return {n}\n⇧{r}()\n{B}",
    "function called after": "def {r}():\n    return {n}\n⇧{B}\n{r}()",
    "function called through another": "def {r}():\n    return {n}\ndef q{r}():\n    return {r}()\n⇧{B}\nq{r}()",
    "function called by another name": "def {r}():\n    return {n}\nq{r} = {r}\n⇧{B}\nq{r}()",
    "function kept in a list": "def {r}():\n    return {n}\nq{r} = [{r}]\n⇧{B}\nq{r}[0]()",
    "function handed over": "def {r}():\n    return {n}\n⇧{B}\nrun({r})",
    "function inside": "def {r}():\n    return {n}\n{B}\n{r}()",
    "lambda inside": "{r} = lambda: {n}\n{B}\n{r}()",
    "class inside": "{B}\nclass {r}:\n    {n} = {n}\n    use({n})",
    "class inside, bound on a branch": "{B}\nclass {r}:\n    if choose():\n        {n} = 1\n    use({n})",
    "comprehension inside": "{B}\n[{n} for i in some()]",
    "deleted": "{B}\ndel {n}\nuse({n})",
    "other cell": "{B}\n⇩use({n})",
    "other cell, function": "{B}\n⇩def {r}():\n    return {n}\n{r}()",
    "other cell, rebound": "{B}\n⇩{n} = [0]\nuse({n})",
}
EXPRESSION_POSITIONS = {
    "before": "(use({n}), {E})",
    "after": "({E}, use({n}))",
    "after a branch": "(choose() and {E}, use({n}))",
    "in a branch": "({E}, choose() and {n})",
    "function called before": "def {r}():\n    return {n}\n⇧({r}(), {E})",
    "function called after": "def {r}():\n    return {n}\n⇧({E}, {r}())",
    "lambda inside": "({E}, (lambda: {n})())",
    "comprehension inside": "({E}, [{n} for i in some()])",
    "other cell": "{E}\n⇩use({n})",
    "other cell, function": "{E}\n⇩def {r}():\n    return {n}\n{r}()",
}

WRAPPERS = (
    "if choose():\n    {B}",
    "if choose():\n    pass\nelse:\n    {B}",
    "if choose():\n    {B}\nelse:\n    {n} = 2",
    "if choose():\n    {B}\nelif choose():\n    {n} = 2\nelse:\n    {n} = [0]",
    "if choose():\n    {B}\nelse:\n    raise ValueError",
    "while choose():\n    {B}",
    "while use({n}) and choose():\n    {B}",
    "while choose():\n    if choose(): break\nelse:\n    {B}",
    "while True:\n    if choose(): break\n    {B}\n    break",
    "while True:\n    {B}\n    if choose(): break",
    "while True:\n    if choose():\n        {B}\n        break\n    elif choose():\n        {n} = 2\n        break",
    "for i in some():\n    {B}",
    "for i in some():\n    if choose(): continue\n    {B}",
    "for i in some():\n    if choose():\n        {B}\n        break\nelse:\n    {n} = 2",
    "for i in some():\n    if choose(): break\nelse:\n    {B}",
    "try:\n    fail()\n    {B}\nexcept ValueError:\n    pass",
    "try:\n    {B}\n    fail()\nexcept ValueError:\n    pass",
    "try:\n    fail()\nexcept ValueError:\n    {B}",
    "try:\n    fail()\nexcept ValueError:\n    {n} = 2\nelse:\n    {B}",
    "try:\n    {B}\n    fail()\nexcept ValueError:\n    raise",
    "try:\n    fail()\n    {n} = 2\nexcept ValueError:\n    pass\nfinally:\n    {B}",
    "try:\n    fail()\nfinally:\n    {B}",
    "for i in some():\n    try:\n        if choose(): break\n        {B}\n    finally:\n        {t} = 1",
    "for i in some():\n    try:\n        fail()\n        continue\n    except ValueError:\n        {B}",
    "while True:\n    try:\n        fail()\n        {B}\n        break\n    except ValueError:\n        pass",
    "with context():\n    {B}",
    "with suppress(ValueError):\n    fail()\n    {B}",
    "match pick(1):\n    case 1:\n        {B}\n    case _:\n        {n} = 2",
    "match pick(1):\n    case 1:\n        {B}",
    "if choose():\n    {B}\nelse:\n    del {n}",
    "if (i := choose()) and choose():\n    {B}",
    "async with acontext():\n    {B}",
)

# How often a name starts with a value, a function made before is called between two cells, and a
# piece joins the cell above.
_DEFINED, _CALLED, _JOINED = 0.6, 0.2, 0.3


@dataclass(frozen=True, slots=True)
class Program:
    """A notebook's cells, and which (binding form, scope, position) they cover."""

    cells: tuple[str, ...]
    covered: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Item:
    cells: tuple[str, ...]
    functions: tuple[str, ...]


def _indented(template: str, **parts: str) -> str:
    """Fill whole-line placeholders, their further lines indented as the first."""
    lines = []
    for line in template.split("\n"):
        for key, text in parts.items():
            if line.strip() == key:
                indent = line[: line.index(key)]
                lines += [indent + each for each in text.split("\n")]
                break
        else:
            lines.append(line)
    return "\n".join(lines)


def item(form: str, scope: str, position: str, name: str, number: int, pick: Callable[[tuple[str, ...]], str]) -> _Item:
    """Return the cells of one item, not checked for being Python."""
    words = {"n": name, "t": f"t{number}", "s": f"s{number}", "r": f"r{number}"}

    def fill(template: str) -> str:
        for key, word in words.items():
            template = template.replace(f"{{{key}}}", word)
        return template

    binding = FORMS[form].replace("{{", "\0").replace("}}", "\1")
    above = below = ""
    if "{E}" in SCOPES[scope]:
        body = EXPRESSION_POSITIONS[position].replace("{E}", binding)
        above, _, body = body.rpartition("⇧")
        body, _, below = body.partition("\n⇩")
        text = SCOPES[scope].replace("{{", "\0").replace("}}", "\1").replace("{E}", body)
    else:
        template = POSITIONS[position]
        while "{W}" in template:
            template = template.replace("{W}", "\2", 1).replace("\2", pick(WRAPPERS), 1)
        above, _, body = template.rpartition("⇧")
        body, _, below = body.partition("\n⇩")
        below = _indented(below, **{"{B}": binding})
        text = _indented(
            SCOPES[scope].replace("{{", "\0").replace("}}", "\1"), **{"{B}": _indented(body, **{"{B}": binding})}
        )
    pieces = (above.strip("\n"), *text.split("\n¶\n"), below)
    cells = tuple(fill(piece).replace("\0", "{").replace("\1", "}") for piece in pieces if piece)
    return _Item(cells, tuple(word for key, word in words.items() if key in "rs" and f"{word}()" in "\n".join(cells)))


def is_python(cells: tuple[str, ...]) -> bool:
    """Return whether each cell compiles on this Python, top-level ``await`` included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for cell in cells:
                compile(cell, "<cell>", "exec", FLAGS, dont_inherit=True)
        except SyntaxError:
            return False
    return True


def plain(form: str, scope: str) -> Program | None:
    """Return the smallest program of a form in a scope, its use after it; None where it is no Python."""
    if "{E}" in SCOPES[scope] and form not in EXPRESSIONS:
        return None
    made = item(form, scope, "after", "a", 1, lambda texts: texts[0])
    return Program((HARNESS, "a = [0]", *made.cells), ((form, scope, "after"),)) if is_python(made.cells) else None


def small_programs() -> tuple[Program, ...]:
    """Return a program for each binding form at module level, and for each way control flows."""
    forms = [program for form in FORMS if (program := plain(form, "module")) is not None]
    ways = [
        item("assignment", scope, "after a branch", "a", 1, lambda _, wrapper=wrapper: wrapper).cells  # type: ignore[misc]
        for wrapper in WRAPPERS
        for scope in ("module", "function", "function, global")
    ]
    return (*forms, *(Program((HARNESS, *cells), ()) for cells in ways if is_python(cells)))


def combinations() -> Iterator[tuple[str, str, str]]:
    """Yield every (binding form, scope, position) this Python has a program for."""
    for form, scope in product(FORMS, SCOPES):
        if "{E}" in SCOPES[scope] and form in STATEMENTS:
            continue
        for position in EXPRESSION_POSITIONS if "{E}" in SCOPES[scope] else POSITIONS:
            # The first wrapper stands for all: whether it compiles does not depend on it.
            if is_python(item(form, scope, position, "a", 1, lambda texts: texts[0]).cells):
                yield form, scope, position


def programs(count: int, seed: int = 0) -> Iterator[Program]:
    """Yield ``count`` programs, which go through all combinations in a shuffled order again and again."""
    chance = random.Random(f"{seed} {sys.version_info[:2]}")  # noqa: S311 - not a secret
    every = [
        (form, scope, position)
        for form, scope in product(FORMS, SCOPES)
        if "{E}" not in SCOPES[scope] or form in EXPRESSIONS
        for position in (EXPRESSION_POSITIONS if "{E}" in SCOPES[scope] else POSITIONS)
    ]
    queue: list[tuple[str, str, str]] = []
    for _ in range(count):
        cells: list[str] = [HARNESS]
        covered: list[tuple[str, str, str]] = []
        known: list[str] = []
        for name in NAMES:
            if chance.random() < _DEFINED:
                cells.append(f"{name} = {chance.choice(('1', '[0]', 'use', 'lambda: 1'))}")  # noqa: PERF401 - two lines read better  # noqa: E501 - one scope a line
        for number in range(chance.choice((1, 2, 2, 3, 3, 4))):
            if not queue:
                queue = every.copy()
                chance.shuffle(queue)
            combination = queue.pop()
            made = item(*combination, chance.choice(NAMES[:3] * 3 + NAMES[3:]), number, chance.choice)
            if not is_python(made.cells):
                continue
            covered.append(combination)
            known += made.functions
            for cell in made.cells:
                if known and chance.random() < _CALLED:
                    cells.append(f"{chance.choice(known)}()")
                if chance.random() < _JOINED:
                    cells[-1] += f"\n{cell}"
                else:
                    cells.append(cell)
        yield Program(tuple(cells), tuple(covered))
