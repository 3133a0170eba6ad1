"""What becomes of IPython syntax: each magic is dropped, a dependency, Python code, or a refusal.

Which magics do nothing to the program is data (``rules/conversion.toml``); what a magic does to the
program is written as Python that calls the package's own ``shell`` module, whose functions
do what the kernel does, printed text included.
"""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from nb2prod.convert.interpolation import expand
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.plan import Refusal
from nb2prod.installs import installs

if TYPE_CHECKING:
    from collections.abc import Collection

    from nb2prod.notebook.model import CodeCell, Magic, Notebook


# `-n 10 -r3 -o f(x)`; the other options change how it is printed, or what is measured.
_MEASURE = re.compile(r"(?P<options>(?:-(?:[nr]\s*\d+|[oq]+)\s+)*)(?P<code>[^-\s].*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Drop:
    """The magic goes. ``keeps_python``: the Python beside or below it stays, else that goes with it.

    Where the magic is the only statement of a block, ``pass`` takes its place.
    """

    reason: str
    keeps_python: bool = True


# Why a statement that installs is left out; verification knows by it what only installing has printed.
INSTALLS = "it installs distributions: see the dependencies"


@dataclass(frozen=True, slots=True)
class Install:
    """The magic installs distributions: it goes, and the dependencies say what it installed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Code:
    """Python to put at the magic's range.

    text        an expression, a ``del`` statement, or an assignment of what the magic binds; on one line
    helpers     functions it calls from the package's ``shell`` module (``from .shell import …``), or from
                another, whose name stands before it (``timing.measure_time``)
    imports     modules it needs, by dotted name (``import …``)
    names       names of the notebook it reads
    whole_cell  it stands for the cell's whole body too (``%%bash``), which is no Python
    displayed   it has a value, which the kernel displays where the magic ends a cell
    """

    text: str
    helpers: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    whole_cell: bool = False
    displayed: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """The magic keeps the output of the cell below it from the page: ``head`` is that of a ``with`` statement."""

    head: str


Translation = Drop | Install | Code | Capture | Refusal


def shell_module() -> str:
    """Return the text of the module a package gets as ``shell.py`` where any ``Code`` names helpers."""
    return resources.files("nb2prod.convert.scaffold").joinpath("shell.py").read_text(encoding="utf-8")


def bound_names(notebook: Notebook) -> frozenset[str]:
    """Return every name any code of the notebook binds, in any scope: what ``{…}`` and ``$…`` may read."""
    names: set[str] = set()
    for cell in notebook.code_cells:
        for magic in cell.magics:
            names.update(magic.binds)
        for node in ast.walk(cell.tree) if cell.tree else ():
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    names.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    names.add(name)
                case ast.alias(name=name, asname=asname):
                    names.add(asname or name.partition(".")[0])
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    names.add(name)
                case ast.MatchMapping(rest=str(name)):
                    names.add(name)
    return frozenset(names)


def translate(magic: Magic, cell: CodeCell, bound: Collection[str]) -> Translation:
    """Return what becomes of ``magic``; ``bound`` is ``bound_names`` of the notebook."""
    match magic.kind:
        case "help":
            return Drop("it shows help")
        case "shell":
            return _shell(magic, cell, bound, magic.argument, captures=magic.name == "!!" or bool(magic.binds))
        case "cell":
            return _cell_magic(magic, cell, bound)
        case _:
            return _line_magic(magic, cell, bound)


def body(cell: CodeCell, magic: Magic) -> str:
    """Return what a cell magic is given: the lines below its own, ended by a newline."""
    # What the whole cell is indented by is no part of it, as for the kernel.
    margin = " " * (magic.range.start.column - 1)
    text = "\n".join(line.removeprefix(margin) for line in cell.lines[magic.range.end.line :])
    return text if not text or text.endswith("\n") else text + "\n"


def _line_magic(magic: Magic, cell: CodeCell, bound: Collection[str]) -> Translation:
    name, argument = magic.name, magic.argument.strip()
    match name:
        case _ if name in knowledge().installers:
            return _shell(magic, cell, bound, f"{name} {magic.argument}", captures=False)
        case "sx" | "system":
            return _shell(magic, cell, bound, magic.argument, captures=True)
        case "env" | "set_env":
            return _environment(magic, cell, bound)
        case "get_ipython":
            return Drop("the kernel's shell is of no use elsewhere: what was asked of it is answered")
        case "pwd" if not argument:
            return Code("os.getcwd()", imports=("os",), displayed=True)
        case "cd":
            return _change_directory(magic, cell, bound)
        case "load_ext":
            if argument.strip("'\"") in knowledge().extensions:
                return Drop(f"the extension {argument} only concerns working in the notebook")
            return _refusal(magic, cell, f"nobody here knows what the extension {argument} changes", "delete the line")
        case "timeit" if magic.binds and "measure_time" not in bound:
            return _measured(magic, cell)
        case _ if name in knowledge().measurements and not magic.binds:
            return Drop("it is a measurement and binds nothing", keeps_python=False)
        case _ if name in knowledge().timers and argument:
            return _timed(magic, cell)
        case _ if name in knowledge().dropped and not magic.binds:
            return Drop(knowledge().dropped[name])
        case _ if magic.binds:
            return _unknown(magic, cell)
        case _ if name in knowledge().aliases:
            return _shell(magic, cell, bound, f"{knowledge().aliases[name]} {magic.argument}", captures=False)
        case _:
            return _unknown(magic, cell)


def _cell_magic(magic: Magic, cell: CodeCell, bound: Collection[str]) -> Translation:
    text = body(cell, magic)
    match magic.name:
        case "capture":
            return _capture(magic, cell, bound)
        case name if name in knowledge().scripts:
            return _script(magic, cell, bound, text)
        case "writefile" | "file":
            return _write_file(magic, cell, bound, text)
        case "!" | "sx" | "system" if not magic.argument.strip() and "\n" not in text.rstrip("\n"):
            return _shell(magic, cell, bound, text.rstrip("\n"), captures=True, whole_cell=True)
        case name if name in knowledge().measurements:
            return Drop("it is a measurement and binds nothing", keeps_python=False)
        case name if name in knowledge().foreign:
            return Drop(knowledge().dropped[name], keeps_python=False)
        case name if name in knowledge().dropped and not magic.binds:
            return Drop(knowledge().dropped[name])
        case _:
            return _unknown(magic, cell)


def _shell(
    magic: Magic, cell: CodeCell, bound: Collection[str], command: str, *, captures: bool, whole_cell: bool = False
) -> Translation:
    found = installs(command)
    if found is not None and not captures:
        if found.removes:
            return _refusal(
                magic,
                cell,
                "it uninstalls packages",
                "delete the line: a package should not change the environment it runs in",
            )
        return Install(INSTALLS)
    if command.rstrip().endswith("&"):
        return _refusal(magic, cell, "the kernel runs no background command", "use subprocess.Popen")
    if not command.strip():
        return Drop("it runs nothing")
    text = expand(command, bound)
    if refusal := _kernel_names(magic, cell, bound, command):
        return refusal
    function = "capture_shell" if captures else "run_shell"
    code = f"{function}({text.source})"
    return Code(code, helpers=(function,), names=text.names, whole_cell=whole_cell, displayed=captures)


def _kernel_names(magic: Magic, cell: CodeCell, bound: Collection[str], text: str) -> Refusal | None:
    """Return a refusal where the text reads names only a kernel has (``{Out[3]}``, ``{_}``)."""
    kernel = knowledge().kernel_names
    read = [name for name in expand(text, {*bound, *kernel}).names if name in kernel and name not in bound]
    if not read:
        return None
    return _refusal(magic, cell, f"it reads {read[0]}, which only a kernel has", "give the value a name")


def _timed(magic: Magic, cell: CodeCell) -> Translation:
    """Translate a magic that runs its argument: the Python stays where the cell's masked text shows it."""
    line = magic.range.start.line - 1
    if not cell.python.replace("\r\n", "\n").replace("\r", "\n").split("\n")[line][magic.range.start.column :].strip():
        return _refusal(magic, cell, "its Python is more than one simple statement", "delete the magic")
    if not magic.binds:
        return Drop(knowledge().dropped[magic.name])
    try:
        ast.parse(magic.argument, mode="eval")
    except SyntaxError:
        return _unknown(magic, cell)
    return Code(magic.argument)


def _measured(magic: Magic, cell: CodeCell) -> Translation:
    """Translate ``result = %timeit -o f(x)``."""
    found = _MEASURE.fullmatch(magic.argument.strip())
    options, code = (found["options"], found["code"]) if found else ("", "")
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        code = ""
    if not code or not re.search(r"-q?oq?(?:\s|$)", options):
        return _unknown(magic, cell)
    given = [f"lambda: {code}"]
    for option, name in (("n", "loops"), ("r", "repeat")):
        if number := re.search(rf"-{option}\s*(\d+)", options):
            given.append(f"{name}={number[1]}")
    if re.search(r"-o?q", options):
        given.append("quiet=True")
    return Code(f"measure_time({', '.join(given)})", helpers=("timing.measure_time",))


def _environment(magic: Magic, cell: CodeCell, bound: Collection[str]) -> Translation:
    # The kernel expands first and splits then; the two only differ for values that hold "=" or
    # spaces before the first of them, which no name of a variable has.
    argument = magic.argument.strip()
    separator = "=" if "=" in argument else " "
    name, found, value = (part.strip() for part in argument.partition(separator))
    if magic.name == "env" and argument and not separator.strip() and not value:
        return Code(f"os.environ[{argument!r}]", imports=("os",), displayed=True)
    if not name or not (found or value) or re.search(r"[\s{$]", name):
        return _refusal(magic, cell, "it sets no variable that can be told", 'write os.environ["NAME"] = "value"')
    text = expand(value, bound)
    if refusal := _kernel_names(magic, cell, bound, value):
        return refusal
    return Code(f"set_environment({name!r}, {text.source})", helpers=("set_environment",), names=text.names)


def _change_directory(magic: Magic, cell: CodeCell, bound: Collection[str]) -> Translation:
    words = magic.argument.split()
    quiet = "-q" in words[:1]
    try:
        target = " ".join(shlex.split(magic.argument)[int(quiet) :])
    except ValueError:
        return _refusal(magic, cell, "its quotes do not close", "write os.chdir(…)")
    if target.startswith("-"):
        return _refusal(magic, cell, "it goes back in the kernel's history of folders", "write os.chdir(…)")
    if refusal := _kernel_names(magic, cell, bound, target):
        return refusal
    text = expand(target or "~", bound)
    option = ", quiet=True" if quiet else ""
    return Code(f"change_directory({text.source}{option})", helpers=("change_directory",), names=text.names)


def _capture(magic: Magic, cell: CodeCell, bound: Collection[str]) -> Translation:
    """Return what keeps the cell's output from the page; nothing, where all below is dropped or installed."""
    others = [other for other in cell.magics if other is not magic]
    statements = cell.tree.body if cell.tree else ()
    python = [node for node in statements if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    kinds = [translate(other, cell, bound) for other in others]
    if not python and not magic.binds and all(isinstance(kind, Drop | Install) for kind in kinds):
        return Drop("nothing below it prints")
    if "raises-exception" in cell.tags:
        return _refusal(magic, cell, "the cell may raise", "delete the line, or the tag")
    kept = [each for each in ("stdout", "stderr", "display") if f"--no-{each}" in magic.argument.split()]
    arguments = ", ".join(f"{each}=False" for each in kept)
    name = f" as {magic.binds[0]}" if magic.binds else ""
    return Capture(f"with captured_output({arguments}){name}:")


def _script(magic: Magic, cell: CodeCell, bound: Collection[str], text: str) -> Translation:
    if not text.strip():
        return _refusal(magic, cell, "it has no body", "delete the cell")
    output = re.match(r"--out[ =](\w+)(?=\s|$)", magic.argument)
    if output and magic.name != "script" and magic.binds == (output[1],) and magic.argument.strip() == output[0]:
        code = f"{output[1]} = script_output([{magic.name!r}], {text!r})"
        return Code(code, helpers=("script_output",), whole_cell=True)
    if magic.binds or re.search(r"(^|\s)--(out|err|bg|proc)\b", magic.argument):
        return _refusal(magic, cell, "it binds the script's output", "write result = subprocess.run(…)")
    given = expand(magic.argument, bound)
    if given.names and "--no-raise-error" not in magic.argument:
        # The kernel expands first and splits then.
        program = "" if magic.name == "script" else f"{magic.name!r}, "
        code = f"run_script([{program}*shlex.split({given.source})], {text!r})"
        return Code(code, helpers=("run_script",), imports=("shlex",), names=given.names, whole_cell=True)
    try:
        arguments = shlex.split(magic.argument)
    except ValueError:
        return _refusal(magic, cell, "its quotes do not close", "close them")
    check = "--no-raise-error" not in arguments
    arguments = [argument for argument in arguments if argument != "--no-raise-error"]
    if magic.name != "script":
        arguments = [magic.name, *arguments]
    if not arguments or "{" in magic.argument or "$" in magic.argument:
        return _refusal(magic, cell, "which program it runs only a run can tell", "write subprocess.run(…)")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [installs(line) for line in lines] if arguments[0] in {"bash", "sh"} else [None]
    if all(line is not None and not line.removes for line in found):
        return Install(INSTALLS)
    option = "" if check else ", check=False"
    return Code(f"run_script({arguments!r}, {text!r}{option})", helpers=("run_script",), whole_cell=True)


def _write_file(magic: Magic, cell: CodeCell, bound: Collection[str], text: str) -> Translation:
    try:
        words = shlex.split(magic.argument)
    except ValueError:
        words = []
    append = any(word in {"-a", "--append"} for word in words)
    names = [word for word in words if word not in {"-a", "--append"}]
    if len(names) != 1:
        return _refusal(magic, cell, "it names no file that can be told", "write pathlib.Path(…).write_text(…)")
    if refusal := _kernel_names(magic, cell, bound, names[0]):
        return refusal
    name = expand(names[0], bound)
    option = ", append=True" if append else ""
    code = f"write_file({name.source}, {text!r}{option})"
    return Code(code, helpers=("write_file",), names=name.names, whole_cell=True)


def _unknown(magic: Magic, cell: CodeCell) -> Refusal:
    reason = "what it does to the program is not known here"
    return _refusal(magic, cell, reason, knowledge().advice.get(magic.name, "write it as Python, or delete it"))


def _refusal(magic: Magic, cell: CodeCell, reason: str, advice: str) -> Refusal:
    sign = {"cell": "%%", "line": "%"}.get(magic.kind, "")
    return Refusal(cell.index, magic.range.start.line, f"{sign}{magic.name}: {reason}", advice)
