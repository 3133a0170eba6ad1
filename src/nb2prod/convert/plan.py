"""What a conversion is about to write, as data: the Plan, and what the passes fill it with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import PurePath

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Range
    from nb2prod.notebook.model import Notebook


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller asks of a conversion; the manifest keeps it, so that the conversion can be repeated.

    name     import name of the package; None derives one from the notebook's file name
    partial  what is refused raises where it stood, instead of stopping the conversion
    only     names of variables or displayed values, or numbers of cells: all the rest is left out
    keep     numbers or tags of cells of which nothing is left out
    keep_exploration  values nobody sees and imports nothing uses stay as well
    max_test_data  bytes of data files and stored values the tests may carry along; None: 1 MB
    """

    name: str | None = None
    partial: bool = False
    only: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    keep_exploration: bool = False
    max_test_data: int | None = None


DEFAULTS = Options()
# Test data is committed with the package: what is larger is not test data.
MOST_TEST_DATA = 1_000_000


@dataclass(frozen=True, slots=True)
class Replacement:
    """Replace the text at ``range`` of the statement's cell by ``text`` (built by us, never pasted).

    ``names`` are the notebook's names that it reads, where ``text`` is a fragment that does not tell.
    """

    range: Range
    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A statement moved as its author wrote it, save for the replacements.

    shown     None, or the label under which the statement's displayed value is logged: the statement
              is an expression, emitted as ``show("label", <expression>)``, or an assignment that the
              notebook was told to display, emitted with ``show("name", name)`` below it
    kept      the shown value is a result too: emitted as ``label = <expression>`` and then
              ``show("label", label)``
    displays  what takes the place of its magic has a value that the kernel would display
    acts      the statement stands for what it does, and gives back the variable ``shown``, which is shown below it
    guarded   the cell is tagged ``raises-exception``: an exception is reported and the run goes on
    captured  the head of the ``with`` statement that the statement stands in, with those of its cell: its
              output is kept from the page (``%%capture``); the magic itself has no code of its own
    refused   why the statement cannot be moved: it is emitted as a comment, and this is raised there
    read      the name it binds to a table and the file it reads: the table is checked against its contract
    """

    statement: Statement
    replacements: tuple[Replacement, ...] = ()
    shown: str | None = None
    kept: bool = False
    acts: bool = False
    guarded: bool = False
    refused: str = ""
    read: tuple[str, str] | None = None
    displays: bool = False
    captured: str = ""


@dataclass(frozen=True, slots=True)
class EndOfCell:
    """Here the kernel would save and close every open figure of cell ``cell``; ``captured``: close them only."""

    cell: int
    captured: bool = False


Item = Moved | EndOfCell


@dataclass(frozen=True, slots=True)
class Step:
    """One function of the pipeline: a run of statements in document order.

    name       the function's name: unique, no name of the notebook, no builtin, no keyword
    title      the heading it comes from, or None
    text       the markdown that introduces it, for the docstring; may be empty
    arguments  names it takes: values in the order they are made, functions, what the configuration holds
    results    names it returns, in order of definition
    items      its body
    is_async   it awaits at top level
    argument_types, result_types  annotations by name, where they are certain
    module     the module it goes to
    imports    import statements that it starts with, because they cannot stand at module level
    prose      markdown that stands above cells inside it, by the cell's index, but for what ``text`` has
    """

    name: str
    title: str | None
    text: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    items: tuple[Item, ...]
    is_async: bool = False
    argument_types: tuple[tuple[str, str], ...] = ()
    result_types: tuple[tuple[str, str], ...] = ()
    module: str = "steps"
    imports: tuple[str, ...] = ()
    prose: tuple[tuple[int, str], ...] = ()

    @property
    def cells(self) -> tuple[int, ...]:
        """The cells its statements come from, in order, each once."""
        return tuple(dict.fromkeys(item.statement.cell.index for item in self.items if isinstance(item, Moved)))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of these cells for readers: of those a ``%run`` brought, that of the cell with the ``%run``."""
        return tuple(dict.fromkeys(item.statement.cell.number for item in self.items if isinstance(item, Moved)))


