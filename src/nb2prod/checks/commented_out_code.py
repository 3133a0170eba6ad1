"""commented-out-code: a cell holds code that was taken out of use by making comments of it."""

from __future__ import annotations

import ast
import builtins
from keyword import iskeyword
from textwrap import dedent
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from nb2prod.checks._comment_blocks import removal
from nb2prod.diagnostics import Finding
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

FEWEST = 2
# What everybody calls these libraries, imported here or not.
_USUAL = frozenset({"go", "np", "os", "pd", "plt", "px", "sns", "sys", "tf", "torch"})
# What a line of code has in it somewhere; most comments are done with here.
_CODE = lazy_pattern(r"[=(\[:]|^(?:import|from|return|del|break|continue|pass|raise)\b")
_HEADER = lazy_pattern(r"(?:for|if|elif|else|while|with|def|class|try|except|finally)\b.*:$")
# Two words side by side: no statement, unless one is a keyword of Python.
_PROSE = lazy_pattern(r"([^\W\d]\w*)\s+([^\W\d]\w*)")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell with ``FEWEST`` lines of such code, or with nothing else in it, at the first of them."""
    names: set[str] | None = None
    for cell in analysis.notebook.code_cells:
        if cell.tree is None:
            continue
        if '"""' in cell.source or "'''" in cell.source:
            yield from _texts(analysis, cell)
        if "#" not in cell.source:
            continue
        comments = _comments(cell)
        if not any(_CODE.search(text) for text in comments.values()):
            continue
        inside = _lines_of_texts(analysis, cell)
        comments = {number: text for number, text in comments.items() if number not in inside}
        lines = [number for number, text in comments.items() if _CODE.search(text)]
        if not lines:
            continue
        if names is None:
            names = {each.name for statement in analysis.statements() for each in statement.definitions}
        made = {name for number in lines for name in _assigned(comments[number])}
        found = [number for number in lines if _is_code(comments[number], names | _USUAL | made)]
        if len(found) >= FEWEST or (found and not cell.tree.body and not cell.magics):
            line, text = found[0], cell.lines[found[0] - 1]
            where = cell.location(line, len(text) - len(text.lstrip()) + 1, line, len(text.rstrip()) + 1)
            yield Finding(
                where,
                f"{len(found)} line{'s are' if len(found) > 1 else ' is'} code that is commented out: nobody knows "
                "whether it is still meant; delete it, the version history has it",
                fix=removal(cell, list(comments), found),
            )


def _texts(analysis: Analysis, cell: CodeCell) -> Iterator[Finding]:
    """Yield the first text in a cell that stands by itself and is code: quotes around it take it out of use, too."""
    for node in cell.tree.body if cell.tree is not None else ():
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        text = node.value.value
        if not isinstance(text, str) or text.count("\n") < FEWEST:
            continue
        names = {each.name for statement in analysis.statements() for each in statement.definitions} | _USUAL
        with catch_warnings():
            simplefilter("ignore")
            try:
                body = ast.parse(dedent(text)).body
            except (SyntaxError, ValueError):
                continue
        made = {name for line in text.splitlines() for name in _assigned(line.strip())}
        if len(body) >= FEWEST and all(_is_statement(each, names | made) for each in body):
            yield Finding(
                cell.locate(node),
                f"{len(body)} statements are put in quotes, which takes them out of use: nobody knows whether they are "
                "still meant; delete them, the version history has them",
            )
            return


def _assigned(text: str) -> set[str]:
    """Return the names that a comment gives a value, if it is an assignment: other comments may read them."""
    name, equals, value = text.partition("=")
    return {name.strip()} if equals and name.strip().isidentifier() and not value.startswith("=") else set()


def _comments(cell: CodeCell) -> dict[int, str]:
    """Return what the lines say that are nothing but a comment, or look like one in a text of many lines."""
    lines = ((number, line.strip()) for number, line in enumerate(cell.python.split("\n"), 1) if "#" in line)
    return {number: line.lstrip("#").strip() for number, line in lines if line.startswith("#")}


def _lines_of_texts(analysis: Analysis, cell: CodeCell) -> set[int]:
    """Return the lines that a text goes on over."""
    tree = cell.tree
    texts = (
        [*analysis.nodes_of(tree, ast.Constant), *analysis.nodes_of(tree, ast.JoinedStr)] if tree is not None else []
    )
    return {line for node in texts for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)}


def _is_code(text: str, names: Collection[str]) -> bool:
    """Whether a comment is a statement, about names that are there: an import, an assignment, a call, a loop."""
    words = _PROSE.match(text)
    if words is not None and not (iskeyword(words[1]) or iskeyword(words[2])):
        return False
    if _HEADER.match(text):
        text = _completed(text)
    with catch_warnings():
        simplefilter("ignore")
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError):
            return False
    return len(body) == 1 and _is_statement(body[0], names)


def _completed(header: str) -> str:
    """Return a statement of which a line is the beginning."""
    word = header.partition(":")[0].split()[0]
    if word in ("elif", "else"):
        return f"if 0:\n pass\n{header} pass"
    if word in ("except", "finally"):
        return f"try:\n pass\n{header} pass"
    return f"{header} pass" if word != "try" else f"{header}\n pass\nfinally:\n pass"


def _is_statement(node: ast.stmt, names: Collection[str]) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name()], value=ast.Name()):
            return False  # `n = samples` explains
        case ast.Assign(value=value) | ast.AugAssign(value=value):
            return _are_known(value, names)
        case ast.Expr(value=ast.Call() as call):
            root: ast.expr = call
            while isinstance(root, (ast.Call, ast.Attribute, ast.Subscript)):
                root = root.func if isinstance(root, ast.Call) else root.value
            return isinstance(root, ast.Name) and _is_known(root.id, names)
        case ast.For(iter=value) | ast.If(test=value) | ast.While(test=value):
            return not isinstance(value, ast.Constant) and _are_known(value, names)
        case ast.With() | ast.FunctionDef() | ast.ClassDef() | ast.Return():
            return True
        case _:
            return False


def _are_known(value: ast.expr, names: Collection[str]) -> bool:
    """Whether every name that is read is there: a formula in words has others."""
    inner = {
        each.id for each in ast.walk(value) if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)
    } | {each.arg for each in ast.walk(value) if isinstance(each, ast.arg)}
    read = {each.id for each in ast.walk(value) if isinstance(each, ast.Name)} - inner
    return all(_is_known(name, names) for name in read)


def _is_known(name: str, names: Collection[str]) -> bool:
    return name in names or hasattr(builtins, name)
