"""All commands as click knows them, each loaded when it is asked for."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from nb2prod import __version__
from nb2prod.cli import CLEAN, USAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

# The order is that of a notebook's way to production, and of the help.
_COMMANDS = ("init", "check", "convert", "verify", "graph", "rule", "config", "clean")


class _LazyGroup(click.Group):
    """Imports ``nb2prod.cli.<command>`` when that command is run or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands there are, in the order of the help."""
        return [name for name in _COMMANDS if _has_module(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command, or None where there is none of that name."""
        if cmd_name not in _COMMANDS or not _has_module(cmd_name):
            return None
        command: click.Command = getattr(import_module(f"nb2prod.cli.{cmd_name}"), cmd_name)
        return command


def _has_module(name: str) -> bool:
    # importlib.util would answer the same, for an import more at every start.
    return os.path.exists(os.path.join(os.path.dirname(__file__), f"{name}.py"))  # noqa: PTH110, PTH118, PTH120 - the same


# A paragraph after \b keeps its lines.
_EXAMPLES = """\b
Examples:
  nb2prod check                            every notebook below this folder
  nb2prod rule NB301                       what a rule means and how to follow it
  nb2prod convert churn.ipynb --output churn/
  nb2prod convert clean.ipynb train.ipynb --output house/   one package, a command for each
  nb2prod verify churn.ipynb churn/        whether the package computes what the notebook did

\b
Exit codes:
  0 clean   1 findings, or a refusal   2 wrong usage or settings   3 a bug of ours
"""


@click.group(
    cls=_LazyGroup,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="nb2prod", message="%(prog)s %(version)s")
def nb2prod() -> None:
    """Check notebooks for production readiness, convert them into packages, prove both compute the same."""


def run_command(arguments: Sequence[str]) -> int:
    """Run the command line as click reads it and return its exit code; raises what the command raises."""
    try:
        result: Any = nb2prod.main(list(arguments), prog_name="nb2prod", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else CLEAN
