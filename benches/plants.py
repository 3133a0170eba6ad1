"""Kinds of wrong conversions: edits of a package's syntax trees, planted by `planted.py`."""

from __future__ import annotations

import ast
import copy
import random
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nb2prod.verify.observer import module_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from nb2prod.verify.run import Run
    from nb2prod.verify.subject import Subject

    Change = Callable[[ast.AST], object]
    Sites = Callable[[ast.AST, "Facts"], Iterator[Change]]

_WRITERS = frozenset({"to_csv", "to_json", "to_parquet", "to_excel", "savefig", "open", "dump", "join", "write_text"})
_DRAWS = re.compile(r"random|rand|shuffle|sample|choice|normal|integers|uniform")
_LABELS = frozenset({"xlabel", "ylabel", "title", "set_xlabel", "set_ylabel", "set_title", "suptitle"})
_SIZES = frozenset({
    "alpha", "annot_kws", "bottom", "dpi", "figsize", "fontsize", "height", "hspace", "labelsize", "left", "linewidth",
    "linewidths", "lw", "markersize", "ms", "pad", "right", "rotation", "s", "size", "top", "width", "wspace",
})  # fmt: skip
_COMPARED = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.Lt, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a step.

    step   its function
    kinds  of each result the kind of digest its value had
    later  the names later steps take
    drawn  the cells that showed a figure
    sizes  ids of the nodes that say how large something is drawn, which verification leaves alone
    """

    step: ast.FunctionDef
    results: tuple[str, ...]
    kinds: dict[str, str]
    later: frozenset[str]
    drawn: frozenset[int]
    sizes: frozenset[int]


@dataclass(frozen=True, slots=True)
class Plant:
    """A mistake: the file of the package it is in, that file's new text, and the step it belongs to."""

    kind: str
    step: str | None
    what: str
    file: str
    source: str


# Sites in a step: each yields a change for a node it fits


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block


