"""Keeps what must not leave the notebook out of the package's comments, prose and files."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nb2prod.analysis import analyse_notebook
from nb2prod.convert.plan import Refusal, Withheld
from nb2prod.convert.substitution import docstrings
from nb2prod.credential_forms import credentials_in_prose, is_unmistakable
from nb2prod.credentials import find_credentials
from nb2prod.notebook.code import read_code
from nb2prod.notebook.model import CodeCell, MarkdownCell, Notebook
from nb2prod.places import without_folders

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan

REDACTED = "[redacted]"
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)
_TEXTS = frozenset({tokenize.COMMENT, tokenize.STRING})


def credentials_in_texts(notebook: Notebook) -> Iterator[Withheld]:
    """Yield what looks like a credential in markdown, comments, docstrings and code put between quotes."""
    for cell in notebook.cells:
        texts = [(1, cell.source)] if isinstance(cell, MarkdownCell) else []
        if isinstance(cell, CodeCell) and cell.tree is not None:
            texts = [*_comments(cell.python), *((each.lineno, str(each.value)) for each in docstrings(cell.tree))]
        for line, text in texts:
            for value in credentials_in_prose(text):
                yield Withheld(value, REDACTED, secret=True, cell=cell.index, line=line)


def refused_modules(plan: Plan, analysis: Analysis, known: Collection[str]) -> Iterator[Refusal]:
    """Yield a refusal for each module beside the notebook that would take a credential along."""
    for file in plan.local_files:
        source = file.content.decode("utf-8", "replace")
        name = PurePath(file.target).name
        cell = read_code(PurePath(name), 1, None, source, {})
        module = analyse_notebook(Notebook(PurePath(name), (cell,), "python", (4, 5), {}), libraries=analysis.libraries)
        lines = [each.location.line for each in find_credentials(module, cell)]
        lines += [number for number, line in enumerate(cell.lines, 1) if any(value in line for value in known)]
        if lines:
            reason = f"{name}, which the notebook imports, has a credential in line {min(lines)}"
            advice = "read it from the environment there, and revoke this one"
            yield Refusal(_importer(name, analysis), 1, reason, advice, whole=True)


def _importer(file_name: str, analysis: Analysis) -> int:
    stem = file_name.removesuffix(".py")
    for statement in analysis.flow.statements:
        for definition in statement.definitions:
            if definition.kind in ("import", "star") and stem in (definition.qualified or stem).split("."):
                return statement.cell.index
    return 1


def _comments(code: str) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return  # what tokens there were have been looked at


def withhold_texts(plan: Plan, analysis: Analysis) -> Plan:
    """Take credentials, and folders of one machine, out of what README and docstrings say; no test data has one."""

    def shown(text: str | None) -> str | None:
        return None if text is None else shown_prose(text, plan.withheld)

    return replace(
        plan,
        steps=tuple(
            replace(
                step,
                title=shown(step.title),
                text=shown(step.text) or "",
                prose=tuple((cell, shown(text) or "") for cell, text in step.prose),
            )
            for step in plan.steps
        ),
        parameters=tuple(
            replace(each, text=shown(each.text) or "", comments=tuple(shown(line) or "#" for line in each.comments))
            for each in plan.parameters
        ),
        notes=tuple(shown(note) or "" for note in plan.notes),
        data_files=tuple(path for path in plan.data_files if not _holds_one(path, plan, analysis)),
    )


def _holds_one(path: PurePath, plan: Plan, analysis: Analysis) -> bool:
    secrets = [each.text.encode() for each in plan.withheld if each.secret and is_unmistakable(each.text)]
    if not secrets:
        return False
    content = (Path(analysis.notebook.path).parent / path).read_bytes()
    return any(secret in content for secret in secrets)


def shown_prose(text: str, withheld: Sequence[Withheld]) -> str:
    """Return prose or a comment without credentials and without the folders of paths of one machine."""
    text = _KEY_BLOCK.sub(REDACTED, text)
    for each in sorted(withheld, key=lambda each: -len(each.text)):
        text = _replaced(text, each)
    for value in sorted(set(credentials_in_prose(text)), key=len, reverse=True):
        text = text.replace(value, REDACTED)
    return without_folders(text)


def shown_code(code: str, withheld: Sequence[Withheld]) -> str:
    """Return Python of the notebook: comments as ``shown_prose`` gives them, docstrings without credentials."""
    secrets = [each for each in withheld if each.secret]
    alone = _standing_alone(code) if any(each.text in code for each in secrets) else frozenset()
    lines = code.split("\n")
    try:
        tokens = [token for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type in _TEXTS]
    except (tokenize.TokenError, SyntaxError):
        return code
    for token in reversed(tokens):
        (row, column), (end_row, end_column) = token.start, token.end
        if token.type == tokenize.COMMENT:
            new = shown_prose(token.string, withheld).replace("\n", " ")
        elif token.start in alone:
            new = token.string
            for each in secrets:
                new = _replaced(new, each)
        else:
            continue
        if new != token.string:
            text = lines[row - 1][:column] + new + lines[end_row - 1][end_column:]
            lines[row - 1 : end_row] = text.split("\n")
    return "\n".join(lines)


def leaked(plan: Plan, files: Mapping[str, bytes]) -> tuple[Refusal, ...]:
    """Return a refusal for each credential that the files of a package would still hold."""
    return tuple(
        Refusal(
            each.cell,
            each.line,
            "a credential is written here, in a place where no value of the configuration can stand",
            "read it from the environment there, and revoke this one",
        )
        for each in plan.withheld
        if each.secret
        and is_unmistakable(each.text)
        and any(form in content for content in files.values() for form in map(_encoded, _forms(each.text)))
    )


def _forms(text: str) -> set[str]:
    """Return how a text may be written in a file: as it is, or escaped in a literal or in JSON."""
    return {text, repr(text)[1:-1], text.replace("\\", "\\\\")}


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _replaced(text: str, each: Withheld) -> str:
    for form in sorted(_forms(each.text), key=len, reverse=True):
        if form not in text:
            continue
        if each.secret and is_unmistakable(each.text):
            text = text.replace(form, each.shown)
        else:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", lambda _: each.shown, text)
    return text


def _standing_alone(code: str) -> frozenset[tuple[int, int]]:
    """Return where strings start that are statements by themselves: docstrings."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return frozenset()
    found: set[tuple[int, int]] = set()
    lines = code.split("\n")
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str()) as value):
                text = lines[value.lineno - 1].encode()[: value.col_offset].decode()
                found.add((value.lineno, len(text)))
    return frozenset(found)
