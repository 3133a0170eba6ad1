"""The words of a report (LSP and SARIF terms): Rule, Finding, Diagnostic, Edit, Fix and what else a fix changes."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Literal

from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from nb2prod.notebook.location import Location, Position, RawRange


NOTEBOOK, PACKAGE = "notebook", "package"


class Severity(IntEnum):
    """How much a finding matters; ordered, so ``>=`` compares with ``fail-on``."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


class Applicability(Enum):
    """How a fix may be applied: SAFE keeps meaning and comments, UNSAFE may not, DISPLAY is only shown."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display"


class Edit(NamedTuple):
    """Replace the text at ``location`` (inside one cell) by ``text``."""

    location: Location
    text: str


class RemoveOutputs(NamedTuple):
    """Remove the saved outputs of the cell with this number; its source and its execution count stay."""

    cell: int


class RemoveCell(NamedTuple):
    """Remove the cell with this number, which has nothing in it that anybody needs."""

    cell: int


class ReorderCells(NamedTuple):
    """Put the cells in another order: ``order`` has all their numbers, the first cell to be first."""

    order: tuple[int, ...]


class InsertCell(NamedTuple):
    """Add a cell before the one with the number ``before`` (one more than there are: at the end)."""

    before: int
    kind: Literal["code", "markdown"]
    source: str
    tags: tuple[str, ...] = ()


class SetMetadata(NamedTuple):
    """Give the metadata of the cell with this number (None: of the notebook) a member: its name, its JSON text."""

    cell: int | None
    member: str
    value: str


class AddLines(NamedTuple):
    """Add lines to a requirement file of the project, which is made if it is not there."""

    path: Path
    lines: tuple[str, ...]


# One thing a fix does to the file, or to one beside it.
Change = Edit | RemoveOutputs | RemoveCell | ReorderCells | InsertCell | SetMetadata | AddLines


class Fix(NamedTuple):
    """Changes that together remove a finding; all refer to the notebook the finding is about."""

    title: str
    changes: tuple[Change, ...]
    applicability: Applicability


class Related(NamedTuple):
    """Where the other half of a finding is, and what it has to do with it."""

    location: Location
    message: str


class Finding(NamedTuple):
    """What a check yields: a place and a sentence. It knows no code or suppression.

    severity  lower than its rule's, where this finding is known to matter less; None: the rule's
    """

    location: Location
    message: str
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    severity: Severity | None = None


class Forbidden(NamedTuple):
    """What a page forbids: qualified names, names of magics, and string literals, as globs.

    ``assigns`` names what must not be set, extended or given items: ``sys.path``.

    A name also means what is in it: ``google.colab`` is ``google.colab.files.upload`` too.
    message         what a finding says; ``{name}`` stands for what was found
    unless_guarded  silent in an ``if`` that asks for it, and in a ``try`` that goes on without it
    """

    message: str
    calls: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    magics: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()
    unless_guarded: bool = False


class Rule(NamedTuple):
    """What a rule's page says of it in its front matter.

    redact  what a finding stands on is shown as stars: a secret must not reach the log of a build
    forbid  what it reports wherever it is used; such a rule has no check of its own
    tool    the program that finds it and whose code it has; empty for us
    unless  a finding of the tool is left out whose message has this in it; empty for none
    fixing  what the fix of a tool's finding does, and what makes it unsafe; our own pages say it themselves
    house   the folder of a team's own pages that it comes from; None for the rules everybody has
    about   what it looks at: NOTEBOOK, or PACKAGE for what a notebook was converted to
    """

    code: str
    name: str
    summary: str
    severity: Severity
    fix: str
    since: str
    redact: bool = False
    forbid: Forbidden | None = None
    tool: str = ""
    unless: str = ""
    house: Path | None = None
    fixing: str = ""
    about: str = NOTEBOOK


class Diagnostic(NamedTuple):
    """A finding joined with its rule, ready to be reported.

    raw              the position in the .ipynb file's own text; None where it is not known
    cell_id          the nbformat cell id; None where the file has none
    execution_count  of the cell; None where it has none
    raw_range        the whole range in the file's own text; None where it is not known
    raw_related      the same for each related place of the finding; None also for one of another file
    failing          it is at or above what the notebook's settings call a failure
    """

    rule: Rule
    finding: Finding
    raw: Position | None = None
    cell_id: str | None = None
    execution_count: int | None = None
    raw_range: RawRange | None = None
    raw_related: tuple[RawRange | None, ...] = ()
    failing: bool = False

    @property
    def severity(self) -> Severity:
        """How much it matters: as its rule, or less where the finding says so."""
        own = self.finding.severity
        return self.rule.severity if own is None else min(own, self.rule.severity)

    @property
    def location(self) -> Location:
        """The primary location."""
        return self.finding.location
