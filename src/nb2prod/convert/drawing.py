"""Which statements may leave a figure open, through the notebook's own functions too."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.plan import moved_items

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def can_draw(plan: Plan) -> bool:
    """Return whether anything imported could draw with matplotlib: it, or a library nobody here knows."""
    code: list[ast.AST] = [ast.parse(each.text) for each in plan.imports]
    code += [item.statement.node for item in moved_items(plan)]
    code += [function.moved.statement.node for function in plan.functions]
    roots: set[str] = set()
    for node in (node for tree in code for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            roots.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.partition(".")[0])
    return any(root not in sys.stdlib_module_names and root != "numpy" for root in roots - {plan.root})


def only_defines(node: ast.stmt) -> bool:
    """Return whether a statement defines something and draws nothing, wherever it may have been moved.

    ``@interact(…)`` calls the function below it at once.
    """
    if not isinstance(node, _DEFINITIONS):
        return False
    decorators = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return all(getattr(each, "attr", getattr(each, "id", "")) != "interact" for each in decorators)


def _asks_to_draw(argument: ast.keyword) -> bool:
    """Return whether an argument asks a call to draw: ``show_plots=True``, ``ax=axes``."""
    if argument.arg is None or not knowledge().drawing_arguments.match(argument.arg):
        return False
    return not (isinstance(argument.value, ast.Constant) and argument.value.value in (None, False))


class Drawing:
    """Tells which statements may leave a figure open, through the notebook's own functions too."""

    def __init__(self, plan: Plan, analysis: Analysis) -> None:
        self.analysis = analysis
        self.cache: dict[int, bool] = {}
        self.local = {file.target.split("/")[1].removesuffix(".py") for file in plan.local_files}

    def may_draw(self, statement: Statement) -> bool:
        """Return whether running ``statement`` may open a figure; a mere definition does not."""
        if only_defines(statement.node) or isinstance(statement.node, (ast.Import, ast.ImportFrom)):
            return False
        return self._reaches(statement, set())

    def _reaches(self, statement: Statement, seen: set[int]) -> bool:
        if statement.index in seen:
            return False
        seen.add(statement.index)
        if any(self._may(call) for call, _ in statement.calls):
            return True
        flow = self.analysis.flow
        for use in statement.uses:
            for definition in flow.reaching(use):
                made = flow.statements[definition.statement]
                is_code = definition.kind in ("function", "class") or (
                    isinstance(made.node, ast.Assign) and isinstance(made.node.value, ast.Lambda)
                )
                if is_code and self._reaches(made, seen):
                    return True
        return False

    def _may(self, call: ast.Call) -> bool:
        if any(_asks_to_draw(each) for each in call.keywords):
            return True
        qualified = self.analysis.qualified_name(call.func)
        if qualified is None:
            use = self.analysis.use_at(call.func)
            if use is not None and not self.analysis.flow.reaching(use):
                return True  # a star import, or %pylab, brought it
            return isinstance(call.func, ast.Attribute) and bool(knowledge().drawing_methods.search(call.func.attr))
        info = self.analysis.libraries.call(qualified)
        if info is not None:
            return "draw" in info.effects
        root = qualified.partition(".")[0]
        if root in ("matplotlib", "seaborn"):
            return True
        # A function of a module of plots, too: ``from statsmodels.graphics.tsaplots import seasonal_diagnostic_plot``.
        if knowledge().drawing_methods.search(qualified.partition(".")[2]):
            return True
        if root == "builtins" or root in sys.stdlib_module_names:
            return False
        return self.analysis.libraries.library(root) is None
