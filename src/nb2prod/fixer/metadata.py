"""A member of an object in JSON text: set so that every other byte of the object stays."""

from __future__ import annotations

import json

from nb2prod.notebook.raw_json import WHOLE, find


def with_member(text: str, name: str, value: str) -> str:
    """Return the JSON object ``text`` with the member ``name``, whose value is the JSON text ``value``.

    One that is there gets the value in its place; a new one is the last, spaced as the first is.
    """
    span = find(text, 0, {name: WHOLE})[0].get(name)
    if span is not None:
        return text[: span[0]] + value + text[span[1] :]
    inner = text[1:-1]
    members = inner.strip(" \t\r\n")
    if not members:
        return f"{{{json.dumps(name)}: {value}}}"
    space = inner[: inner.index(members)]
    colon = ": " if '": ' in members else ":"
    # On one line the first member has no space before it; those behind it have some if colons do.
    before = space or colon[1:]
    end = 1 + len(space) + len(members)
    return f"{text[:end]},{before}{json.dumps(name)}{colon}{value}{text[end:]}"
