"""time-dependent-result: what is computed depends on the day the notebook runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.libraries import UNKNOWN, effects_given
from nb2prod.literals import written_text, written_value
from nb2prod.notebook.tree import children
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement

_RULE = "time-dependent-result"
_DEPTH = 6
# What sends a query.
_ASKS = frozenset({"read_sql", "read_sql_query", "execute", "sql"})
# What NumPy and pandas take for the time it is.
_WORDS = ("now", "today")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first call of each cell whose date or time data is computed from, chosen by, or asked for with."""
    yield from _in_queries(analysis)
    clocks = [call for call in analysis.calls(effects={"clock"}) if _tells_time(call)] + _by_word(analysis)
    if not clocks:
        return
    search = _Search(analysis, {id(call.node) for call in clocks}, {call.statement.index for call in clocks})
    seen: set[int] = set()
    for call in clocks:
        if call.cell.index in seen:
            continue
        search.followed.clear()
        found = search.end(call.node, call.statement, _DEPTH)
        if found is not None:
            seen.add(call.cell.index)
            where, what = found
            message = (
                f"`{call.name}()` {what}, so another day gives another result; make the date a parameter of the run"
            )
            location = where[1].cell.locate(where[0])
            related = () if where[1] is call.statement else (Related(location, "it is used here"),)
            yield Finding(call.location, message, related)


def _in_queries(analysis: Analysis) -> Iterator[Finding]:
    """Yield queries that leave it to the database what day it is."""
    if not analysis.mentions("read_sql", "execute", "sql("):
        return
    for call in analysis.calls():
        if call.name.rpartition(".")[2] not in _ASKS or not call.node.args:
            continue
        query = (written_text(analysis, call.node.args[0]) or "").lower()
        word = next((each for each in words(_RULE)["in-queries"] if each in query), None)
        if word is not None and query.lstrip().startswith(("select", "with")):
            yield Finding(
                call.location,
                f"this query asks for `{word}`, so another day gives another result; make the date a parameter",
            )


def _by_word(analysis: Analysis) -> list[Call]:
    """Return the calls that are told the time by a word: ``np.datetime64("today")``."""
    return [
        call
        for call in analysis.calls_of("numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime")
        if call.node.args and isinstance(call.node.args[0], ast.Constant) and call.node.args[0].value in _WORDS
    ]


def _tells_time(call: Call) -> bool:
    """Whether a call surely says what time it is: `time.localtime(start)` and `pd.to_datetime(column)` do not."""
    assert call.info is not None  # noqa: S101 it has an effect, so the tables know it
    last = call.info.qualified_name.rpartition(".")[2]
    known, given = words(_RULE), len(call.node.args)
    if last.startswith(tuple(known["measures"])):
        return False
    if (given > 0 and last in known["takes-first"]) or (given > 1 and last in known["takes-second"]):
        return False
    values = {
        name: value.value if isinstance(value, ast.Constant) else UNKNOWN for name, value in call.arguments.items()
    }
    return "clock" in effects_given(call.info, values, if_unknown=False)


End = tuple[tuple[ast.AST, "Statement"], str]


