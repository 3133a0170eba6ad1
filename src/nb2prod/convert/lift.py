"""Lifts what is of no use elsewhere out of the code: credentials, and paths of one machine.

Each becomes a required field of the configuration, and a name in the place where it was written.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.naming import Names, notebook_names
from nb2prod.convert.path_uses import path_uses
from nb2prod.convert.plan import Moved, Parameter, Plan, Refusal, Replacement, Withheld, map_moved
from nb2prod.convert.required import OWN_FIELDS, Wanted, lift_texts, moved
from nb2prod.convert.substitution import docstrings, literals
from nb2prod.convert.withheld import REDACTED, credentials_in_texts, refused_modules
from nb2prod.credential_forms import is_unmistakable
from nb2prod.credentials import Credential, find_credentials
from nb2prod.notebook.model import CodeCell
from nb2prod.places import PLACES, PROBES, base_name, find_machine_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.places import MachinePath

# A notebook that asks for these asks whether it runs on Colab, Kaggle or Databricks.
_SERVICES = frozenset({each for each in PLACES if each.endswith("only")})
_SERVICE_WORDS = re.compile(r"colab|kaggle|databricks|dbutils", re.IGNORECASE)
_BLANK_FOLDERS = re.compile(r"(?:/tmp|/var/tmp)(?:/|$)")
_TELLING = re.compile(r"(?i)(secret|token|passw(or)?d|api_?key|access_?key|private_?key)")


def lift_secrets(plan: Plan, analysis: Analysis) -> Plan:
    """Make each credential in the code a required field of the configuration; one in a text is redacted.

    ``API_KEY = "…"`` gives the field its name and goes; elsewhere a name takes the literal's place, in
    strings, addresses and commands too. A private key that is not one literal is refused.
    """
    names = Names({*notebook_names(analysis), *OWN_FIELDS, *(each.name for each in plan.parameters)})
    found: list[tuple[int, Credential]] = []
    for any_cell in analysis.notebook.cells:
        found += [(any_cell.index, each) for each in find_credentials(analysis, any_cell)]
    found += [*_environment(plan)]
    withheld: dict[str, Withheld] = {}
    for said in credentials_in_texts(analysis.notebook):
        withheld.setdefault(said.text, said)
    refusals = [*plan.refusals, *refused_modules(plan, analysis, withheld)]
    if not found and not withheld:
        return replace(plan, refusals=tuple(refusals))
    wanted: dict[str, Wanted] = {}
    nodes: dict[str, set[int]] = {}
    for cell, each in found:
        value = each.value
        if "PRIVATE KEY" in value:
            whole = _whole_key(plan, cell, each)
            if whole is None and isinstance(analysis.notebook.cell_at(cell), CodeCell):
                advice = "put it into a file outside of the notebook and read that"
                reason = "a private key is written here in parts that no value of the configuration can be"
                refusals.append(Refusal(cell, each.location.line, reason, advice, whole=True))
            if whole is None:
                continue
            value = whole
        withheld.setdefault(value, Withheld(value, REDACTED, secret=True, cell=cell, line=each.location.line))
        if each.node is not None:
            nodes.setdefault(value, set()).add(id(each.node))
        if value not in wanted and isinstance(analysis.notebook.cell_at(cell), CodeCell):
            text = f"cell {cell} had {each.kind.removesuffix(' as a default')} written in it"
            field = Parameter(_secret_name(each), "str", None, text, cell, required=True, secret=True)
            wanted[value] = Wanted(value, field, is_path=False)
    texts = [
        each if is_unmistakable(value) else replace(each, nodes=frozenset(nodes.get(value, ())))
        for value, each in wanted.items()
    ]
    lifted, used = lift_texts(replace(plan, refusals=tuple(refusals)), analysis, texts, names)
    lifted = _without_shown_texts(lifted, [*withheld.values()])
    notes = [
        f"A credential in the text or a comment of cell {each.cell} was left out: revoke it."
        for value, each in withheld.items()
        if value not in used
    ]
    return replace(
        lifted, withheld=(*lifted.withheld, *withheld.values()), notes=(*lifted.notes, *dict.fromkeys(notes))
    )


def lift_absolute_paths(plan: Plan, analysis: Analysis) -> Plan:
    """Make each path of one machine in the code a required field of the configuration.

    ``DATA = "/home/…"`` gives the field its name and goes; elsewhere a name takes the path's place. Of a
    path that is only begun (f-strings, templates, sums) the leading folder is the field.
    """
    found = [*find_machine_paths(analysis)]
    if not found:
        return plan
    taken = {*notebook_names(analysis), *OWN_FIELDS, *(each.name for each in plan.parameters)}
    names = Names(taken)
    parents = _parents(plan)
    wanted: dict[str, Wanted] = {}
    withheld: dict[str, Withheld] = {}
    notes: list[str] = []
    for path in found:
        cell = path.cell.index
        if _BLANK_FOLDERS.match(path.text):
            notes.append(f"Cell {cell} uses {path.text.rstrip('…')}, which stays as it is.")
            continue
        if path.place in _SERVICES and (_is_asked_for(path, parents, analysis) or _runs_only_there(path, parents)):
            continue  # the notebook finds out where it runs
        text = _lifted_text(path, parents)
        if not text.strip("/\\~"):
            continue
        base = base_name(text)
        withheld.setdefault(text, Withheld(text, f"…/{base}", secret=False, cell=cell, line=path.location.line))
        if text not in wanted:
            what = path_uses(path, analysis)
            doc = f"cell {cell} {what.verb} {base or 'a home folder'} {what.preposition} a folder of one machine"
            if base and what.verb == "reads" and _is_beside(base, analysis):
                doc += "; a file of that name is beside the notebook"
            if text.endswith(("/", "\\")) and base:
                doc += " (the notebook has a slash at its end)"
            assigned = (what.assigned or "").strip("_").lower() if text == path.text else ""
            name = _path_name(text, base) if not assigned or assigned in taken else assigned
            wanted[text] = Wanted(text, Parameter(name, "str", None, doc, cell, required=True), is_path=True)
    lifted, _ = lift_texts(plan, analysis, [*wanted.values()], names)
    return replace(
        lifted, withheld=(*lifted.withheld, *withheld.values()), notes=(*lifted.notes, *dict.fromkeys(notes))
    )


def _parents(plan: Plan) -> dict[int, ast.AST]:
    found: dict[int, ast.AST] = {}
    for item in moved(plan):
        for node in ast.walk(item.statement.node):
            found.update((id(child), node) for child in ast.iter_child_nodes(node))
    return found


def _is_asked_for(path: MachinePath, parents: dict[int, ast.AST], analysis: Analysis) -> bool:
    """Return whether the code asks whether there is such a path."""
    match parents.get(id(path.node)):
        case ast.Call(func=func):
            return analysis.qualified_name(func) in PROBES
    return False


def _runs_only_there(path: MachinePath, parents: dict[int, ast.AST]) -> bool:
    """Return whether a path stands where the notebook has found out that it runs on Colab, Kaggle or Databricks.

    ``if IN_COLAB: …``, and ``try:`` with the service's own module first.
    """
    if path.node is None:
        return False
    node: ast.AST = path.node
    while (parent := parents.get(id(node))) is not None:
        match parent:
            case ast.If(test=test, body=body) if node in body and _asks_for_service(test):
                return True
            case ast.IfExp(test=test, body=body) if node is body and _asks_for_service(test):
                return True
            case ast.Try(body=[ast.Import() | ast.ImportFrom() as first, *_] as body) if node in body:
                if _SERVICE_WORDS.search(ast.unparse(first)):
                    return True
            case _:
                pass
        node = parent
    return False


def _asks_for_service(test: ast.expr) -> bool:
    negated = any(isinstance(node, (ast.Not, ast.NotIn, ast.NotEq, ast.IsNot)) for node in ast.walk(test))
    return not negated and _SERVICE_WORDS.search(ast.unparse(test)) is not None


def _lifted_text(path: MachinePath, parents: dict[int, ast.AST]) -> str:
    """Return what becomes the field: the whole path, or the leading folder of one that is only begun."""
    text, node = path.text, path.node
    parent = parents.get(id(node))
    begun = text.endswith("…") or isinstance(node, ast.BinOp)
    match parent:
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()) if left is node:
            begun = True
        case ast.Attribute(attr="format"):
            begun = True
    if not begun:
        return text
    return re.split(r"[\\/](?=[^\\/]*$)", text.rstrip("…"))[0]


def _path_name(text: str, base: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", base.lower()).strip("_")
    if not base or not name:
        return "home_folder" if not base else "path"
    is_folder = text.endswith(("/", "\\")) or "." not in base
    name = f"{name}_folder" if is_folder and not name.endswith(("folder", "dir", "directory", "path")) else name
    return f"path_{name}" if name[0].isdigit() else name


def _is_beside(base: str, analysis: Analysis) -> bool:
    try:
        return (Path(analysis.notebook.path).parent / base).is_file()
    except (OSError, ValueError):
        return False  # no name a file can have


def _secret_name(credential: Credential) -> str:
    """Return a field's name from what the credential is given to, else from what it is."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", credential.name)
    name = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").removeprefix("set_")
    if not name or name[0].isdigit():
        name = re.sub(r"[^a-z0-9]+", "_", credential.kind.lower().partition(" or ")[0]).strip("_")
        name = re.sub(r"^an?_", "", name)
    return name if len(name) <= 40 else name[:40].rstrip("_")  # noqa: PLR2004 nobody types more


