"""Whether two digests stand for the same value, and where they differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.verify.description import describe, place_of, plain, short, string, table_shape
from nb2prod.verify.packed import packed, scalar
from nb2prod.verify.tolerance import DEFAULT, Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb2prod.verify.trace import Digest


@dataclass(frozen=True, slots=True)
class Difference:
    """Two values that are not the same.

    path    where in the value: ``['age'].mean[3]``; empty for the value itself
    left    what is there on one side (the notebook's), ready to be shown
    right   what is there on the other
    reason  what kind of difference it is
    node    the part of the value as a key, for leaving it out of another comparison
    """

    path: str
    left: str
    right: str
    reason: str
    node: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the difference on one line."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.left} ≠ {self.right} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Incomparable:
    """A value, or the part of it at ``path``, that cannot be compared, and why."""

    reason: str
    path: str = ""
    node: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """How the comparison of two values came out.

    differences   every part that is not the same
    incomparable  every part that cannot be compared
    compared      how many parts were compared
    left_out      how many parts were left out because they are nondeterministic
    """

    differences: tuple[Difference, ...]
    incomparable: tuple[Incomparable, ...]
    compared: int
    left_out: int


def compare_values(a: Digest, b: Digest, tolerance: Tolerance = DEFAULT) -> Difference | Incomparable | None:
    """Return None where both stand for the same value, else the first difference.

    Text, integers, indexes, columns, dtypes and shapes must be the same; floats may differ by the
    tolerance. A value nothing of which could be compared is Incomparable.
    """
    match = match_values(a, b, tolerance)
    if match.differences:
        return match.differences[0]
    if not match.compared and match.incomparable:
        return match.incomparable[0]
    return None


def match_values(
    a: Digest, b: Digest, tolerance: Tolerance = DEFAULT, without: frozenset[tuple[str, ...]] = frozenset()
) -> Match:
    """Compare two values part by part; the parts in ``without`` (``Difference.node``) are left out."""
    walk = Walk(tolerance, without)
    walk.compare(a, b, "", ())
    return Match(tuple(walk.differences), tuple(walk.incomparable), walk.compared, walk.left_out)


class Walk:
    """One comparison of two values."""

    def __init__(self, tolerance: Tolerance, without: frozenset[tuple[str, ...]]) -> None:
        self.tolerance, self.without = tolerance, without
        self.differences: list[Difference] = []
        self.incomparable: list[Incomparable] = []
        self.compared = 0
        self.left_out = 0

    def compare(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two values, and what is in them."""
        if node in self.without:
            self.left_out += 1
            return
        for each in (a, b):
            if each["kind"] in {"incomparable", "unbound"}:
                reason = each.get("reason", "the name has no value there")
                self.skip(reason, path, node)
                return
        if a["kind"] != b["kind"] or a.get("type") != b.get("type"):
            self.differ(a, b, path, node, "another type")
            return
        kind = a["kind"]
        compare = _COMPARE.get(kind)
        if compare is None:
            self.leaf(a == b, a, b, path, node)
        else:
            compare(self, a, b, path, node)

    def differ(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], reason: str) -> None:
        """Count a difference of two values, described."""
        self.compared += 1
        left, right = describe(a), describe(b)
        if left == right:
            left, right = f"{a.get('type', a['kind'])} {left}", f"{b.get('type', b['kind'])} {right}"
        self.differences.append(Difference(path, left, right, reason, node))

    def skip(self, reason: str, path: str, node: tuple[str, ...]) -> None:
        """Note a part that cannot be compared, and why."""
        self.incomparable.append(Incomparable(reason, path, node))

    def said(self, left: str, right: str, path: str, node: tuple[str, ...], reason: str) -> None:
        """Count a difference that is told in these words."""
        self.compared += 1
        self.differences.append(Difference(path, left, right, reason, node))

    def leaf(self, same: bool, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:  # noqa: FBT001
        """Count two values that are looked at as a whole."""
        if same:
            self.compared += 1
        else:
            self.differ(a, b, path, node, "another value")

    def float_(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two floats."""
        self.leaf(self.tolerance.close(float(a["value"]), float(b["value"])), a, b, path, node)

    def complex_(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two complex numbers."""
        same = all(self.tolerance.close(float(a[part]), float(b[part])) for part in ("real", "imag"))
        self.leaf(same, a, b, path, node)

    def array(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two arrays."""
        for key, reason in (("dtype", "another dtype"), ("shape", "another shape")):
            if a[key] != b[key]:
                self.said(plain(a[key]), plain(b[key]), path, node, reason)
                return
        if "fields" in a:
            self.fields(a, b, path, node)
        elif "elements" in a:
            self.elements(a["elements"], b["elements"], path, node, a["shape"])
        else:
            packed(self, a["packed"], b["packed"], path, node, a["shape"])

    def elements(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        """Compare the elements of two containers of one length."""
        if "truncated" in a or "truncated" in b:
            reason = a.get("truncated") or b["truncated"]
            self.skip(reason, path, (*node, "truncated"))
            if a.get("truncated") != b.get("truncated"):  # the time was over, and the hashes are of other parts
                a, b = ({key: part for key, part in each.items() if key == "items"} for each in (a, b))
        if a.keys() != b.keys():
            self.differ({"kind": "elements"} | a, {"kind": "elements"} | b, path, node, "elements of other types")
            return
        if "packed" in a:
            packed(self, a["packed"], b["packed"], path, node, shape)
            return
        if "strings" in a:
            self.strings(a, b, path, node, shape)
            return
        for number, (one, other) in enumerate(zip(a["items"], b["items"], strict=True)):
            self.compare(one, other, path + place_of(number, shape), (*node, str(number)))
        if a.get("sha256") != b.get("sha256"):
            kept = len(a["items"])
            self.said("…", "…", f"{path}[{kept}:]", (*node, "rest"), "another value among the later elements")

    def strings(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        """Compare texts that are kept together; the first that differs is shown."""
        wrong = [
            place for place, (one, other) in enumerate(zip(a["strings"], b["strings"], strict=True)) if one != other
        ]
        if wrong:
            first, count = wrong[0], a.get("count", len(a["strings"]))
            left, right = (short(string(each["strings"][first])) for each in (a, b))
            reason = f"{len(wrong)} of {count} texts differ" if "sha256" not in a else "another text"
            self.said(left, right, path + place_of(first, shape), node, reason)
        elif a.get("sha256") != b.get("sha256"):
            self.said("…", "…", f"{path}[{len(a['strings'])}:]", node, "another text among the later elements")
        else:
            self.compared += 1

    def sequence(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two sequences."""
        if a["length"] != b["length"]:
            self.differ(a, b, path, node, f"{a['length']} elements, not {b['length']}")
            return
        for key in ("names", "maxlen"):
            if a.get(key) != b.get(key):
                self.said(plain(a.get(key)), plain(b.get(key)), path, node, f"another {key}")
                return
        if not a["length"]:
            self.compared += 1
        self.elements(a["elements"], b["elements"], path, node, [a["length"]])

    def set_(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two sets, whatever the order of their parts."""
        same = a["length"] == b["length"]
        if same and "elements" in a and "elements" in b:
            self.elements(a["elements"], b["elements"], path, node, [a["length"]])
            return
        if same and a["items"] != b["items"]:
            # Floats within the tolerance may stand in another order of texts.
            walks = [
                match_values(one, other, self.tolerance) for one, other in zip(a["items"], b["items"], strict=True)
            ]
            same = not any(walk.differences for walk in walks)
        self.leaf(same, a, b, path, node)

    def mapping(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two mappings: values by key, and the order of the keys."""
        left = {_key(pair[0]): pair for pair in a["items"]}
        right = {_key(pair[0]): pair for pair in b["items"]}
        for key, pair in left.items():
            if key in right:
                inner = f"{path}[{describe(pair[0])}]"
                self.compare(pair[1], right[key][1], inner, (*node, key))
            else:
                self.said(describe(pair[0]), "nothing", path, node, "a key is missing")
        for key in right.keys() - left.keys():
            self.said("nothing", describe(right[key][0]), path, node, "a key too many")
        if a["length"] != b["length"]:
            self.differ(a, b, path, node, f"{a['length']} keys, not {b['length']}")
        elif left.keys() == right.keys() and list(left) != list(right):
            self.differ(a, b, path, node, "the keys stand in another order")
        elif not left:
            self.compared += 1
        if "rest" in a and "rest" in b:
            self.compare(a["rest"], b["rest"], f"{path}[…]", (*node, "rest"))

    def fields(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare what two objects hold, by name."""
        left, right = a["fields"], b["fields"]
        for name in left:
            if name in right:
                self.compare(left[name], right[name], f"{path}.{name}" if name else path, (*node, name))
            else:
                self.said(describe(left[name]), "nothing", f"{path}.{name}", node, "an attribute is missing")
        for name in right:
            if name not in left:
                self.said("nothing", describe(right[name]), f"{path}.{name}", node, "an attribute too many")
        if not left and not right:
            self.compared += 1

    def frame(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        """Compare two frames: columns, index, then the data column by column."""
        if a["shape"] != b["shape"]:
            self.said(table_shape(a), table_shape(b), path, node, "another shape")
            if len(a["data"]) != len(b["data"]):
                return
        self.compare(a["columns"], b["columns"], f"{path}.columns", (*node, "columns"))
        if a["shape"] != b["shape"]:
            return
        self.compare(a["index"], b["index"], f"{path}.index", (*node, "index"))
        for number, (one, other) in enumerate(zip(a["data"], b["data"], strict=True)):
            name = a["names"][number] if number < len(a["names"]) else str(number)
            # A wide frame of one dtype is one array.
            where = f"{path}.values" if len(a["data"]) < a["shape"][1] else f"{path}[{name!r}]"
            self.compare(one, other, where, (*node, f"column {number}"))


_COMPARE: dict[str, Callable[[Walk, Digest, Digest, str, tuple[str, ...]], None]] = {
    "float": Walk.float_,
    "complex": Walk.complex_,
    "scalar": scalar,
    "array": Walk.array,
    "sequence": Walk.sequence,
    "set": Walk.set_,
    "mapping": Walk.mapping,
    "record": Walk.fields,
    "frame": Walk.frame,
}


def _key(digest: Digest) -> str:
    return json.dumps(digest, sort_keys=True)
