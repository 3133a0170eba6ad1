"""Reads a library table: TOML groups, and rows that look like annotated Python signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nb2prod import plain_toml
from nb2prod.errors import ConfigurationError
from nb2prod.libraries.model import EFFECTS, ROLES, CallInfo, ClassInfo, Condition, Group, Library
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TABLE_KEYS: Final = frozenset(
    {"import", "distribution", "verified", "pure-import", "impure-imports", "aliases", "calls", "classes"}
)
_CONDITIONS: Final = {
    "clock-when": "clock",
    "mutates-when": "mutates-argument",
    "random-unless": "random",
    "random-when": "random",
}
_CALL_KEYS: Final = frozenset(
    {"in", "rows", "effects", "returns", "seeded-by", "seeds", "until", "abstract", *_CONDITIONS}
)
_CLASS_KEYS: Final = _CALL_KEYS | {"bases", "attributes", "items", "members", "pure-operators"}
_FILE_EFFECTS: Final = frozenset({"read-file", "write-file"})

_ROW = lazy_pattern(r"(?P<name>[\w.]+)(?:\((?P<parameters>[^()]*)\))?(?:\s*->\s*(?P<returns>[\w.]+|\([\w., ]+\)))?")
_PARAMETER = lazy_pattern(r"(?P<name>\*{0,2}\w+|\*)(?::\s*(?P<role>\w+))?(?:\s*=\s*(?P<default>.+))?")
_LITERALS: Final = {"None": None, "True": True, "False": False}


def load_toml(file: Path) -> dict[str, Any]:
    """Return a TOML file's content; raise ``ConfigurationError`` if it is none."""
    try:
        return plain_toml.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{file.name}: {error}") from error


def read_table(file: Path) -> Library:
    """Return the library a table file describes; its rows are only split here, ``call_info`` reads one.

    Raises ``ConfigurationError`` for an unknown key, an effect outside the closed set and an import
    name that is not the file's.
    """
    data = load_toml(file)
    _known(file, "", data, _TABLE_KEYS)
    name = data.get("import")
    if name != file.stem:
        raise ConfigurationError(f"{file.name}: import is {name!r}, which is not the file's name")
    calls: dict[str, tuple[Group, str]] = {}
    classes: dict[str, tuple[Group, str]] = {}
    for kind, known in (("calls", _CALL_KEYS), ("classes", _CLASS_KEYS)):
        for index, group in enumerate(data.get(kind, ()), 1):
            _known(file, f"{kind} group {index}: ", group, known)
            read = _group(file, f"{kind} group {index}", group, name)
            for row_name, row in split_rows(group.get("rows", "")):
                qualified = f"{group['in']}.{row_name}"
                calls[qualified] = (read, row)
                if kind == "classes":
                    classes[qualified] = (read, row)
    return Library(
        import_name=name,
        distribution=data.get("distribution"),
        pure_import=data.get("pure-import", False),
        impure_imports=tuple(data.get("impure-imports", ())),
        calls=calls,
        classes=classes,
        aliases=dict(_pairs(file, data.get("aliases", ""))),
        verified=data.get("verified"),
    )


