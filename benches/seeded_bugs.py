"""Bugs put into the analyser on purpose: an oracle that does not see them proves nothing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# In the order they import each other.
_MODULES = (
    "walk", "expressions", "statements", "facts", "propagate", "flow", "callees", "functions", "objects", "inplace",
    "bodies", "summaries",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bug:
    """A mistake, and the text that is replaced in a module of ``nb2prod.dataflow`` to make it."""

    name: str
    module: str
    text: str
    replacement: str


BUGS = (
    Bug(
        "comprehension target leaks",
        "expressions",
        "    outer, walk.scope = walk.scope, scope\n",
        "    for name in scope.stores:\n        walk.store(name, generators[0].target, 'loop')\n"
        "    outer, walk.scope = walk.scope, scope\n",
    ),
    Bug("class scope visible in methods", "walk", 'outer.kind == "comprehension" and', 'outer.kind != "function" and'),
    Bug(
        "walrus stays in the comprehension",
        "walk",
        'while scope is not None and scope.kind == "comprehension":',
        "while scope is not None and not scope:",
    ),
    Bug("except name stays", "statements", 'walk.store(clause.name, clause, "delete")', "walk.bound.add(clause.name)"),
    Bug("what one branch binds is sure", "walk", "set.intersection(*survivors)", "set.union(*survivors)"),
    Bug(
        "one break is taken for all",
        "statements",
        "            return True\n        walk.bound = set.intersection(*breaks)",
        "            return True\n        walk.bound = set.union(*breaks)",
    ),
    Bug("function bodies run at once", "walk", "scope, True, set(), set(), []", "scope, self.deferred, set(), set(), []"),  # noqa: E501
    Bug("del is ignored", "statements", '_target(walk, target, "delete")', "isinstance(walk, type(target))"),
    Bug("global write is ignored", "walk", "self.global_writes.append(", "(lambda _: None)("),
    Bug("star target is missed", "statements", "        _target(walk, node.value, kind)\n", "        pass\n"),
    Bug("method call changes nothing", "expressions", "            walk.mutate(function.value)\n", "            pass\n"),  # noqa: E501
    Bug(
        "try body is sure in its handler",
        "statements",
        "            walk.bound, walk.deleted = set(before), set(deleted_before)\n            if clause.type",
        "            walk.bound.update(each.id for each in ast.walk(node) if isinstance(each, ast.Name))\n"
        "            if clause.type",
    ),
    Bug(
        "loop body surely runs",
        "statements",
        "    breaks = _loop(walk, node.body)\n    walk.bound, walk.deleted = before, deleted\n    _orelse",
        "    breaks = _loop(walk, node.body)\n    _orelse",
    ),
    Bug("short circuit surely goes on", "expressions", "walk.maybe(lambda: walk.all(node.values[1:]))", "walk.all(node.values)"),  # noqa: E501
    Bug("kept function is forgotten", "propagate", "        if definition in self._kept:", "        if definition:"),
    Bug("read in a called function is not live", "flow", "live |= calls.here | calls.ever", "live |= set()"),
    Bug("class body reads the function around it", "walk", "            if name in scope.global_names or", "            if False and"),  # noqa: E501
    Bug("match capture is missed", "statements", 'walk.store(name, child, "assign")', "walk.load(name, child)"),
    Bug("import binds its last part", "statements", 'alias.name.partition(".")[0]', 'alias.name.rpartition(".")[2]'),
    Bug("old value survives a certain one", "propagate", "self.state[name] = (*definitions, *written)", "pass"),
    Bug("a function's changes stay inside", "summaries", "return statement._replace(definitions=(*added,", "return statement._replace(definitions=(*added[:0],"),  # noqa: E501
    Bug("a function given by keyword is not", "callees", "        if keyword.arg in summary.keywords:", "        if False:"),  # noqa: E501
    Bug("one branch decides whose object it is", "objects", "    found = NOTHING.union(*held)\n", "    found = held[-1]\n"),  # noqa: E501
    Bug("a loop's end is not its beginning", "bodies", "            if start is not None and self.objects.tells_no_more(start):", "            if start is not None:"),  # noqa: E501
    Bug("a break leads nowhere", "bodies", "                self.exits[-1].append(self.objects.names)\n", "                pass\n"),  # noqa: E501
    Bug("a handler follows the whole body", "bodies", "        self.objects.join(states)\n", "        self.objects.join(states[-1:])\n"),  # noqa: E501
    Bug("inner functions run where they stand", "objects", "        for each in self.later:", "        for each in self.later[:0]:"),  # noqa: E501
    Bug("defaults are new objects", "inplace", "in summary.defaults.get(name, ()):", "in ():"),
    Bug("a circle of functions is walked once", "summaries", "                self._repeat()\n", "                pass\n"),  # noqa: E501
    Bug("kept functions change nothing", "propagate", "        for changed in self.statements[definition.statement].global_changes:\n            self._float(changed)\n", ""),  # noqa: E501
    Bug("results are new objects", "objects", "            return self._returned(node)\n", "            return NOTHING\n"),  # noqa: E501
)  # fmt: skip


@contextmanager
def seeded(bug: Bug) -> Iterator[None]:
    """Put an analyser with ``bug`` in the place of the true one."""
    names = [f"nb2prod.dataflow.{module}" for module in _MODULES]
    true = {name: import_module(name) for name in names}
    try:
        for name, short in zip(names, _MODULES, strict=True):
            spec = find_spec(name)
            if spec is None or spec.origin is None:
                raise AssertionError(f"no source of {name}")
            with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123 - one read
                source = file.read()
            if short == bug.module:
                if source.count(bug.text) != 1:
                    raise AssertionError(f"{bug.name}: the text to replace stands {source.count(bug.text)} times")
                source = source.replace(bug.text, bug.replacement)
            module = ModuleType(name)
            module.__file__ = spec.origin
            sys.modules[name] = module
            exec(compile(source, spec.origin, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own source  # noqa: E501
        yield
    finally:
        sys.modules.update(true)
