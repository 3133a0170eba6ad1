"""The nbconvert exporter: ``jupyter nbconvert --to nb2prod`` gives the package as an archive."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException
from traitlets import Bool, Unicode, default

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.plan import Options
from nb2prod.errors import Nb2ProdError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nb2prod.convert.plan import Package

# The earliest time an archive can hold: the same package gives the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE_FILE = 0o100644 << 16


class PackageExporter(Exporter):
    """Converts a notebook into the package that ``nb2prod convert`` writes, as a zip file.

    Of a notebook in a file the file is converted, byte for byte what ``nb2prod convert`` reads, unless a
    preprocessor has changed it. Refusals are raised as ConversionException, with cell and reason.
    """

    package_name = Unicode(
        "", help="Import name of the package; by default it comes from the notebook's file name."
    ).tag(config=True)
    partial = Bool(
        default_value=False, help="Convert in spite of refusals: each raises NotImplementedError in its place."
    ).tag(config=True)
    export_from_notebook = "Python package"
    output_mimetype = "application/zip"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".zip"

    # nbconvert's base class speaks of notebook nodes; its exporters, like this one, return what they make.
    def from_filename(  # type: ignore[override]
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the archive for the notebook in a file, and nbconvert's resources."""
        return super().from_filename(filename, resources, notebook_file=Path(filename), **kw)  # type: ignore[return-value]

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any | None = None, *, notebook_file: Path | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the archive for a notebook in memory; what lies beside it is looked for where resources say."""
        processed, resources = super().from_notebook_node(nb, resources, **kw)
        content = None
        if notebook_file is None or processed != nb:
            content = json.dumps(processed).encode()
        if notebook_file is None:
            of = resources["metadata"]
            notebook_file = Path(of["path"] or "", f"{of['name'] or 'notebook'}.ipynb")
        try:
            options = Options(self.package_name or None, self.partial)
            # The archive of an earlier run is nothing whose name the package would have to step aside for.
            package = convert_notebook(
                notebook_file, options, output=notebook_file.with_suffix(".zip"), content=content
            ).package
        except Nb2ProdError as error:
            raise ConversionException(str(error)) from error
        return archive(package), resources


def archive(package: Package) -> bytes:
    """Return a package as a zip file with one folder, named for it; the same package gives the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for path, data in package.files.items():
            entry = zipfile.ZipInfo(f"{package.name}/{path}", _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = _READABLE_FILE
            file.writestr(entry, data)
    return content.getvalue()
