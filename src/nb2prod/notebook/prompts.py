"""Prompts pasted with the code (``>>>``, ``In [1]:``): blanked at equal width, where IPython strips them."""

from __future__ import annotations

import re

from nb2prod.notebook.escapes import starts_logical_line
from nb2prod.patterns import lazy_pattern

_CLASSIC = lazy_pattern(r"^[ \t]*>>>", re.MULTILINE)
_CLASSIC_PROMPT = lazy_pattern(r"^([ \t]*)(>>>|\.\.\.)([ \t]|(?=\r?$))", re.MULTILINE)
_IPYTHON_PROMPT = lazy_pattern(r"^(?:(?:(?:\[nav\]|\[ins\])? )?In \[\d+\]: |[ \t]*\.{3,}: ?)", re.MULTILINE)


def without_prompts(source: str) -> str:
    """Return ``source`` with its prompts replaced by as many spaces, as far as they are prompts.

    The lines of a doctest in a docstring keep theirs. Where only some lines have a prompt the rest
    is indented differently and does not parse: IPython would strip and run it.
    """
    if ">>>" in source:
        prompts = [found.start() for found in _CLASSIC.finditer(source)]
        if any(starts_logical_line(source, at) for at in prompts):
            return _CLASSIC_PROMPT.sub(_spaces, source)
    first, _, rest = source.lstrip("\r\n").partition("\n")
    if _IPYTHON_PROMPT.match(first) or _IPYTHON_PROMPT.match(rest):
        return _IPYTHON_PROMPT.sub(_spaces, source)
    return source


def _spaces(found: re.Match[str]) -> str:
    return " " * len(found[0])