def _environment(plan: Plan) -> Iterator[tuple[int, Credential]]:
    """Yield what ``%env NAME=value`` gives to a telling name, whatever it looks like."""
    for item in moved(plan):
        for each in item.replacements:
            if not each.text.startswith("set_environment("):
                continue
            match ast.parse(each.text, mode="eval").body:
                case ast.Call(args=[ast.Constant(value=str() as name), ast.Constant(value=str() as value)]):
                    stands_in = value.startswith(("$", "{", "<"))
                    if _TELLING.search(name) and len(value) > 3 and not stands_in:  # noqa: PLR2004 shorter is one too
                        yield (
                            item.statement.cell.index,
                            Credential(item.statement.location, "a credential", value, name),
                        )


def _whole_key(plan: Plan, cell: int, credential: Credential) -> str | None:
    """Return the text of the literal that holds a private key."""
    for item in moved(plan):
        if item.statement.cell.index == cell:
            for literal, _ in literals(item.statement.node):
                place = item.statement.cell.locate(literal).range
                if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                    start = credential.location.range.start
                    if place.start <= start < place.end and credential.value in literal.value:
                        return literal.value
    return None


def _without_shown_texts(plan: Plan, withheld: Sequence[Withheld]) -> Plan:
    """Redact credentials in texts that are displayed because they end a cell: code put between quotes."""

    def redacted(item: Moved) -> Moved:
        node = item.statement.node
        if not isinstance(node, ast.Expr) or not item.statement.displayed:
            return item
        for text in docstrings(node):
            value = str(text.value)
            for each in withheld:
                value = value.replace(each.text, REDACTED)
            if value != text.value:
                place = item.statement.cell.locate(text).range
                return replace(item, replacements=(*item.replacements, Replacement(place, repr(value))))
        return item

    return replace(plan, steps=map_moved(plan, redacted))
