"""What the notebook needs from outside: whether its whole run can be a test, and if not, why."""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import constants_of, fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan
    from nb2prod.notebook.model import Magic

_URL = re.compile(r"(?:https?|ftp|s3|gs)://", re.IGNORECASE)
_DATA_FILE = re.compile(
    r"[^\s:*?\"<>|]+\.(?:csv|tsv|xlsx?|json|jsonl|parquet|feather|pkl|pickle|joblib|npy|npz|h5|hdf5|mat|txt|dat|data|db|sqlite|"
    r"png|jpe?g|gif|wav|mp3|zip|gz|tgz|bz2|xml|html|yaml|yml|onnx|pt|pth)",
    re.IGNORECASE,
)
_INSTALLS = re.compile(r"\s*(?:sudo\s+)?(?:python3?\s+-m\s+)?(?:pip3?|conda|mamba)\s+install\b")
_ASKS = re.compile(r"\b(?:exists|isfile|is_file)\(")
_BUFFERS = frozenset({"io.StringIO", "io.BytesIO"})
_WRITERS = re.compile(r"(?:to_\w+|save\w*|write\w*|dump|\w*savefig|export\w*)\Z")


def missing_inputs(plan: Plan, analysis: Analysis, *, files_suffice: bool = False) -> list[str]:
    """Return why a test cannot run the whole pipeline, one reason a cell; nothing where it can.

    It can where every file the code reads is known to be among ``plan.data_files`` or written by the
    code itself, and nothing else is read: no network, no keyboard.

    files_suffice  it was run with those files alone, and did what it does with all of them
    """
    trees: list[ast.AST] = [cell.tree for cell in plan.notebook.code_cells if cell.tree is not None]
    constants = constants_of(trees)
    known = {path.as_posix() for path in plan.data_files}
    fetched = _fetched(trees, known | {path.name for path in (each.source for each in plan.local_files)}, constants)
    for tree in trees:
        known.update(_normal(text) for call in _writing_calls(tree) for text in _texts(call, constants))
    opened = _opened(trees, constants)
    reasons: dict[str, None] = {}
    for parameter in plan.parameters:
        if parameter.required:
            reasons[f"the configuration needs a value for {parameter.name}"] = None
    calls = [call for call in analysis.calls() if call.statement.index not in plan.sliced]
    buffers = {id(call.node) for call in calls if call.qualified_name in _BUFFERS}
    for call in calls:
        if id(call.node) in fetched:
            continue
        texts = _texts_given(call, constants, opened)
        reason = _outside(call, texts)
        if reason is None and not files_suffice and _reads_unknown(call, texts, known, buffers):
            reason = f"reads a file whose name only a run can tell ({call.name})"
        if reason is not None:
            reasons[f"cell {call.cell.number} {reason}"] = None
    for cell in plan.notebook.code_cells:
        for text in _texts(cell.tree, constants) if cell.tree is not None and not files_suffice else ():
            if _DATA_FILE.fullmatch(text) and not _URL.match(text) and not _is_known(text, known):
                reasons[f"cell {cell.number} names {text}, which is not among the test data{_why(plan, text)}"] = None
        if any(_runs_shell(magic) for magic in cell.magics):
            reasons[f"cell {cell.number} runs shell commands"] = None
    return list(reasons)


def _why(plan: Plan, text: str) -> str:
    """Return why a file that is there is no test data; empty for one that is not there."""
    try:
        is_there = (Path(plan.notebook.path).parent / text).is_file()
    except (OSError, ValueError):
        return ""  # no name of a file at all
    return ": the files are more than `--max-test-data` takes" if is_there else ""


def _runs_shell(magic: Magic) -> bool:
    """Return whether a magic runs a command; an installation is a dependency by now."""
    if magic.kind == "shell":
        return _INSTALLS.match(magic.argument) is None
    return magic.name in {"bash", "sh", "script"}