@dataclass(frozen=True, slots=True)
class Function:
    """A function, class or constant of the notebook that goes to module level as it is.

    kind    ``function``, ``class`` or ``constant``
    lifted  variables of the notebook it reads: it takes them as arguments, after its own
    module  the module it goes to
    """

    name: str
    kind: Literal["function", "class", "constant"]
    moved: Moved
    lifted: tuple[str, ...] = ()
    module: str = "steps"


@dataclass(frozen=True, slots=True)
class Module:
    """A module that holds steps, functions or both.

    about  its docstring without the full stop, with ``{}`` for the notebook's file name
    """

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Import:
    """An import statement (or a whole ``try`` of imports) that goes to module level.

    binds  the names it binds; ``("*",)`` for a star import
    text   the statement as it will be written, one line for a plain import
    statement  where it comes from; None for one that only the package needs
    """

    binds: tuple[str, ...]
    text: str
    statement: Statement | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of the configuration.

    name        what the steps call it: the notebook's own name for it, if it has one
    default     the notebook's own value, a literal; None together with ``required``
    type        ``str``, ``int``, ``float``, ``bool``, ``Path`` or a literal's type such as ``list``
    text        one line of documentation; for a required field it continues "needed since …"
    cell        where the value came from
    required    there is no default: the notebook's value is of no use elsewhere, or a secret
    secret      it is never shown and has no option: it comes from the environment or a file
    field_name  what ``Config`` calls it, where that is not ``name`` (``DATA`` is ``data_path`` there)
    comments    the comments that stand above it in the notebook, and so in ``Config``
    """

    name: str
    type: str
    default: object
    text: str
    cell: int | None
    required: bool = False
    secret: bool = False
    field_name: str = ""
    comments: tuple[str, ...] = ()

    @property
    def in_config(self) -> str:
        """The name of the field of ``Config``."""
        return self.field_name or self.name


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file the notebook writes.

    text     its path as the notebook has it, or the code that makes it
    cell     the number of the cell that writes it
    is_code  ``text`` is code
    """

    text: str
    cell: int
    is_code: bool


@dataclass(frozen=True, slots=True)
class Withheld:
    """A text of the notebook that must not stand in the package.

    text    as the notebook has it
    shown   what stands in its place in comments and prose
    secret  it is a credential: a package that holds it anywhere is not written
    cell, line  where it is written first
    """

    text: str = field(repr=False)
    shown: str
    secret: bool
    cell: int
    line: int