def _is_call(node: ast.AST | None, *names: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names


def _remove(place: int) -> Change:
    def change(node: Any) -> None:
        node.body[place : place + 1] = [ast.Pass()] if len(node.body) == 1 else []

    return change


def _swap(place: int) -> Change:
    def change(node: Any) -> None:
        node.body[place], node.body[place + 1] = node.body[place + 1], node.body[place]

    return change


def _of_ours(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and _is_call(statement.value, "end_of_cell", "show", "print")


def dropped_statement(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Leave a call or an augmented assignment out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.AugAssign) or (
            isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) and not _of_ours(each)
        ):
            yield _remove(place)


def lost_mutation(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Leave an assignment to a part of a value out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript):
            yield _remove(place)


def reordered_draws(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Exchange two statements that draw random numbers."""
    body = list(getattr(node, "body", ())) if isinstance(node, ast.stmt) else []
    for place, (one, other) in enumerate(pairwise(body)):
        if all(isinstance(each, ast.Assign) and _DRAWS.search(ast.unparse(each)) for each in (one, other)):
            yield _swap(place)


def extra_draw(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """Draw a number nobody asked for, after whatever the step has seeded."""
    if node is facts.step:
        draw = ast.parse("__import__('random').random()").body[0]
        last = len(facts.step.body) - isinstance(facts.step.body[-1], ast.Return)
        yield lambda node: node.body.insert(last, draw)  # type: ignore[attr-defined]


def dropped_print(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Leave a print out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.Expr) and _is_call(each.value, "print"):
            yield _remove(place)


def reordered_prints(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Exchange two prints."""
    body = list(getattr(node, "body", ())) if isinstance(node, ast.stmt) else []
    prints = [place for place, each in enumerate(body) if isinstance(each, ast.Expr) and _is_call(each.value, "print")]
    for one, other in pairwise(prints):
        if ast.dump(body[one]) != ast.dump(body[other]):

            def change(node: Any, one: int = one, other: int = other) -> None:
                node.body[one], node.body[other] = node.body[other], node.body[one]

            yield change


def printed_elsewhere(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Print to standard error."""
    if _is_call(node, "print"):
        stderr = ast.parse("__import__('sys').stderr", mode="eval").body
        yield lambda node: node.keywords.append(ast.keyword("file", stderr))  # type: ignore[attr-defined]


def lost_display(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Leave a displayed value out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        # Ours: what `plt.show` shows the end of the cell would show, too.
        if isinstance(each, ast.Expr) and _is_call(each.value, "show") and "." not in ast.unparse(each).split("(")[0]:
            yield _remove(place)


def lost_figure(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """Close the figures of a cell without saving them."""
    shown = False
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        call = ast.unparse(each.value.func) if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) else ""
        # What `plt.show` has saved the end of the cell does not save again.
        ends = call == "end_of_cell" and not shown and each.value.args[0].value in facts.drawn
        if (call == "plt.show" and facts.drawn) or ends:
            close = ast.parse("__import__('matplotlib.pyplot').pyplot.close('all')").body[0]
            yield lambda node, place=place, close=close: node.body.insert(place, close)  # type: ignore[misc]
        shown = call == "plt.show"


def renamed_column(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Assign to another key."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Store):
        return
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        yield lambda node: setattr(node.slice, "value", node.slice.value + "_")  # type: ignore[attr-defined]


def wrong_file(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Name a file otherwise."""
    if not _is_call(node, *_WRITERS) or not isinstance(node, ast.Call):
        return
    for place, argument in enumerate(node.args):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "." in argument.value:
            yield lambda node, place=place: setattr(node.args[place], "value", "x" + node.args[place].value)  # type: ignore[misc]


def off_by_one(node: ast.AST, _: Facts) -> Iterator[Change]:
    """End a slice, or `head`, one earlier."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and _is_number(node.slice.upper):
        yield _end_earlier
    if _is_call(node, "head", "tail", "range") and isinstance(node, ast.Call) and node.args:
        last = node.args[-1]
        if isinstance(last, ast.Constant) and isinstance(last.value, int):
            yield lambda node: setattr(node.args[-1], "value", node.args[-1].value - 1)  # type: ignore[attr-defined]


def _is_number(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _end_earlier(node: Any) -> None:
    """End a slice one earlier than it ends, which may be before its number."""
    number, value = node.slice.upper.value, ast.unparse(node.value)
    known = isinstance(node.value, ast.Name | ast.Attribute)
    text = f"min({number}, len({value})) - 1" if known else f"{number - 1}"
    node.slice.upper = ast.parse(text, mode="eval").body


def changed_constant(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """Double a number of the notebook's; the end of a slice may lie beyond the end of what is sliced."""
    if _is_call(node, "end_of_cell") or isinstance(node, ast.Slice):
        return
    for name, field in ast.iter_fields(node):
        for place, each in enumerate(field if isinstance(field, list) else [field]):
            if not isinstance(each, ast.Constant) or id(each) in facts.sizes:
                continue
            if type(each.value) in {int, float} and each.value not in {0, 1}:
                yield lambda node, name=name, place=place: _double(node, name, place)  # type: ignore[misc]


def _sizes(function: ast.FunctionDef) -> frozenset[int]:
    found: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.keyword) and node.arg in _SIZES:
            found |= {id(each) for each in ast.walk(node)}
    return frozenset(found)


def _double(node: ast.AST, name: str, place: int) -> None:
    field = getattr(node, name)
    constant = field[place] if isinstance(field, list) else field
    constant.value *= 2


def flipped_comparison(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Turn a comparison round."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        yield lambda node: node.ops.__setitem__(0, _COMPARED[type(node.ops[0])]())  # type: ignore[attr-defined]


def changed_operator(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Compute with another operator."""
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED and "'" not in ast.unparse(node):
        yield lambda node: setattr(node, "op", _COMPUTED[type(node.op)]())  # type: ignore[attr-defined]


def negated_condition(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Negate a condition."""
    if isinstance(node, ast.If | ast.IfExp):
        yield lambda node: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))  # type: ignore[attr-defined]


def changed_seed(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Seed a generator otherwise."""
    if _is_call(node, "seed", "default_rng", "RandomState") and isinstance(node, ast.Call) and node.args:
        yield lambda node: node.args.__setitem__(0, ast.BinOp(node.args[0], ast.Add(), ast.Constant(1)))  # type: ignore[attr-defined]
    if isinstance(node, ast.keyword) and node.arg in {"random_state", "seed"}:
        yield lambda node: setattr(node, "value", ast.BinOp(node.value, ast.Add(), ast.Constant(1)))  # type: ignore[attr-defined]


def _keyword(name: str, values: tuple[object, ...], new: Callable[[Any], object]) -> Sites:
    def sites(node: ast.AST, _: Facts) -> Iterator[Change]:
        if not isinstance(node, ast.keyword) or node.arg != name:
            return
        if isinstance(node.value, ast.Constant) and node.value.value in values:
            yield lambda node: setattr(node.value, "value", new(node.value.value))  # type: ignore[attr-defined]

    return sites


def truncated_loop(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Leave the last round of a loop out."""
    if isinstance(node, ast.For):

        def change(node: Any) -> None:
            node.iter = ast.Subscript(
                ast.Call(ast.Name("list", ast.Load()), [node.iter], []),
                ast.Slice(None, ast.UnaryOp(ast.USub(), ast.Constant(1))),
                ast.Load(),
            )

        yield change


def changed_format(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Print a number with another number of digits."""
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        spec = node.format_spec.values[0] if isinstance(node.format_spec, ast.JoinedStr) else None
        if isinstance(spec, ast.Constant) and re.search(r"\.\d", str(spec.value)):
            more = re.sub(r"\.(\d)", lambda found: f".{int(found[1]) + 1}", str(spec.value))
            yield lambda node: setattr(node.format_spec.values[0], "value", more)  # type: ignore[attr-defined]
    if _is_call(node, "round") and isinstance(node, ast.Call) and node.args and isinstance(node.args[-1], ast.Constant):
        yield lambda node: setattr(node.args[-1], "value", max(0, node.args[-1].value - 1))  # type: ignore[attr-defined]


def changed_label(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Change a label of a figure."""
    if _is_call(node, *_LABELS) and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        yield lambda node: setattr(node.args[0], "value", "another")  # type: ignore[attr-defined]


def changed_text(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Spell a printed text otherwise."""
    if _is_call(node, "print") and isinstance(node, ast.Call):
        for place, each in enumerate(node.args):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.strip():
                yield lambda node, place=place: setattr(node.args[place], "value", node.args[place].value + ".")  # type: ignore[misc]


def _before_return(expression: str, *kinds: str) -> Sites:
    """Return sites that give a result of one of the kinds another value when the step ends; ``_`` is the result."""

    def sites(node: ast.AST, facts: Facts) -> Iterator[Change]:
        if node is not facts.step or not isinstance(facts.step.body[-1], ast.Return):
            return
        for name in facts.results:
            if facts.kinds.get(name) in kinds:
                filled = re.sub(r"\b_\b", name, expression)
                new = ast.parse(f"{name} = {filled}").body[0]
                yield lambda node, new=new: node.body.insert(len(node.body) - 1, new)  # type: ignore[misc]

    return sites


def swapped_results(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """Exchange two results."""
    returned = facts.step.body[-1]
    if node is returned and isinstance(returned, ast.Return) and len(facts.results) > 1:
        if isinstance(returned.value, ast.Tuple):
            yield lambda node: node.value.elts.reverse()  # type: ignore[attr-defined]
        if isinstance(returned.value, ast.Call):
            yield lambda node: node.value.args.reverse()  # type: ignore[attr-defined]


def copied_argument(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """Change a copy of what the step was given."""
    if node is not facts.step:
        return
    for argument in facts.step.args.args:
        changed = [
            each
            for each in ast.walk(node)
            if isinstance(each, ast.Subscript | ast.Attribute)
            and isinstance(each.value, ast.Name)
            and each.value.id == argument.arg
            and (
                isinstance(each.ctx, ast.Store)
                or (isinstance(each, ast.Attribute) and each.attr in {"append", "update", "extend", "add", "pop"})
            )
        ]
        # A change nobody looks at any more is no difference.
        if changed and argument.arg not in facts.results and argument.arg in facts.later:
            new = ast.parse(f"{argument.arg} = __import__('copy').deepcopy({argument.arg})").body[0]
            yield lambda node, new=new: node.body.insert(0, new)  # type: ignore[misc]


IN_STEPS: dict[str, Sites] = {
    "dropped statement": dropped_statement,
    "lost mutation": lost_mutation,
    "reordered draws": reordered_draws,
    "extra draw": extra_draw,
    "dropped print": dropped_print,
    "reordered prints": reordered_prints,
    "printed elsewhere": printed_elsewhere,
    "changed text": changed_text,
    "lost display": lost_display,
    "lost figure": lost_figure,
    "changed label": changed_label,
    "renamed column": renamed_column,
    "wrong file": wrong_file,
    "off by one": off_by_one,
    "changed constant": changed_constant,
    "flipped comparison": flipped_comparison,
    "changed operator": changed_operator,
    "negated condition": negated_condition,
    "changed seed": changed_seed,
    "wrong axis": _keyword("axis", (0, 1), lambda axis: 1 - axis),
    "lost inplace": _keyword("inplace", (True,), lambda _: False),
    "reversed sorting": _keyword("ascending", (True, False), lambda value: not value),
    "truncated loop": truncated_loop,
    "changed format": changed_format,
    "swapped results": swapped_results,
    "mutated copy": copied_argument,
    "extra row": _before_return("__import__('pandas').concat([_, _.iloc[:1]])", "frame"),
    "lost row": _before_return("_.iloc[:-1]", "frame"),
    "shuffled rows": _before_return("_.iloc[::-1]", "frame"),
    "another dtype": _before_return("_.astype(object)", "array", "frame"),
    "lost element": _before_return("_[:-1]", "sequence"),
    "number as text": _before_return("str(_)", "int", "float", "scalar"),
    "slightly another number": _before_return("_ * (1 + 1e-6)", "float", "scalar"),
}


def files_of_steps(manifest: Mapping[str, Any]) -> list[str]:
    """Return the files of a package that hold its steps."""
    return [f"{name}.py" for name in dict.fromkeys(map(module_of, manifest["steps"]))]


def plants(subject: Subject, run: Run, each: int) -> Iterator[Plant]:
    """Yield the plants for a package, at most ``each`` of a kind, spread over its steps."""
    folder = subject.source / subject.package
    modules = {
        file: ast.parse((folder / file).read_text(encoding="utf-8")) for file in files_of_steps(subject.manifest)
    }
    kinds = {(value.step, value.name): value.digest["kind"] for value in run.trace.values}
    rows = {row["name"]: row for row in subject.manifest["steps"]}
    drawn = frozenset(figure.cell for figure in run.trace.figures if figure.cell is not None)
    choice = random.Random(subject.package)  # noqa: S311 - the same choice every time
    for kind, sites in IN_STEPS.items():
        found = []
        bodies = ((file, place, node) for file, tree in modules.items() for place, node in enumerate(tree.body))
        for file, place, function in bodies:
            if isinstance(function, ast.FunctionDef) and function.name in rows:
                results = tuple(rows[function.name]["results"])
                names = list(rows)
                after = names[names.index(function.name) + 1 :]
                later = frozenset(argument for name in after for argument in rows[name]["arguments"])
                own = {name: kinds.get((function.name, name), "") for name in results}
                facts = Facts(
                    function, results, own, later, drawn.intersection(rows[function.name]["cells"]), _sizes(function)
                )
                for at, node in enumerate(ast.walk(function)):
                    found += [(file, place, at, change) for change in sites(node, facts)]
        for file, place, at, change in sorted(choice.sample(found, min(each, len(found))), key=lambda one: one[:3]):
            tree = copy.deepcopy(modules[file])
            function = tree.body[place]
            node = list(ast.walk(function))[at]
            before = ast.unparse(function)
            change(node)
            if ast.unparse(function) == before:
                raise ValueError(f"{kind} changes nothing in {before.splitlines()[0]}")
            name = function.name if isinstance(function, ast.FunctionDef) else None
            yield Plant(kind, name, _changed(before, ast.unparse(function)), file, ast.unparse(tree))
    yield from in_pipeline(folder, rows, choice, each)
    yield from in_config(folder, choice, each)


def in_pipeline(folder: Path, rows: dict[str, Any], choice: random.Random, each: int) -> Iterator[Plant]:
    """Yield plants in how the steps are put together."""
    tree = ast.parse((folder / "pipeline.py").read_text(encoding="utf-8"))
    text = ast.unparse(tree)
    found: list[tuple[str, str, str]] = []
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in rows
        and isinstance(node.func.value, ast.Name)
    ]
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        old = ast.unparse(call)
        if len(call.args) > 1:
            new = copy.deepcopy(call)
            new.args[0], new.args[1] = new.args[1], new.args[0]
            found.append(("swapped arguments", name, text.replace(old, ast.unparse(new), 1)))
        line = next(line for line in text.splitlines() if old in line)
        found.append(("lost step", name, text.replace(line, re.match(r"\s*", line)[0] + "pass", 1)))  # type: ignore[index]
        names = list(rows)
        for result in set(rows[name]["results"]).intersection(rows[name]["arguments"]):
            user = next((each for each in names[names.index(name) + 1 :] if result in rows[each]["arguments"]), None)
            if user is not None:
                indent = re.match(r"\s*", line)[0]  # type: ignore[index]
                before = f"{indent}stale = __import__('copy').deepcopy({result})"
                after = f"{indent}{result} = stale"
                found.append(("stale value", user, text.replace(line, f"{before}\n{line}\n{after}", 1)))
    for kind in ("swapped arguments", "lost step", "stale value"):
        own = [one for one in found if one[0] == kind]
        for _, step, source in choice.sample(own, min(each, len(own))):
            yield Plant(kind, step, _changed(text, source), "pipeline.py", source)
    for name in ("_run", "run"):
        if empty := _emptied(tree, name):
            yield Plant("empty package", None, f"{name}() does nothing", "pipeline.py", empty)
            break


def _emptied(tree: ast.Module, name: str) -> str | None:
    """Return the module with nothing left of a function but the results it returns, all None."""
    new = copy.deepcopy(tree)
    for node in new.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            returned = next(each for each in ast.walk(node) if isinstance(each, ast.Return))
            if isinstance(returned.value, ast.Call):
                for keyword in returned.value.keywords:
                    keyword.value = ast.Constant(None)
            node.body = [returned]
            return ast.unparse(ast.fix_missing_locations(new))
    return None


def in_config(folder: Path, choice: random.Random, each: int) -> Iterator[Plant]:
    """Yield plants in the defaults of the configuration."""
    tree = ast.parse((folder / "config.py").read_text(encoding="utf-8"))
    text = ast.unparse(tree)
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant) and node.value.value is not None
    ]
    for node in choice.sample(found, min(each, len(found))):
        new = copy.deepcopy(node)
        value: Any = node.value.value if isinstance(node.value, ast.Constant) else None
        doubled = not value if isinstance(value, bool) else f"{value}_" if isinstance(value, str) else value * 2 + 1
        new.value = ast.Constant(doubled)
        source = text.replace(ast.unparse(node), ast.unparse(new), 1)
        yield Plant("changed default", None, ast.unparse(new), "config.py", source)


def _changed(before: str, after: str) -> str:
    """Return what was planted: the first line that is gone and the first that is new."""
    old, new = before.splitlines(), after.splitlines()
    gone = next((line.strip() for line in old if line not in new), "")
    made = next((line.strip() for line in new if line not in old), "")
    if not gone and not made:
        gone = next((line.strip() for line, other in zip(old, new, strict=False) if line != other), "a line twice")
    return f"{gone[:90]} → {made[:90]}"
