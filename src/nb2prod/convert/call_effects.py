"""What a call does by the tables, through functions of the notebook as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from nb2prod.analysis import Analysis

_TRANSFORMER = "sklearn.base.TransformerMixin"
_MODELS = frozenset({"sklearn.base.ClassifierMixin", "sklearn.base.RegressorMixin", "sklearn.base.ClusterMixin"})


def effects_of_call(call: ast.Call, analysis: Analysis) -> frozenset[str]:
    """Return the effects of a call; of a function of the notebook, those of what its body calls."""
    use = analysis.use_at(call.func)
    bodies = {each.statement for each in analysis.flow.reaching(use) if each.kind == "function"} if use else set()
    if bodies:
        return frozenset(
            each for inner in analysis.calls() if inner.statement.index in bodies for each in inner.effects
        )
    qualified = analysis.qualified_name(call.func)
    info = None if qualified is None else analysis.libraries.call(qualified)
    return frozenset() if info is None else frozenset(info.effects)


def only_transforms(call: ast.Call, analysis: Analysis) -> bool:
    """Return whether what a call fits makes rows ready for a model, and is none itself."""
    qualified = analysis.qualified_name(call.func)
    classes = analysis.libraries.ancestors(qualified.rpartition(".")[0]) if qualified is not None else ()
    return _TRANSFORMER in classes and _MODELS.isdisjoint(classes)
