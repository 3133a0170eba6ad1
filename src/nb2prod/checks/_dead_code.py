"""Code that no run reaches, and functions that a newer version has replaced."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

# What ends the run where it stands, the kernel's own words for it included.
_ENDS = frozenset({"sys.exit", "os._exit", "exit", "quit", "builtins.exit", "builtins.quit"})
# A name with what says that there is a newer or older one of it: `clean_old`, `clean_v1`. A bare number
# tells things apart as well: `gen_fig_1`, `sub2`.
_VERSION = lazy_pattern(r"(?i)\A(?:(?:old|orig|deprecated|unused)_)?(?P<stem>[a-z]\w*?)"
                        r"(?:_?(?:old|orig|original|bak|backup|deprecated|unused|prev|v\d{1,2}))*\Z")  # fmt: skip


def never_reached(analysis: Analysis) -> Iterator[Finding]:
    """Yield each `if False:` of a cell, and the first cell below a statement that ends every run."""
    ended: Statement | None = None
    constant = analysis.mentions("False", "if 0")
    for statement in analysis.statements() if constant or analysis.mentions("exit", "quit", "raise") else ():
        if ended is not None:
            if statement.cell is not ended.cell and statement.cell.execution_count is None:
                message = f"no run comes here: cell {ended.cell.index} ends it; delete what follows, or the end"
                yield Finding(statement.location, message, (Related(ended.location, "the run ends here"),))
                return
            continue
        if constant and _is_off(statement.node):
            yield Finding(statement.location, "this never runs: its condition is never true; delete it")
        elif _ends(analysis, statement):
            ended = statement


def _is_off(node: ast.stmt) -> bool:
    match node:
        case ast.If(test=ast.Constant(value=value), orelse=[]) | ast.While(test=ast.Constant(value=value)):
            return not value and not isinstance(value, str)
        case _:
            return False


def _ends(analysis: Analysis, statement: Statement) -> bool:
    """Whether nothing comes after a statement; an error that a tag of its cell allows does not stop the run."""
    if "raises-exception" in statement.cell.tags:
        return False
    match statement.node:
        case ast.Expr(value=ast.Call(func=ast.Name() | ast.Attribute() as func)):
            return (analysis.qualified_name(func) or ast.unparse(func)) in _ENDS
        case ast.Raise(exc=ast.Name(id="SystemExit") | ast.Call(func=ast.Name(id="SystemExit"))):
            return True
        case _:
            return False


def outdated(analysis: Analysis, code: Sequence[CodeCell]) -> Iterator[Finding]:
    """Yield each function nothing calls, beside one of the same name but for a version that something does call."""
    stems: dict[str, list[Statement]] = {}
    for statement in analysis.statements():
        if isinstance(statement.node, ast.FunctionDef) and not statement.node.decorator_list:
            version = _VERSION.match(statement.node.name)
            if version is not None:
                stems.setdefault(version["stem"].lower(), []).append(statement)
    several = [group for group in stems.values() if len({each.definitions[0].name for each in group}) > 1]
    if not several:
        return
    read = {use.name for statement in analysis.statements() for use in statement.uses if use.owner != use.name}
    told = " ".join(magic.argument for cell in code for magic in cell.magics)
    tested = analysis.project.test_names() if analysis.project is not None else frozenset()
    for group in several:
        used = next((each for each in reversed(group) if each.definitions[0].name in read), None)
        for each in group:
            name = each.definitions[0].name
            if used is not None and name not in read and name not in tested and name not in told:
                newer = used.definitions[0].name
                message = (
                    f"nothing calls `{name}`, and `{newer}` in cell {used.cell.index} is called instead; delete it"
                )
                yield Finding(each.location, message, (Related(used.location, f"`{newer}` is what is called"),))