@dataclass(frozen=True, slots=True)
class Result:
    """A value ``run`` returns: its name, the step it comes from, and the cell that made or showed it."""

    name: str
    step: str
    cell: int
    displayed: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an input file that the steps use, as the notebook's own file has it; see ``scaffold/contract.py``."""

    name: str
    kind: str | None
    nullable: bool
    minimum: float | str | None = None
    maximum: float | str | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What the steps need of a file they read.

    library     makes a table of it: pandas or polars
    is_plain    it is text with a header, read as it stands
    """

    file: str
    columns: tuple[Column, ...]
    library: str = "pandas"
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Dependency:
    """A distribution the package needs. ``requirement`` is a PEP 508 string; ``reason`` says from where."""

    requirement: str
    reason: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A module or package file beside the notebook that is taken along to ``target`` (inside ``src/``)."""

    source: PurePath
    target: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A statement that goes nowhere, and why; ``step`` stays None."""

    statement: Statement
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something whose meaning cannot be kept: where, why, and what to change in the notebook.

    whole  it stops the conversion whatever is asked for: there is no place in a step that could raise
    place  where it stands for the user, if that is no line of the cell: in a file that the cell runs
    """

    cell: int
    line: int
    reason: str
    advice: str
    whole: bool = False
    place: str = ""

    def __str__(self) -> str:
        """Return the refusal as users read it, the cell first."""
        return f"{self.place or f'cell {self.cell}, line {self.line}'}: {self.reason}; {self.advice}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole conversion. Passes are pure: each returns a new plan (``dataclasses.replace``).

    options       what the caller asked for
    asked         constants that functions read and that are to be configuration nevertheless
    sliced        statements (by index) left out because nothing that is asked for needs them
    package       import name of the package; of a part of a package of several notebooks ``package.part``
    distribution  its distribution name, which runs it; a part is run by ``distribution part``
    draws         the notebook can draw figures: the package gets a figures module
    uses_pandas   the run happens inside pandas' option context with the kernel's defaults
    uses_shell    commands are run: the package gets a shell module
    uses_capture  output is kept from the page: the package gets a capture module
    uses_timing   code is measured: the package gets a timing module
    uses_doctest  examples in docstrings are run: the package gets a doctests module
    lifted        statements whose value became a parameter, with that parameter's name
    notes         sentences for the README: what the owner should know
    withheld      texts that must not stand in the package
    modules       what holds the steps and functions, those that others import from first
    """

    notebook: Notebook
    package: str
    distribution: str
    steps: tuple[Step, ...] = ()
    functions: tuple[Function, ...] = ()
    imports: tuple[Import, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    results: tuple[Result, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    local_files: tuple[LocalFile, ...] = ()
    data_files: tuple[PurePath, ...] = ()
    output_files: tuple[OutputFile, ...] = ()
    contracts: tuple[Contract, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    draws: bool = False
    uses_pandas: bool = False
    uses_shell: bool = False
    uses_capture: bool = False
    uses_timing: bool = False
    uses_doctest: bool = False
    lifted: tuple[tuple[Statement, str], ...] = ()
    withheld: tuple[Withheld, ...] = field(default=(), repr=False)
    options: Options = DEFAULTS
    sliced: frozenset[int] = frozenset()
    asked: frozenset[str] = frozenset()
    modules: tuple[Module, ...] = (Module("steps", "The steps of {}, in its order"),)

    @property
    def source(self) -> str:
        """The folder of the package's modules."""
        return f"src/{self.package.replace('.', '/')}"

    @property
    def root(self) -> str:
        """The outermost package: the package itself, unless it is a part of one."""
        return self.package.partition(".")[0]

    @property
    def output_folder(self) -> str:
        """The folder for what a run writes, where it is not told; parts that run in one folder have one each."""
        _, _, part = self.package.partition(".")
        return f"output/{part}" if part else "output"


Pass = Callable[[Plan, "Analysis"], Plan]


def map_moved(plan: Plan, change: Callable[[Moved], Moved | None]) -> tuple[Step, ...]:
    """Return the plan's steps with every moved statement changed, or gone where ``change`` gives None."""
    steps: list[Step] = []
    for step in plan.steps:
        items = [change(item) if isinstance(item, Moved) else item for item in step.items]
        steps.append(replace(step, items=tuple(item for item in items if item is not None)))
    return tuple(steps)


def moved_items(plan: Plan) -> Iterator[Moved]:
    """Yield the plan's moved statements in the order of its steps."""
    for step in plan.steps:
        for item in step.items:
            if isinstance(item, Moved):
                yield item


def without(plan: Plan, gone: Collection[int]) -> Plan:
    """Return ``plan`` with the statements of these indices taken out of its steps."""
    return replace(plan, steps=map_moved(plan, lambda item: None if item.statement.index in gone else item))


@dataclass(frozen=True, slots=True)
class Package:
    """What a conversion writes: POSIX paths relative to the output folder, with their bytes.

    not_converted  each refusal that a step raises in its place (only with ``partial``)
    """

    name: str
    files: dict[str, bytes]
    not_converted: tuple[str, ...] = ()
