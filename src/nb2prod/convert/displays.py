"""What the notebook showed: displayed values get a name and are logged, figures are saved where a cell ends."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.definitions import assigned_attributes, gives_nothing
from nb2prod.convert.drawing import Drawing, can_draw, only_defines
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.naming import Names, name_from_expression, notebook_names
from nb2prod.convert.plan import EndOfCell, Item, Moved
from nb2prod.convert.saved_texts import is_figure_text
from nb2prod.convert.translate import keeps_figures
from nb2prod.saved_outputs import has_image, joined_text

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

# What a saved text output of a drawing call looks like: artists, not results.
_ARTIST = re.compile(
    r"^\s*(\[|\(|array\(\[+)*\s*(<(matplotlib|AxesSubplot|Axes|seaborn|Figure|BarContainer)|Text\(|AxesSubplot\()"
)
_NUMBER = re.compile(r"^\s*(np\.float\d+\()?[-+]?\d[\d_.]*(e[-+]?\d+)?\)?\s*$", re.IGNORECASE)


def show_values(plan: Plan, analysis: Analysis) -> Plan:
    """Give every displayed expression a name under which its value is logged; figures of merit are kept."""
    known = notebook_names(analysis) | {each.name for each in plan.parameters}
    names = Names(known)
    modules = frozenset(name for each in plan.imports for name in each.binds)
    steps = []
    for step in plan.steps:
        items: list[Item] = []
        kept: list[str] = []
        for item in step.items:
            if (
                not isinstance(item, Moved)
                or item.refused
                or _is_captured(item)
                or not (item.displays or (item.statement.displayed and _has_value(item, analysis)))
            ):
                items.append(item)
                continue
            if isinstance(item.statement.node, ast.Assign):  # the kernel shows what the last assignment bound
                items.append(replace(item, shown=item.statement.definitions[0].name))
                continue
            value = item.statement.node.value  # type: ignore[attr-defined]  # a magic's mask, or _has_value has seen it
            if isinstance(value, ast.Name):
                items.append(replace(item, shown=value.id))
                continue
            if isinstance(value, ast.NamedExpr):
                items.append(replace(item, shown=value.target.id))
                continue
            if (model := _fitted(value, analysis)) is not None:
                items.append(replace(item, shown=model, acts=True))
                continue
            wanted = name_from_expression(value, modules) or f"cell_{item.statement.cell.number}_value"
            # ``odds(3)`` gives no second ``odds`` but a value of it.
            name = names.fresh(f"{wanted}_value" if names.is_taken(wanted) and wanted in known else wanted)
            keep = _is_merit(item.statement, analysis) and not item.guarded
            if keep:
                kept.append(name)
            items.append(replace(item, shown=name, kept=keep))
        steps.append(replace(step, items=tuple(items), results=(*step.results, *kept)))
    return replace(plan, steps=tuple(steps))


def _fitted(value: ast.expr, analysis: Analysis) -> str | None:
    """Return the variable that ``model.fit(…)`` fits, where the tables know that it gives back just that."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name)) as method):
            qualified = analysis.qualified_name(method)
            info = None if qualified is None else analysis.libraries.call(qualified)
            if info is None or "fit" not in info.effects or info.returns is None:
                return None
            if method.attr in assigned_attributes(analysis):
                return None
            return name if info.returns == analysis.libraries.canonical(qualified or "").rpartition(".")[0] else None
        case _:
            return None


def _is_captured(item: Moved) -> bool:
    """Return whether what an item displays is kept from the page, as all its cell displays."""
    return bool(item.captured) and "display=False" not in item.captured


