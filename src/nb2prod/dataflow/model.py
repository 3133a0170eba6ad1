"""Definitions, uses and statements: the facts of a notebook, in compiler terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from nb2prod.records import NamedTuple, Record

if TYPE_CHECKING:
    import ast

    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell, Magic

DefinitionKind = Literal[
    "import", "function", "class", "assign", "augment", "loop", "with", "except", "delete", "mutate", "magic", "star"
]

# These are made by the ten thousand: `Final` is as firm as `frozen=True` to the type checker, and
# makes an object in a quarter of the time (a tenth of the whole analysis).


class Definition(Record):
    """A place that gives a module-level name a value, changes its value, or ends its life.

    kind       ``mutate`` changes the object in place (``df["x"] = …``, ``xs.append(1)``,
               ``model.fit(X)``): it adds to what reaches and kills nothing. ``delete`` ends the name.
               ``star`` has the name ``*``: what it binds is unknown.
    certain    the name is bound whenever the statement completes normally; only then does it kill
               what reached before
    statement  index of its statement in ``Flow.statements``
    qualified  for imports, the dotted name that is bound (``numpy.random.rand`` for
               ``from numpy.random import rand as r``); None otherwise
    node       the node that binds: ``ast.Name``, ``ast.alias``, the ``def`` or ``class``, …
    through    for a change that a call makes of an object it is given or finds in the module, what is
               called, as written (``clean``); None where the change is written in the statement itself
    sure       such a call surely changes the object
    """

    name: Final[str]
    kind: Final[DefinitionKind]
    certain: Final[bool]
    statement: Final[int]
    cell: Final[CodeCell]
    node: Final[ast.AST]
    qualified: Final[str | None] = None
    through: Final[str | None] = None
    sure: Final[bool] = False

    @property
    def location(self) -> Location:
        """Where the definition stands."""
        return self.cell.locate(self.node)


class Use(Record):
    """A read of a module-level name.

    deferred   inside a function body, lambda or unconsumed generator: it runs when called
    owner      for a deferred use, the name of the outermost function or class it stands in, if any
    exposed    the value can come from before the statement (it is not surely bound within it first)
    own        a definition of the statement itself may reach it: one before it, or a loop's later one
    node       the ``ast.Name``, or the ``ast.Constant`` for a name read inside a string
    kept       for a deferred use, it is in a lambda or generator that is kept: it may run any time later
    """

    name: Final[str]
    deferred: Final[bool]
    exposed: Final[bool]
    own: Final[bool]
    statement: Final[int]
    cell: Final[CodeCell]
    node: Final[ast.AST]
    owner: Final[str | None] = None
    kept: Final[bool] = False

    @property
    def location(self) -> Location:
        """Where the use stands."""
        return self.cell.locate(self.node)


class NamedFunction(NamedTuple):
    """A function that can be called by a name.

    name  for a constructor, that of its class
    kind  ``function`` also for a lambda that is assigned to a name; ``method`` for what stands in a class
    """

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    kind: Literal["function", "method", "constructor"]


class Statement(Record):
    """A top-level statement of a code cell: the unit the converter moves.

    index        in ``Flow.statements``, which is the analysed order
    definitions  module-level names it binds, changes or deletes, in order
    uses         module-level names it reads, immediate and deferred, in order
    global_writes  definitions that functions inside it make through ``global`` when they are called
    dynamic      it runs code nobody can see (``exec``, ``globals()``, ``%run``, …): what it does
                 to names is unknown
    magic        the magic whose mask this statement is, or None
    displayed    it is the cell's last expression and the kernel would display its value
    calls        every call in it with whether it is deferred (inside a function body)
    leaves_work  calling what it defines may leave code to run later: an instance's methods, a
                 generator, a coroutine, a function made in a function
    touched      names, of whatever scope, through which functions inside it change objects that may not
                 be their own
    functions    functions, methods and named lambdas in it, of whatever scope
    inner_imports  (name, qualified name) of the imports in functions and classes
    global_changes  changes of module-level objects that may happen at any time once what it defines is kept
    """

    index: Final[int]
    cell: Final[CodeCell]
    node: Final[ast.stmt]
    definitions: Final[tuple[Definition, ...]]
    uses: Final[tuple[Use, ...]]
    global_writes: Final[tuple[Definition, ...]] = ()
    dynamic: Final[bool] = False
    magic: Final[Magic | None] = None
    displayed: Final[bool] = False
    calls: Final[tuple[tuple[ast.Call, bool], ...]] = ()
    leaves_work: Final[bool] = False
    touched: Final[frozenset[str]] = frozenset()
    functions: Final[tuple[NamedFunction, ...]] = ()
    inner_imports: Final[tuple[tuple[str, str], ...]] = ()
    global_changes: Final[tuple[Definition, ...]] = ()

    @property
    def location(self) -> Location:
        """Where the statement stands; for a decorated definition, from its first decorator."""
        return self.cell.locate(self.node)
