"""Reads the plain TOML that rule pages and tables are written in, several times as fast as ``tomllib``."""

from __future__ import annotations

from typing import Any, Final

from nb2prod.patterns import lazy_pattern

# Bare or quoted, of one part: what `a.b = 1` and `[a.b]` mean is left to tomllib, as is all that is no match here.
_NAME = r"(?:[A-Za-z0-9_-]+|\"[^\"\\\n]+\")"
_TEXT = r"\"[^\"\\\n]*\"|'[^'\n]*'"
_WORD = r"true|false|0|-?[1-9][0-9]*"
_END = r"[ \t]*(?:\#[^\n]*)?(?:\n|\Z)"
_ENDED = lazy_pattern(_END)
# One line, or the lines of one value, with blank lines and comments in front.
_ITEM = lazy_pattern(rf"""(?x)
    (?:[ \t]*(?:\#[^\n]*)?\n)*+
    (?: [ ]*(?P<key>{_NAME})[ \t]*=[ \t]*
        (?: (?: (?P<text>{_TEXT})
              | (?P<list>\[(?:\"[^\"\\\n]*\"(?:,[ ]*\"[^\"\\\n]*\")*)?\])
              | '''\n?(?P<lines>[^']*+(?:'(?!'')[^']*+)*+)'''(?!')
              | \"\"\"\n?(?P<more>[^\"\\]*+(?:\"(?!\"\")[^\"\\]*+)*+)\"\"\"(?!\")
              | (?P<word>{_WORD})
            ){_END}
          | (?P<other>[\[{{])
        )
      | \[\[(?P<row>[A-Za-z0-9_-]+)\]\]{_END}
      | \[(?P<table>[A-Za-z0-9_-]+)\]{_END}
      | (?P<rest>[ \t]*(?:\#[^\n]*)?\Z)
    )""")
_PIECE = lazy_pattern(
    rf"(?:[ \t]|\#[^\n]*|(?P<newline>\n))*+(?P<piece>[\[\]{{}},=]|{_TEXT}|(?:{_WORD})(?![\w.:+-])|{_NAME})"
)
_IS_WORD = lazy_pattern(_WORD)
_KEY = lazy_pattern(_NAME)
_WORDS: Final = {"true": True, "false": False}
# Tabulators and newlines apart, TOML has none of them; a carriage return is read in several ways.
_CONTROL = lazy_pattern(r"[\x00-\x08\x0b-\x1f\x7f]")


class _NotPlainError(Exception):
    """The text is TOML of a kind that is not read here, or none at all."""


def loads(text: str) -> dict[str, Any]:
    """Return what ``tomllib.loads`` returns for ``text``, and raise what it raises, a ``ValueError``.

    Text with anything in it that is not plain is left to ``tomllib``, which then costs its import, too.
    """
    try:
        return _plain(text)
    except _NotPlainError:
        import tomllib  # noqa: PLC0415 - our own data does not need it

        return tomllib.loads(text)


def is_plain(text: str) -> bool:
    """Return whether ``loads`` reads ``text`` itself."""
    try:
        _plain(text)
    except _NotPlainError:
        return False
    return True


def _plain(text: str) -> dict[str, Any]:
    if _CONTROL.search(text):
        raise _NotPlainError
    item, end = _ITEM.match, _ENDED.match
    root: dict[str, Any] = {}
    current = root
    arrays: dict[str, list[dict[str, Any]]] = {}
    position = 0
    while found := item(text, position):
        position = found.end()
        kind = found.lastgroup
        if kind == "rest":
            return root
        if kind == "row":
            rows = arrays.get(found["row"])
            if rows is None:
                rows = arrays[found["row"]] = _add(root, found["row"], [])
            current = {}
            rows.append(current)
        elif kind == "table":
            current = _add(root, found["table"], {})
        elif kind == "other":
            value, position = _value(text, position - 1)
            _add(current, found["key"].strip('"'), value)
            ended = end(text, position)
            if ended is None:
                raise _NotPlainError
            position = ended.end()
        else:
            _add(current, found["key"].strip('"'), _simple(kind, found[kind or ""]))
    raise _NotPlainError


def _add(table: dict[str, Any], key: str, value: Any) -> Any:
    """Put ``value`` into a table and return it; a key that is there already is an error, which tomllib words."""
    if key in table:
        raise _NotPlainError
    table[key] = value
    return value


def _simple(kind: str | None, found: str) -> Any:
    if kind == "text":
        return found[1:-1]
    if kind == "list":
        return found[2:-2].split('"')[::2] if len(found) > len("[]") else []
    if kind == "word":
        return _WORDS[found] if found in _WORDS else int(found)
    return found


def _value(text: str, position: int, *, inline: bool = False) -> tuple[Any, int]:
    """Return the value at ``position``, and where it ends; inside braces (``inline``) it stands on one line."""
    piece, position = _piece(text, position, inline=inline)
    if piece == "[":
        return _array(text, position, inline=inline)
    if piece == "{":
        return _table(text, position)
    if piece[0] in "\"'":
        return piece[1:-1], position
    if _IS_WORD.fullmatch(piece):
        return _simple("word", piece), position
    raise _NotPlainError


def _array(text: str, position: int, *, inline: bool) -> tuple[list[Any], int]:
    values: list[Any] = []
    while True:
        piece, after = _piece(text, position, inline=inline)
        if piece == "]":
            return values, after
        value, position = _value(text, position, inline=inline)
        values.append(value)
        piece, after = _piece(text, position, inline=inline)
        if piece == ",":
            position = after
        elif piece != "]":
            raise _NotPlainError


def _table(text: str, position: int) -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    while True:
        key, position = _piece(text, position, inline=True)
        equals, position = _piece(text, position, inline=True)
        if equals != "=" or not _KEY.fullmatch(key):
            raise _NotPlainError
        value, position = _value(text, position, inline=True)
        _add(values, key.strip('"'), value)
        piece, position = _piece(text, position, inline=True)
        if piece == "}":
            return values, position
        if piece != ",":
            raise _NotPlainError


def _piece(text: str, position: int, *, inline: bool) -> tuple[str, int]:
    found = _PIECE.match(text, position)
    if found is None or (inline and found["newline"]):
        raise _NotPlainError
    return found["piece"], found.end()