def _has_value(item: Moved, analysis: Analysis) -> bool:
    """Return whether the kernel would show something worth a name: no None, no artist, no progress."""
    statement = item.statement
    node = statement.node
    if isinstance(node, ast.Assign):
        return True
    if not isinstance(node, ast.Expr) or (isinstance(node.value, ast.Constant) and node.value.value is None):
        return False
    saved = _saved_text(statement, has_results=_has_results(analysis))
    if _is_figure(node.value, saved, analysis):
        return True
    # A cell is saved without a result where it was cleared, too: only of calls that says what they return.
    if saved:
        return not _ARTIST.match(saved)
    if saved is not None and isinstance(node.value, ast.Call):
        return _is_known(node.value, analysis) and not _draws(node.value, analysis)
    if isinstance(node.value, ast.Call):
        if _draws(node.value, analysis) or _only_acts(node.value, analysis):
            return False
        return not _returns_nothing(node.value, analysis)
    return True


# Methods that give back a text, or nothing where they are told a place to write it to.
_WRITING = frozenset({
    "savefig", "savetxt", "savez", "to_csv", "to_excel", "to_feather", "to_hdf", "to_html", "to_json", "to_latex",
    "to_markdown", "to_parquet", "to_pickle", "to_stata", "to_xml",
})  # fmt: skip
_PLACES = frozenset({"buf", "excel_writer", "fname", "path", "path_or_buf", "path_or_buffer"})


def _returns_nothing(call: ast.Call, analysis: Analysis) -> bool:
    """Return whether a call is one of those that return None: by its name, or of a function without a result."""
    if (function := analysis.own_function(call.func)) is not None:
        return gives_nothing(function)
    match call.func:
        case ast.Name(id=name):
            return name in ("print", "display", "help", "exec", "exit", "quit")
        case ast.Attribute(attr=attr) if attr in _WRITING:
            to = (
                call.args[0] if call.args else next((each.value for each in call.keywords if each.arg in _PLACES), None)
            )
            return to is not None and not (isinstance(to, ast.Constant) and to.value is None)
        case ast.Attribute(attr="sort"):
            return not call.args  # a list takes no column to sort by: this is a table of polars
        case ast.Attribute(attr=attr):
            return attr in ("info", "append", "extend", "run_docstring_examples", "show", "update")
        case _:
            return False


# Expressions whose value is never None, whatever they are made of.
_VALUES = (
    ast.BinOp, ast.Compare, ast.Dict, ast.DictComp, ast.GeneratorExp, ast.JoinedStr, ast.Lambda, ast.List, ast.ListComp,
    ast.Set, ast.SetComp, ast.Tuple,
)  # fmt: skip


def shows_something(statement: Statement, analysis: Analysis) -> bool | None:
    """Return whether the value a statement displays is no None; None where nothing tells."""
    if not isinstance(statement.node, ast.Expr):
        return None
    value = statement.node.value
    if isinstance(value, ast.Constant):
        return value.value is not None
    displayed = [each for each in analysis.flow.statements if each.cell is statement.cell and each.displayed]
    saved = _saved_text(statement, has_results=_has_results(analysis)) if len(displayed) == 1 else None
    if saved is not None:
        return bool(saved)
    if isinstance(value, ast.Call) and _returns_nothing(value, analysis):
        return False
    if isinstance(value, ast.Name) and (use := analysis.use_at(value)) is not None:
        definitions = analysis.flow.reaching(use)
        return True if definitions and all(map(analysis.object_class, definitions)) else None
    return True if isinstance(value, _VALUES) or _is_known(value, analysis) else None


def _is_known(value: ast.expr, analysis: Analysis) -> bool:
    """Return whether a value comes from a call of which the tables say what it returns."""
    qualified = analysis.qualified_name(value.func) if isinstance(value, ast.Call) else None
    info = None if qualified is None else analysis.libraries.call(qualified)
    return info is not None and info.returns is not None


def _only_acts(call: ast.Call, analysis: Analysis) -> bool:
    """Return whether a call is made for its effect: setting something returns nothing worth a name."""
    qualified = analysis.qualified_name(call.func)
    info = None if qualified is None else analysis.libraries.call(qualified)
    return info is not None and info.returns is None and not info.effects.isdisjoint({"global-setting", "seed"})