def _fetched(trees: Collection[ast.AST], known: Collection[str], constants: dict[str, str]) -> set[int]:
    """Return the calls that only fetch files that are there: ``if not exists(name): urlretrieve(url, name)``.

    The notebook gets everything it names by address this way: calls with an address are among them.
    """
    nodes = [node for tree in trees for node in ast.walk(tree)]
    guards = [node for node in nodes if isinstance(node, ast.If) and _ASKS.search(ast.unparse(node.test))]
    guarded = {id(inner) for guard in guards for inner in ast.walk(guard) if isinstance(inner, ast.Call)}
    addressed = [
        (node, text)
        for node in nodes
        if isinstance(node, ast.Call)
        for argument in node.args
        if (text := fold(argument, constants)) is not None and _URL.match(text)
    ]
    if not guards or not all(posixpath.basename(text.partition("?")[0]) in known for _, text in addressed):
        return set()
    return guarded | {id(node) for node, _ in addressed}


def _opened(trees: Collection[ast.AST], constants: dict[str, str]) -> dict[str, list[str]]:
    """Return the files that ``with open("data.json") as file`` opens under each name, where all of them are known."""
    found: dict[str, list[str]] = {}
    unknown: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.With)):
        for item in node.items:
            match item:
                case ast.withitem(
                    context_expr=ast.Call(func=ast.Name(id="open"), args=[file, *_]), optional_vars=ast.Name(id=name)
                ):
                    text = fold(file, constants)
                    if text is None:
                        unknown.add(name)
                    else:
                        found.setdefault(name, []).append(text)
    return {name: texts for name, texts in found.items() if name not in unknown}


def _texts_given(call: Call, constants: dict[str, str], opened: dict[str, list[str]]) -> list[str]:
    """Return the texts a call is given, names of files that were opened for it included."""
    # ``Path("data.json").read_text()`` names its file too.
    named = [*call.arguments.values(), *([call.node.func.value] if isinstance(call.node.func, ast.Attribute) else [])]
    texts = [text for node in named if (text := fold(node, constants)) is not None]
    return texts + [text for node in named if isinstance(node, ast.Name) for text in opened.get(node.id, ())]


def _outside(call: Call, texts: Collection[str]) -> str | None:
    """Return what a call needs from outside that no file can give."""
    if "network" in call.effects or any(_URL.match(text) for text in texts):
        return f"uses the network ({call.name})"
    if call.qualified_name in {"builtins.input", "getpass.getpass"}:
        return f"waits for input ({call.name})"
    return f"runs another program ({call.name})" if "shell" in call.effects else None


def _reads_unknown(call: Call, texts: Collection[str], known: set[str], buffers: Collection[int]) -> bool:
    """Return whether a call reads a file that nobody knows; a text in memory is none."""
    given = (*call.node.args, *(word.value for word in call.node.keywords))
    in_memory = any(id(each) in buffers for each in given)
    reads = "read-file" in call.effects and not call.deferred and not in_memory
    return reads and not any(_names_a_file(text, known) for text in texts)


def _names_a_file(text: str, known: set[str]) -> bool:
    """Return whether a text is a known file, or looks like one and is reported as such where it is not known."""
    return _is_known(text, known) or _DATA_FILE.fullmatch(text) is not None


def _is_known(text: str, known: set[str]) -> bool:
    """Return whether a text names a file that is there, or is the last part of such a name."""
    return any(name == _normal(text) or name.endswith(f"/{_normal(text)}") for name in known)


def _normal(text: str) -> str:
    return posixpath.normpath(text) if text else ""


def _writing_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if _WRITERS.match(name):
                yield node
            case ast.Call(func=ast.Name(id="open"), args=[_, ast.Constant(value=str(mode)), *_]) if set("wax") & set(
                mode
            ):
                yield node


def _texts(tree: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    """Yield the longest texts the code makes of literals."""
    text = fold(tree, constants) if isinstance(tree, ast.expr) else None
    if text is not None:
        yield text
        return
    for child in ast.iter_child_nodes(tree):
        yield from _texts(child, constants)
