"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from re import Pattern


def lazy_pattern(text: str, flags: int = 0) -> Pattern[str]:
    """Return the regular expression ``text``; what ``re.compile`` returns, made when it is first asked for something.

    A run needs few of the patterns there are, and compiling all was a seventh of its start. To be used through its
    methods: the functions of ``re`` know only what is compiled.
    """
    return cast("Pattern[str]", _Uncompiled(text, flags))


class _Uncompiled:
    """Stands for a pattern: the first use of each of its methods puts that in the object itself."""

    def __init__(self, text: str, flags: int) -> None:
        self._text: Final = text
        self._flags: Final = flags

    def __getattr__(self, name: str) -> Any:
        # `re` keeps what it compiled, so the second method asked for costs no second compilation.
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found