class _Search:
    """Follows what the clock said to where it meets data.

    clocks    the calls that ask for the time, and the statements they stand in
    parents   of the nodes of the statements looked at
    followed  the definitions whose uses have been looked at: each once, however many ways lead there
    """

    def __init__(self, analysis: Analysis, clocks: set[int], timed: set[int]) -> None:
        self.analysis, self.clocks, self.timed = analysis, clocks, timed
        self.parents: dict[int, ast.AST] = {}
        self.looked_at: set[int] = set()
        self.followed: set[int] = set()

    def end(self, node: ast.expr, statement: Statement, depth: int) -> End | None:
        """Return where a value meets data, and what it does there; None where it is shown, named or measured with."""
        self.look_at(statement)
        inner: ast.AST = node
        while (outer := self.parents.get(id(inner))) is not None:
            match outer:
                case ast.Attribute() | ast.Await() | ast.Starred() | ast.keyword():
                    pass
                case ast.FormattedValue() | ast.JoinedStr():  # the text of a query
                    pass
                case ast.UnaryOp() | ast.IfExp() | ast.NamedExpr():
                    pass
                case ast.Tuple() | ast.List() | ast.Dict() if self.is_handed_over(outer):  # params=(day,)
                    pass
                case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
                    other = right if inner is left else left
                    if self.is_clock(other):
                        return None
                    if self.is_data(other) or (self.is_mapped(outer) and not isinstance(other, ast.Constant)):
                        chosen = isinstance(outer, ast.Compare)
                        return (
                            outer,
                            statement,
                        ), "decides which rows count" if chosen else "is part of what is computed"
                    if isinstance(outer, ast.Compare):
                        return None
                case ast.Call(func=func) if inner is func:
                    pass
                case ast.Call():
                    if what := self.asked(outer, inner):
                        return (outer, statement), what
                    if self.analysis.qualified_name(outer.func) not in words(_RULE)["keeps"]:
                        return None
                case ast.Assign(targets=[ast.Name()], value=value) if inner is value and depth:
                    return self.uses(statement, depth)
                case _:
                    return None
            inner = outer
        return None

    def uses(self, statement: Statement, depth: int) -> End | None:
        """Follow the name that ``statement`` binds to its uses."""
        if statement.index in self.followed:
            return None
        self.followed.add(statement.index)
        for definition in statement.definitions:
            for use in self.analysis.flow.uses(definition) if definition.kind == "assign" else ():
                other = self.analysis.statements()[use.statement]
                if isinstance(use.node, ast.Name) and (found := self.end(use.node, other, depth - 1)):
                    return found
        return None

    def look_at(self, statement: Statement) -> None:
        """Remember the parents of all nodes of a statement."""
        if statement.index not in self.looked_at:
            self.looked_at.add(statement.index)
            for node in self.analysis.nodes(statement.node):
                self.parents.update((id(child), node) for child in children(node))

    def is_clock(self, node: ast.expr) -> bool:
        """Whether an expression is itself a time that was taken: a difference of two is how long something took."""
        for part in ast.walk(node):
            if id(part) in self.clocks:
                return True
            use = self.analysis.use_at(part) if isinstance(part, ast.Name) else None
            if use is not None and any(
                each.statement in self.timed and each.kind != "mutate" for each in self.analysis.flow.reaching(use)
            ):
                return True
        return False

    def is_data(self, node: ast.expr) -> bool:
        """Whether an expression is made from a table or a column of one."""
        return any(
            isinstance(part, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
            and ((self.analysis.qualified_name(part) or "") in words(_RULE)["tables"] or self.is_kept(part))
            for part in ast.walk(node)
        )

    def is_kept(self, node: ast.expr) -> bool:
        """Whether a variable is a column that was read as dates: ``joined = pd.to_datetime(table["joined"])``."""
        match written_value(self.analysis, node):
            case ast.Call(func=func, args=[given, *_]) if isinstance(node, ast.Name):
                return self.analysis.qualified_name(func) in words(_RULE)["keeps"] and self.is_data(given)
        return False

    def is_handed_over(self, node: ast.AST) -> bool:
        """Whether a collection is written out where a call gets it."""
        return isinstance(self.parents.get(id(node)), (ast.keyword, ast.Call))

    def is_mapped(self, node: ast.AST) -> bool:
        """Whether code stands in a function that is written out where it is applied to every row."""
        inside = False
        while (outer := self.parents.get(id(node))) is not None:
            inside = inside or isinstance(outer, ast.Lambda)
            if (
                inside
                and isinstance(outer, ast.Call)
                and isinstance(outer.func, ast.Attribute)
                and outer.func.attr in words(_RULE)["maps"]
            ):
                return True
            node = outer
        return False

    def is_computed_with(self, call: ast.Call, argument: ast.AST) -> bool:
        """Whether a function of the notebook subtracts something from this argument, or compares it."""
        use = self.analysis.use_at(call.func)
        for definition in self.analysis.flow.reaching(use) if use is not None else ():
            function = self.analysis.statements()[definition.statement].node
            if not isinstance(function, ast.FunctionDef):
                continue
            given: dict[str, ast.AST] = dict(zip((each.arg for each in function.args.args), call.args, strict=False))
            given |= {each.arg: each for each in call.keywords if each.arg is not None}
            names = {name for name, value in given.items() if value is argument}
            for part in self.analysis.nodes(function) if names else ():
                match part:
                    case ast.BinOp(left=left, op=ast.Sub(), right=right) | ast.Compare(left=left, comparators=[right]):
                        if any(isinstance(each, ast.Name) and each.id in names for each in (left, right)):
                            return True
        return False

    def asked(self, call: ast.Call, argument: ast.AST) -> str | None:
        """Return what the value does as argument of a call that fetches or makes data; None for any other call."""
        name = self.analysis.qualified_name(call.func) or ""
        if self.is_computed_with(call, argument):
            return "is part of what is computed"
        if name == "pandas.date_range":
            return "is where the range of dates begins or ends"
        last = name.rpartition(".")[2]
        known = self.analysis.libraries.call(name)
        fetches = last == "DataReader" or (known is not None and {"read-file", "network"} & known.effects)
        by_name = isinstance(argument, ast.keyword) and argument.arg in words(_RULE)["asks-for"]
        if (last == "DataReader") or (by_name and (fetches or known is None)) or last.startswith("read_sql"):
            return "decides which data is fetched"
        return None
