"""Names for what the converter makes, from headings and expressions; none that means something else already."""

from __future__ import annotations

import ast
import builtins
import html
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.sections import without_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from nb2prod.analysis import Analysis

# Words that make a heading a sentence but a name only longer.
_FILLERS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "how", "in", "into", "is", "it",
    "let", "lets", "now", "of", "on", "or", "our", "s", "so", "some", "that", "the", "then", "this", "to", "us", "we",
    "what", "with", "you", "your",
})  # fmt: skip
_LONGEST = 40
# A heading of more words than this is cut where its main phrase ends.
_MOST_WORDS = 4
_PHRASE_END = re.compile(
    r"[,;:()?!\N{EN DASH}\N{EM DASH}]|\s-\s"
    r"|\b(?:at|because|by|for|from|in|of|on|that|to|using|via|when|where|which|whose|with)\b",
    re.IGNORECASE,
)
# What starts with these is no heading but a sentence, and names nothing.
_SENTENCE_STARTS = frozenset({"as", "because", "here", "if", "now", "since", "so", "when", "while"})

# A long heading with one of these and no main phrase is one as well.
_SENTENCE_WORDS = frozenset({
    "are", "can", "could", "dont", "has", "have", "i", "is", "it", "lets", "should", "was", "we", "were", "will",
    "would", "you",
})  # fmt: skip


class Names:
    """Hands out names that collide with nothing in the notebook and with nothing handed out before."""

    def __init__(self, taken: Iterable[str]) -> None:
        """Start with ``taken`` names, and those of Python and of the generated modules."""
        self._taken = set(taken) | set(dir(builtins)) | set(keyword.kwlist) | {"config", "run", "show", "display"}

    def is_taken(self, name: str) -> bool:
        """Return whether ``fresh`` would give another name than this."""
        return name in self._taken

    def fresh(self, wanted: str) -> str:
        """Return ``wanted``, or it with the first free number behind it, and take it."""
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name


def notebook_names(analysis: Analysis) -> frozenset[str]:
    """Return every name the notebook's code mentions at any scope."""
    names: set[str] = set()
    for cell in analysis.notebook.code_cells:
        for node in ast.walk(cell.tree) if cell.tree is not None else ():
            match node:
                case ast.Name(id=name) | ast.arg(arg=name):
                    names.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    names.add(name)
                case ast.alias(name=name, asname=asname):
                    names.add(asname or name.partition(".")[0])
                case _:
                    pass
        for magic in cell.magics:
            names.update(magic.binds)
    return frozenset(names)


def name_from_heading(title: str) -> str | None:
    """Return a function name made of a heading's words, or None where none of them can be spelled in ASCII."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    text = html.unescape(re.sub(r"<[^>]+>|\$[^$]*\$", " ", text))
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not unicodedata.combining(character))
    if sum(character.isalpha() and not character.isascii() for character in text) > len(text) / 3:
        return None
    text = without_number(text.strip().lstrip("*_`# "))
    text = text.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    words = [word.lower() for word in re.findall(r"[A-Za-z0-9]+", text)]
    kept = [word for word in words if word not in _FILLERS] or words
    if len(kept) > _MOST_WORDS:
        if words[0] in _SENTENCE_STARTS:
            return None
        kept = _main_phrase(text) or ([] if _SENTENCE_WORDS & {*words} else kept)
    name = ""
    for word in kept:
        if name and len(name) + len(word) + 1 > _LONGEST:
            break
        name = f"{name}_{word}" if name else word[:_LONGEST]
    if not name:
        return None
    return f"step_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def name_of_step(title: str) -> str | None:
    """Return the name a heading gives a step, its verb first: ``Data visualization`` is ``visualize_data``."""
    name = name_from_heading(title)
    words = name.split("_") if name is not None else []
    verbs = knowledge().verbs
    forms = [at for at, word in enumerate(words) if word in verbs and (at == 0 or word != "using")]
    if len(forms) != 1 or words[0] in verbs.values():
        return name
    (at,) = forms
    verb, others = verbs[words[at]], words[:at] + words[at + 1 :]
    if at == 0 and others and not _has_object(words[0], title):
        return name
    if 0 < at < len(words) - 1:
        return name
    if at and others[-1] in knowledge().plurals:
        others[-1] += "s"
    wanted = "_".join([verb, *others])
    return name if keyword.iskeyword(wanted) else wanted


def _has_object(form: str, title: str) -> bool:
    """Return whether what follows the first word of a heading is what that is done to, and no noun it belongs to."""
    said = [word.lower() for word in re.findall(r"[A-Za-z0-9]+", title)]
    follows = said[said.index(form) + 1 :][:1] if form in said else []
    if form.endswith("ing"):
        return form != "training" or knowledge().compounds.isdisjoint(follows)
    return not knowledge().prepositions.isdisjoint(follows)


def _main_phrase(heading: str) -> list[str]:
    """Return the words of a long heading up to where its main phrase ends; empty where that says too little."""
    for end in _PHRASE_END.finditer(heading):
        words = [word.lower() for word in re.findall(r"[A-Za-z0-9]+", heading[: end.start()])]
        kept = [word for word in words if word not in _FILLERS]
        if len(kept) > 1:
            return kept
    return []


def name_from_expression(node: ast.expr, modules: Collection[str] = ()) -> str | None:
    """Return a name for the value of ``node``: ``df.head()`` → ``df_head``; None where nothing in it names it.

    ``modules`` are names of what is imported: ``pd.crosstab(plans)`` is ``crosstab_plans``.
    """
    words = [word.strip("_") for word in _words(node, modules)]
    if len(words) > 2 and words[-1] in _COSMETIC:  # noqa: PLR2004 an object and what is done to it
        words.pop()
    name = "_".join(word for word in words if word)
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    name = re.sub(r"__+", "_", name).strip("_")[:_LONGEST].rstrip("_")
    return name if name and name.isidentifier() and not keyword.iskeyword(name) else None


# Methods that change how a value looks, and say nothing about it.
_COSMETIC = frozenset({"round", "to_frame", "T", "transpose", "copy"})


def _words(node: ast.expr, modules: Collection[str]) -> list[str]:
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=ast.Name(id=module), attr=attr) if module in modules:
            return [_snake(attr)]
        case ast.Attribute(value=value, attr=attr):
            return [*_words(value, modules), attr]
        case ast.Call(func=(ast.Name() | ast.Attribute(value=ast.Name())) as func, args=arguments):
            root = func.id if isinstance(func, ast.Name) else func.value.id  # type: ignore[attr-defined]
            if root not in modules and not (isinstance(func, ast.Name) and root in dir(builtins)):
                return _words(func, modules)
            called = [_snake(word) for word in _words(func, modules)]
            return [*called, *(_words(arguments[0], modules) if arguments else ())]
        case ast.Call(func=func):
            return _words(func, modules)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return [*_words(value, modules), key.lower()]
        case ast.Subscript(value=value, slice=ast.Slice(lower=None)):
            return [*_words(value, modules), "first"]
        case ast.Subscript(value=value) | ast.Await(value=value) | ast.Starred(value=value):
            return _words(value, modules)
        case ast.UnaryOp(operand=operand):
            return _words(operand, modules)
        case _:
            return []


def _snake(name: str) -> str:
    """Return ``DataFrame`` as ``data_frame``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