def split_rows(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every row; a line without ``(`` and ``->`` is a list of bare names."""
    for line in text.splitlines():
        row = line.strip()
        if row.startswith("#"):
            continue
        if "(" in row or "->" in row:
            yield row.partition("(")[0].partition("->")[0].rstrip(), row
        else:
            for name in row.split():
                yield name, name


def call_info(name: str, group: Group, row: str) -> CallInfo:
    """Return what a row says of the call ``name``; raise ``ConfigurationError`` if it is malformed."""
    if name.endswith(row):  # a bare name: the group says it all
        return group.shared._replace(qualified_name=name, seeds=_seeds(group.shared, name))
    match = _ROW.fullmatch(row)
    if match is None:
        raise ConfigurationError(f"{group.shared.library}.toml: cannot read the row `{row}`")
    shared = group.shared
    parameters: list[str] = []
    roles: dict[str, list[str]] = {role: [] for role in ROLES}
    defaults: list[tuple[str, object]] = []
    by_name_only = variadic = False
    for text in filter(None, map(str.strip, (match["parameters"] or "").split(","))):
        parameter = _PARAMETER.fullmatch(text)
        if parameter is None or (parameter["role"] or "path") not in ROLES:
            raise ConfigurationError(f"{group.shared.library}.toml: cannot read `{text}` in `{row}`")
        own = parameter["name"].lstrip("*")
        if not by_name_only and not parameter["name"].startswith("**") and own:
            parameters.append(own)
            variadic = parameter["name"].startswith("*")
        by_name_only = by_name_only or parameter["name"].startswith("*")
        if parameter["role"]:
            roles[parameter["role"]].append(own)
        if parameter["default"]:
            defaults.append((own, _literal(group.shared.library, parameter["default"])))
        if parameter["role"] == "path" and parameter["default"] == "None":
            shared = _without_file(shared, own)
    return shared._replace(
        qualified_name=name,
        parameters=tuple(parameters),
        path=tuple(roles["path"]),
        seed=next(iter(roles["seed"]), None),
        seed_aliases=tuple(roles["seed"][1:]),
        model=next(iter(roles["model"]), None),
        defaults=tuple(defaults),
        variadic=variadic,
        returns=_returns(match["returns"]) if match["returns"] else group.shared.returns,
        seeds=_seeds(group.shared, name),
    )


def class_info(name: str, group: Group) -> ClassInfo:
    """Return what a group says of the class ``name``."""
    attributes: dict[str, str | None] = {}
    for attribute, row in split_rows(group.attributes):
        attributes[attribute] = row.partition("->")[2].strip() or None
    shared = group.shared
    return ClassInfo(name, shared.library, group.bases, attributes, group.items, group.members, group.pure_operators)


def _group(file: Path, place: str, group: dict[str, Any], library: str) -> Group:
    if "in" not in group:
        raise ConfigurationError(f"{file.name}: {place}: the key `in` is missing")
    effects = frozenset(group.get("effects", ()))
    if not effects <= EFFECTS:
        raise ConfigurationError(f"{file.name}: {place}: unknown effect `{min(effects - EFFECTS)}`")
    if "random-when" in group and "random-unless" in group:
        raise ConfigurationError(f"{file.name}: {place}: random-when and random-unless exclude each other")
    conditions = tuple(
        Condition(effect, tuple(map(_wanted, group[key].items())), key.endswith("unless"))
        for key, effect in _CONDITIONS.items()
        if key in group
    )
    conditional = frozenset(condition.effect for condition in conditions)
    shared = CallInfo(
        qualified_name="",
        library=library,
        # What may happen is never pure; without conditions both sets are the same.
        effects=effects - {"pure"} | conditional if conditional else effects,
        seeded_by=tuple(group.get("seeded-by", ())),
        seeds=tuple(group.get("seeds", ())),
        returns=_returns(group["returns"]) if "returns" in group else None,
        conditions=conditions,
        otherwise=effects - conditional,
        until=group.get("until"),
    )
    bases = tuple(group.get("bases", ()))
    items, members = group.get("items"), group.get("members")
    return Group(shared, bases, group.get("attributes", ""), items, members, group.get("pure-operators", False))


def _without_file(shared: CallInfo, path: str) -> CallInfo:
    """Return the call as it is for ``to_csv(path_or_buf: path=None)``: pure if no path is given."""
    unless = (Condition(effect, ((path, (None,)),), unless=True) for effect in sorted(shared.effects & _FILE_EFFECTS))
    return shared._replace(
        conditions=(*shared.conditions, *unless),
        otherwise=shared.otherwise - _FILE_EFFECTS | {"pure"},
    )


def _wanted(item: tuple[str, list[object]]) -> tuple[str, tuple[object, ...]]:
    """Return a parameter and the values a condition asks for; TOML has no null, so ``"None"`` stands for it."""
    return item[0], tuple(None if value == "None" else value for value in item[1])


def _seeds(shared: CallInfo, name: str) -> tuple[str, ...]:
    return shared.seeds or ((name,) if "seed" in shared.effects else ())


def _returns(text: str) -> str | tuple[str, ...]:
    if text.startswith("("):
        return tuple(part.strip() for part in text.strip("()").split(","))
    return text


def _literal(library: str, text: str) -> object:
    if text in _LITERALS:
        return _LITERALS[text]
    import ast  # noqa: PLC0415, most rows have no other default

    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(f"{library}.toml: `{text}` is no literal") from error


def _pairs(file: Path, text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        alias, equals, target = line.partition(" = ")
        if not equals:
            raise ConfigurationError(f"{file.name}: cannot read the alias `{line}`")
        yield alias.strip(), target.strip()


def _known(file: Path, place: str, keys: Iterable[str], known: frozenset[str]) -> None:
    unknown = set(keys) - known
    if unknown:
        import difflib  # noqa: PLC0415, only on the way out

        key = min(unknown)
        near = difflib.get_close_matches(key, known, n=1)
        raise ConfigurationError(
            f"{file.name}: {place}unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")
        )
