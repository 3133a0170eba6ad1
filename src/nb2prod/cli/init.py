"""``nb2prod init``: the files a repository needs to be checked: settings, an empty baseline, a hook, a workflow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nb2prod import __version__
from nb2prod.baseline import write_baseline
from nb2prod.cli import CLEAN, write
from nb2prod.config import FILES, read_table
from nb2prod.errors import ConfigurationError
from nb2prod.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_BASELINE = "nb2prod-baseline.json"

_SETTINGS = f"""\
# The rules and what they mean: nb2prod rule. What holds, and who says so: nb2prod config.
fail-on = "error" # warnings and notes are shown; make it "warning" when there are few left
baseline = "{_BASELINE}" # findings that are known: nb2prod check --write-baseline {_BASELINE}
"""

_LOCAL_HOOK = """\
repos:
  - repo: local # nb2prod has to be installed; nb2prod init --repo writes a hook that installs it
    hooks:
      - id: nb2prod
        name: nb2prod
        entry: nb2prod check
        args: [--force-exclude, --profile, commit]
        language: system
        types_or: [jupyter]
        require_serial: true
"""

_HOOK = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: nb2prod
"""

_COMMIT = re.compile("[0-9a-f]{40}")

# Names of actions and values of inputs only: nothing of a pull request gets into a shell.
_WORKFLOW = """\
name: notebooks
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
concurrency:
  group: notebooks-${{{{ github.ref }}}}
  cancel-in-progress: true
jobs:
  nb2prod:
    name: nb2prod
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - uses: {action}@{rev}
"""


@click.command(short_help="Write settings, a hook and a workflow to begin with.")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--repo", metavar="ADDRESS", help="Where pre-commit and GitHub get nb2prod from.")
@click.option(
    "--rev",
    metavar="REV",
    default=f"v{__version__}",
    show_default=True,
    help="Which version of it: a tag, or a commit, which nobody can move.",
)
def init(folder: Path, repo: str | None, rev: str) -> int:
    """Write what a repository needs to be checked: settings, a hook, a workflow.

    What is there already stays; what you have to add to it is printed.
    """
    write("\n".join(_steps(folder, repo, rev)) + "\n")
    return CLEAN


def _steps(folder: Path, repo: str | None, rev: str) -> Iterator[str]:
    """Do one step after the other, and yield what was done, or is left to do."""
    yield _write_settings(folder)
    if not (folder / _BASELINE).exists():
        write_baseline(folder / _BASELINE, {})
        yield f"wrote {_BASELINE}, which is empty"
    hook = _HOOK.format(repo=repo, rev=rev) if repo else _LOCAL_HOOK
    yield _new_file(folder, ".pre-commit-config.yaml", hook, "add the hook to it:")
    if (action := _action(repo)) is not None:
        workflow = _WORKFLOW.format(action=action, rev=rev)
        yield _new_file(folder, ".github/workflows/nb2prod.yml", workflow, "it could be:")
        if not _COMMIT.fullmatch(rev):
            yield f"{rev} can be moved to other code: --rev with a whole commit is what a workflow should name"
    else:
        yield "wrote no workflow: --repo with an address on GitHub says where the action is"
    yield ""
    yield f"Next: nb2prod check --write-baseline {_BASELINE}, commit all of this, then pre-commit install"


def _write_settings(folder: Path) -> str:
    """Add our table to the pyproject.toml there is, or write an nb2prod.toml."""
    for name in FILES:
        if read_table(folder / name) is not None:
            return f"{name} has settings already"
    shared = folder / FILES[1]
    if not shared.exists():
        return _new_file(folder, FILES[0], _SETTINGS, "")
    text = shared.read_text(encoding="utf-8")
    _put(shared, f"{text.rstrip()}\n\n[tool.nb2prod]\n{_SETTINGS}")
    return f"added [tool.nb2prod] to {shared.name}"


def _new_file(folder: Path, name: str, text: str, advice: str) -> str:
    path = folder / name
    if path.exists():
        return f"{name} is there; {advice}\n\n{text}"
    _put(path, text)
    return f"wrote {name}"


def _put(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{printable(str(path))} cannot be written: {error.strerror}") from None


def _action(repo: str | None) -> str | None:
    """Return ``owner/name`` of an address on GitHub."""
    host = "github.com"
    _, found, rest = (repo or "").partition(host)
    name = rest.strip("/:").removesuffix(".git")
    return name if found and name.count("/") == 1 else None
