"""Names that a run from top to bottom reads before anything has bound them, and how far that can be known."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal

from nb2prod.dataflow.flow import PREDEFINED
from nb2prod.dataflow.injected import guarded_names, known_values, opens_namespace, star_names
from nb2prod.dataflow.names import given_names, is_history, name_table
from nb2prod.dataflow.paths import (
    bound_by_class,
    first_of_blank,
    is_alternative,
    is_annotation,
    is_guarded,
    must_precede,
    surely_runs,
)
from nb2prod.notebook.bindings import names_bound
from nb2prod.notebook.magic_table import magic_table
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Statement, Use
    from nb2prod.notebook.model import CodeCell, Notebook

_IDENTIFIER = lazy_pattern(r"[^\W\d]\w*")
# In a cell that could not be parsed, what may bind any name.
_OPAQUE = lazy_pattern(r"import\s*\(?\s*\*|\bexec(?:file)?\b|^\s*%(?:run|pylab|load|store)\b", re.MULTILINE)
# These change an object or end a name; they give none its first value.
_NO_BINDING = frozenset({"mutate", "delete", "star", "except"})
_FUNCTIONS = (ast.FunctionDef, ast.Lambda)


class Unbound(NamedTuple):
    """A name nothing has bound when it is read.

    cause        ``nowhere``: no cell gives it a value; ``later``: every definition stands after the
                 first read that fails; ``deleted``: ``definition`` ended its life before
    use          the first read that fails
    call         for a read inside a function, the call that makes it run before the definition; None otherwise
    definition   the first definition after it, the deletion, or None
    others       further reads of the name that fail as well
    """

    name: str
    cause: Literal["nowhere", "later", "deleted"]
    use: Use
    call: Use | None
    definition: Definition | None
    others: tuple[Use, ...]


def unbound_names(notebook: Notebook, flow: Flow) -> tuple[Unbound, ...]:
    """Return the names read unbound, each once, in the order their first reads stand.

    What cannot be known is left out: what follows a star import, ``%run`` or ``exec``, names a cell
    that could not be parsed mentions, reads guarded against a missing name, names in strings.
    For ``later`` and ``deleted`` the read is sure to run when its cell does.
    """
    search = Search(notebook, flow)
    return search.judged((*search.reads(), *search.calls()))


class Search:
    """What a flow binds where, looked up by name.

    Reads are triples: the rank of the statement that makes one, the read, and the call that leads to it, or None.
    """

    def __init__(self, notebook: Notebook, flow: Flow) -> None:
        """Look up what each statement binds."""
        self.notebook, self.flow = notebook, flow
        self.rank = {statement.index: rank for rank, statement in enumerate(flow.order)}
        self.binding: dict[str, list[Definition]] = {}
        for statement in flow.order:
            for definition in (*statement.definitions, *statement.global_writes):
                if definition.kind not in _NO_BINDING:
                    self.binding.setdefault(definition.name, []).append(definition)
        self._local: dict[int, frozenset[str]] = {}
        self._known: tuple[frozenset[str], float, float] | None = None
        self.risky = self._find_risky()

    def _locals(self, cell: CodeCell) -> frozenset[str]:
        """Return the names a cell binds for itself alone: the body of ``%%timeit`` is a function's."""
        if cell.index not in self._local:
            first = cell.magics[0] if cell.magics else None
            entry = magic_table().cell.get(first.name) if first is not None and first.kind == "cell" else None
            isolated = first is not None and entry is not None and entry.python == "isolated"
            # The first line may hold code that sets up.
            setup = _IDENTIFIER.findall(first.argument) if isolated and first is not None else ()
            self._local[cell.index] = frozenset((*names_bound(cell.tree), *setup) if isolated and cell.tree else ())
        return self._local[cell.index]

    def reads(self) -> Iterator[tuple[int, Use, None]]:
        """Yield (rank, use, None) for each read that no definition reaches."""
        for rank, statement in enumerate(self.flow.order):
            for use in statement.uses:
                if (
                    not self.flow.reaching(use)
                    and use.name not in PREDEFINED
                    and isinstance(use.node, ast.Name)
                    and (not use.deferred or use.name not in self.binding)
                    and use.name not in self._locals(use.cell)
                ):
                    yield rank, use, None

    def calls(self) -> Iterator[tuple[int, Use, Use]]:
        """Yield (rank, read, call) for each read of a function that a direct call makes before any definition."""
        risky = self.risky
        for rank, statement in enumerate(self.flow.order if risky else ()):
            callees = {id(call.func) for call, deferred in statement.calls if not deferred}
            for use in statement.uses if callees else ():
                if use.name in risky and id(use.node) in callees:
                    reads = list(self.reads_when_called(use, rank, set()))
                    if reads and surely_runs(statement.node, use.node):
                        yield from ((rank, read, use) for read in reads)

    def _find_risky(self) -> set[str]:
        """Return the functions that read something first bound after them, directly or through one another."""
        reads: dict[str, set[str]] = {}
        risky: set[str] = set()
        for rank, statement in enumerate(self.flow.order):
            for use in statement.uses:
                if use.deferred and use.owner is not None and use.name in self.binding:
                    reads.setdefault(use.owner, set()).add(use.name)
                    if self.rank[self.binding[use.name][0].statement] > rank:
                        risky.add(use.owner)
        while more := {name for name, names in reads.items() if name not in risky and not risky.isdisjoint(names)}:
            risky |= more
        return risky

    def reads_when_called(self, use: Use, rank: int, seen: set[int]) -> Iterator[Use]:
        """Yield what the function that ``use`` surely calls reads although nothing has bound it at ``rank``."""
        reaching = [each for each in self.flow.reaching(use) if each.kind != "mutate"]
        if len(reaching) != 1 or reaching[0].statement in seen:
            return
        (definition,) = reaching
        statement = self.flow.statements[definition.statement]
        function = _function(statement, definition)
        if function is None or self.rank.get(statement.index, rank + 1) > rank:
            return
        seen.add(statement.index)
        callees = {id(call.func) for call, deferred in statement.calls if deferred}
        for read in statement.uses:
            if not read.deferred or read.owner != definition.name or not isinstance(read.node, ast.Name):
                continue
            if self.is_bound_after(read.name, rank):
                if surely_runs(function, read.node):
                    yield read
            elif read.name in self.risky and id(read.node) in callees and surely_runs(function, read.node):
                yield from self.reads_when_called(read, rank, seen)

    def is_bound_after(self, name: str, rank: int) -> bool:
        """Return whether all that binds the name stands after the statement of this rank, and something does."""
        bound = self.binding.get(name, ())
        return name not in PREDEFINED and bool(bound) and all(self.rank[each.statement] > rank for each in bound)

    def judged(self, reads: Iterable[tuple[int, Use, Use | None]], root: ast.AST | None = None) -> tuple[Unbound, ...]:
        """Return what is wrong with the names that these reads find unbound, in the order of their first reads.

        ``root`` is what is known to run; None: the statement or the function each stands in.
        """
        failing: dict[str, list[tuple[int, Use, Use | None]]] = {}
        for rank, use, call in reads:
            failing.setdefault(use.name, []).append((rank, use, call))
        found = [each for name, known in failing.items() if (each := self._judge(name, known, root)) is not None]
        return tuple(sorted(found, key=lambda each: (each.use.statement, each.use.cell.locate(each.use.node).range)))

    def _judge(self, name: str, reads: list[tuple[int, Use, Use | None]], root: ast.AST | None) -> Unbound | None:
        """Return what is wrong with ``name``, or None where nothing can be said."""
        given, opened, opened_cell = self._knowledge()
        if name in name_table().module_names:
            opened = self._opened(name_table().listed_modules) if given is not None else opened
        if name in given or is_history(name):
            return None
        known = sorted(
            (
                (rank, use, call)
                for rank, use, call in reads
                # What is called later, or never, may find what any cell brings.
                if (opened > rank if call is not None or not use.deferred else opened > len(self.flow.order))
                and (call or use).cell.index < opened_cell
                and not self._is_allowed(use)
            ),
            key=lambda each: each[0],
        )
        for rank, use, call in known:
            cause, definition = self._cause(name, rank, use)
            if cause != "nowhere" and not surely_runs(root or self._root(use), use.node):
                continue
            others = tuple(dict.fromkeys(other for _, other, _ in known if other is not use))
            return Unbound(name, cause, use, call, definition, others)
        return None

    def _root(self, use: Use) -> ast.AST:
        statement = self.flow.statements[use.statement]
        own = next((each for each in statement.definitions if each.name == use.owner), None)
        return (_function(statement, own) if own is not None and use.deferred else None) or statement.node

    def _cause(
        self, name: str, rank: int, use: Use
    ) -> tuple[Literal["nowhere", "later", "deleted"], Definition | None]:
        real = [each for each in self.binding.get(name, ()) if not self._needs_itself(each)]
        before = [each for each in real if self.rank[each.statement] < rank]
        if before:
            deletions = [
                each
                for statement in self.flow.order[: rank + 1]
                for each in statement.definitions
                if each.name == name and each.kind == "delete"
            ]
            return "deleted", deletions[-1] if deletions else before[-1]
        later = next((each for each in real if each.statement != use.statement or each.node is not use.node), None)
        return ("later", later) if later is not None else ("nowhere", None)

    def _needs_itself(self, definition: Definition) -> bool:
        """Whether the statement reads the name before it binds it: ``df = df.dropna()`` gives no first value."""
        statement = self.flow.statements[definition.statement]
        return any(
            use.name == definition.name
            and use.exposed
            and not use.own
            and not use.deferred
            and definition.kind != "loop"
            and must_precede(statement.node, use.node, definition.node)
            for use in statement.uses
        )

    def _is_allowed(self, use: Use) -> bool:
        statement = self.flow.statements[use.statement]
        return (
            "raises-exception" in use.cell.tags
            or is_guarded(statement.node, use.node)
            or (self._lazy_annotations() and is_annotation(statement.node, use.node))
            or (use.name in name_table().python2 and is_alternative(statement.node, use.node))
            or (isinstance(use.node, ast.Name) and bound_by_class(statement.node, use.node))
            or self._is_blank(statement, use)
        )

    def _is_blank(self, statement: Statement, use: Use) -> bool:
        """Whether the read is a word of a blank to fill in whose first word is unbound, too, and stands for all."""
        first = first_of_blank(statement.node, use.node)
        return first is not None and any(
            each.node is first and not self.flow.reaching(each) and each.name not in PREDEFINED
            for each in statement.uses
        )

    def _lazy_annotations(self) -> bool:
        return any(each.qualified == "__future__.annotations" for each in self.binding.get("annotations", ()))

    def _opened(self, harmless: Collection[str] = ()) -> float:
        """Return the rank from which on anything may be defined, star imports of ``harmless`` modules aside."""
        known = known_values(self.flow.order)
        ranks = (rank for rank, each in enumerate(self.flow.order) if opens_namespace(each, known, harmless))
        return next(ranks, float("inf"))

    def _knowledge(self) -> tuple[frozenset[str], float, float]:
        """Return names taken as given, and the rank and the cell from which on anything may be defined."""
        if self._known is None:
            given = given_names(self.notebook)
            opened = self._opened()
            mentioned, opened_cell = _unparsed(self.notebook)
            names = (given or frozenset()) | mentioned | guarded_names(self.flow.order) | star_names(self.flow.order)
            self._known = names, opened if given is not None else -1, opened_cell
        return self._known


def _function(statement: Statement, definition: Definition | None) -> ast.AST | None:
    """Return the function a definition makes, if calling it surely runs its body: no decorator, no generator."""
    node = statement.node
    if definition is None or not isinstance(node, (ast.FunctionDef, ast.Assign)):
        return None
    if isinstance(node, ast.Assign):
        return node.value if isinstance(node.value, ast.Lambda) and definition.node in node.targets else None
    if definition.node is not node or node.decorator_list:
        return None
    return None if any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in nodes(node)) else node


def _unparsed(notebook: Notebook) -> tuple[frozenset[str], float]:
    """Return the words of cells we cannot read as Python, and the first such cell that may define anything."""
    words: set[str] = set()
    opened = float("inf")
    for cell in notebook.code_cells:
        foreign = (
            any(magic.kind == "cell" for magic in cell.magics) and cell.tree is not None and not cell.tree.body[1:]
        )
        if cell.tree is None or foreign:
            words.update(_IDENTIFIER.findall(cell.source))
        if cell.tree is None and _OPAQUE.search(cell.source):
            opened = min(opened, cell.index)
    return frozenset(words), opened
