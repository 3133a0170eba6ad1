"""A process of its own for LibCST, which can take the process it runs in down: JSON lines in, JSON lines out."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# LibCST needs over a minute for a sum of 5,000 terms and overflows the stack at 2,000 nested
# parentheses: what is deeper or larger than people write is left to plain text.
_DEPTH = 60
_NODES = 20_000
_SECONDS = 60


def tractable(tree: ast.Module) -> bool:
    """Return whether LibCST can be given the source of ``tree``: neither too deep nor too large."""
    level: list[ast.AST] = [tree]
    nodes = depth = 0
    while level:
        nodes += len(level)
        depth += 1
        if nodes > _NODES or depth > _DEPTH:
            return False
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return True


def indent_all(texts: Sequence[tuple[str, str]], *, seconds: float = _SECONDS) -> list[str | None]:
    """Return each statement's source as a block indented by its prefix, or None where LibCST cannot.

    ``texts`` are pairs of source (statements from the first column on) and prefix. All go through
    one worker; a source it crashes or hangs on is skipped and a new worker does the rest.
    """
    answers: list[str | None] = []
    while len(answers) < len(texts):
        done = _work(texts[len(answers) :], seconds)
        answers += done
        if len(answers) < len(texts):
            answers.append(None)
    return answers


def _work(texts: Sequence[tuple[str, str]], seconds: float) -> list[str | None]:
    """Return the answers of one worker, fewer than ``texts`` if it ended early."""
    orders = "".join(json.dumps(order) + "\n" for order in texts)
    command = [sys.executable, "-P", "-m", "nb2prod.convert.worker"]
    try:
        output = subprocess.run(  # noqa: S603 - our own module
            command,
            input=orders.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
    # A line that was cut off when the worker died is no answer.
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def _indent(source: str, prefix: str) -> str:
    import libcst as cst  # noqa: PLC0415 - 0.2 s that only the worker spends

    module = cst.parse_module(source)
    body: list[Any] = list(module.body)
    if not body:
        msg = "no statement"
        raise ValueError(msg)
    body[0] = body[0].with_changes(leading_lines=[*module.header, *body[0].leading_lines])
    block = cst.IndentedBlock(body, indent=prefix, footer=module.footer)
    outer = cst.Module([cst.If(cst.Name("True"), block)], default_indent=module.default_indent, default_newline="\n")
    return outer.code.partition("\n")[2].rstrip("\n")


def main() -> None:
    """Answer each order on standard input with one line on standard output."""
    import libcst as cst  # noqa: PLC0415 - 0.2 s that only the worker spends

    for line in sys.stdin.buffer:
        source, prefix = json.loads(line)
        try:
            answer = _indent(source, prefix)
        except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, ValueError):
            answer = None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
