"""The manifest of a package of several notebooks: one ``conversion.json``, with a row for each part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nb2prod.convert.manifest import as_json
from nb2prod.generated import FILE_NAME, PARTS, VERSION, digest, parsed_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the manifest of a package of several notebooks says.

    names  the file names of the notebooks, in their order
    parts  what it says of each, as the manifest of one notebook's package would
    """

    package: str
    generator: str
    names: tuple[str, ...]
    parts: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]


def joint_manifest(
    package: str,
    generator: str,
    parts: Sequence[Mapping[str, Any]],
    also: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> bytes:
    """Return the content of ``conversion.json``.

    parts  what is to be said of each notebook, in their order
    also   what is to be said of all together
    files  every other file of the package
    """
    head: dict[str, Any] = {"version": VERSION, "generator": generator, "package": package}
    digests = {path: digest(content) for path, content in sorted(files.items())}
    return as_json({**head, **also, PARTS: list(parts), "files": digests})


def recorded_notebooks(folder: Path) -> Recorded | None:
    """Return what the manifest in ``folder`` says, None where it holds no package of several notebooks."""
    file = folder / FILE_NAME
    data = parsed_manifest(file.read_bytes()) if file.is_file() else {}
    parts, files = data.get(PARTS), data.get("files")
    if not isinstance(parts, list) or not isinstance(files, dict) or data.get("version") != VERSION:
        return None
    if not str(data.get("package")).isidentifier():
        return None
    try:
        names = tuple(str(part["notebook"]["name"]) for part in parts)
    except (KeyError, TypeError):
        return None
    return Recorded(str(data["package"]), str(data["generator"]), names, tuple(parts), files)


def part_of(manifest: Mapping[str, Any], notebook: str) -> dict[str, Any] | None:
    """Return what a manifest says of one of several notebooks, in the form of a manifest of its own; else None."""
    parts = manifest.get(PARTS)
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("notebook", {}).get("name") == notebook:
            own = {key: manifest[key] for key in ("version", "generator", "files")}
            return own | part
    return None
