from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.notebook.raw_json import loads_with_places

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=3) | st.just("cells"), VALUES, max_size=4)


def refuses(text: str) -> bool:
    """Whether ``text`` is not read."""
    try:
        loads_with_places(text, "cells")
    except ValueError:
        return True
    return False


@given(OBJECTS, VALUES, st.sampled_from([None, 0, 1, "\t", "\r\n"]), st.booleans())
def test_it_reads_what_json_reads_and_says_where_elements_start(
    values: dict[str, Any], cell: Any, indent: int | str | None, ascii_only: bool
) -> None:
    values = values | {"cells": [cell, *values.get("cells", [])] if isinstance(values.get("cells"), list) else [cell]}
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    found, places = loads_with_places(text, "cells")
    assert found == json.loads(text)
    decoder = json.JSONDecoder()
    assert [decoder.raw_decode(text, place)[0] for place in places] == found["cells"]


@given(OBJECTS, st.data())
def test_it_reads_nothing_that_json_refuses(values: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(values | {"cells": [{}, 1]})
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    broken = text[:start] + data.draw(st.text('{}[]",: a\\1', max_size=2)) + text[end:]
    try:
        expected = json.loads(broken)
    except ValueError:
        assert refuses(broken)
    else:
        if isinstance(expected, dict) and expected:
            assert loads_with_places(broken, "cells")[0] == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "[]", "{}", "1", '{"a": 1', '{"a": 1}}', '{"a": 1,}', '{"cells": [1,]}', '{"cells": [1 2]}', '{"a" 1}',
     '{"cells": [1}', '{"cells": [1]]'],
)  # fmt: skip
def test_what_is_no_object_with_members_is_refused(text: str) -> None:
    assert refuses(text)


def test_the_last_member_of_a_name_counts() -> None:
    assert loads_with_places('{"cells": [1], "cells": [2, 3]}', "cells") == ({"cells": [2, 3]}, [25, 28])
    assert loads_with_places('{"cells": [], "a": {"cells": [1]}}', "cells") == ({"cells": [], "a": {"cells": [1]}}, [])