def _is_figure(node: ast.expr, saved: str | None, analysis: Analysis) -> bool:
    """Return whether a value is a figure: a cell that ends with one draws it again."""
    if saved and is_figure_text(saved):
        return True
    match node:
        case ast.Attribute(attr="fig" | "figure"):
            return not saved
        case ast.Name() | ast.Attribute():
            return analysis.qualified_name(node) == "matplotlib.figure.Figure"
        case _:
            return False


def _has_results(analysis: Analysis) -> bool:
    """Return whether the notebook was saved with its outputs: some cell has a result."""
    return any(
        output.get("output_type") in ("execute_result", "pyout")
        for cell in analysis.notebook.code_cells
        for output in cell.outputs
    )


def _saved_text(statement: Statement, *, has_results: bool) -> str | None:
    """Return the text of the cell's saved result, empty where it ran without one, None where that is not known."""
    cell = statement.cell
    if cell.execution_count is None:
        return None
    for output in cell.outputs:
        if output.get("output_type") in ("execute_result", "pyout"):
            data = output.get("data", output)
            text = data.get("text/plain", data.get("text")) if isinstance(data, dict) else None
            return None if text is None else joined_text(text)
    # A cell that ran and has no result returned None, unless outputs were stripped from the file.
    return "" if cell.outputs or has_results else None


def _is_merit(statement: Statement, analysis: Analysis) -> bool:
    """Return whether a displayed value is a figure of merit: a score, or a number as saved."""
    saved = _saved_text(statement, has_results=False)
    if saved is not None and _NUMBER.match(saved):
        return True
    node = statement.node
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        qualified = analysis.qualified_name(node.value.func)
        info = None if qualified is None else analysis.libraries.call(qualified)
        return info is not None and "score" in info.effects
    return False


def _draws(call: ast.Call, analysis: Analysis) -> bool:
    qualified = analysis.qualified_name(call.func)
    info = None if qualified is None else analysis.libraries.call(qualified)
    if info is not None:
        # The limits that plt.xlim() returns are numbers, whatever else it does.
        return "draw" in info.effects and info.returns != "builtins.tuple"
    return isinstance(call.func, ast.Attribute) and call.func.attr in knowledge().drawn_artists


def close_figures(plan: Plan, analysis: Analysis) -> Plan:
    """Mark where a cell ends that may have left a figure open: the kernel saves and closes it there."""
    if keeps_figures(analysis.notebook):
        note = "The notebook drew with a backend that keeps figures open: the package does, and saves none by itself."
        return replace(plan, notes=(*plan.notes, note))
    if not can_draw(plan):
        return plan
    drawing = Drawing(plan, analysis)
    last_of: dict[int, int] = {}
    place = 0
    for step in plan.steps:
        for item in step.items:
            if isinstance(item, Moved) and not only_defines(item.statement.node):
                last_of[_closing_cell(item, plan)] = place
            place += 1
    draws: set[int] = {
        _closing_cell(item, plan)
        for step in plan.steps
        for item in step.items
        if isinstance(item, Moved) and (drawing.may_draw(item.statement) or _has_image(item.statement.cell))
    }
    place = 0
    steps = []
    for step in plan.steps:
        items: list[Item] = []
        for item in step.items:
            items.append(item)
            if isinstance(item, Moved) and (cell := _closing_cell(item, plan)) in draws and last_of.get(cell) == place:
                items.append(EndOfCell(plan.notebook.cell_at(cell).number, _is_captured(item)))
            place += 1
        steps.append(replace(step, items=tuple(items)))
    return replace(plan, steps=tuple(steps), draws=bool(draws))


def _closing_cell(item: Moved, plan: Plan) -> int:
    """Return the cell at whose end the kernel closes what a statement draws: its own, unless a ``%run`` is in it."""
    cell = item.statement.cell.index
    included = plan.notebook.included.get(cell)
    return cell if included is None else included.closes


def _has_image(cell: CodeCell) -> bool:
    """Return whether a cell was saved with a picture: it drew when it ran."""
    return any(map(has_image, cell.outputs))
