"""The command line: commands loaded when they are asked for, errors turned into exit codes."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nb2prod import __version__
from nb2prod.errors import Nb2ProdError

if TYPE_CHECKING:
    from collections.abc import Sequence

CLEAN, FINDINGS, USAGE, INTERNAL = 0, 1, 2, 3
# What shells report for a program ended by the interrupt key.
_INTERRUPTED = 130

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line with ``arguments`` (default: the process's) and exit."""
    # Syntax trees are thousands of small objects that live as long as their notebook, and go with it, as there
    # are no circles among them: looking for some is a tenth of the time of a large run (measured).
    gc.freeze()
    gc.set_threshold(1_000_000)
    code = run(arguments)
    # Processes that worked for a large run are waited for, which the interpreter's own end does.
    if arguments is None and "concurrent.futures" not in sys.modules:
        _end(code)
    sys.exit(code)


def _end(code: int) -> NoReturn:
    """End the process at once: to free one by one what it holds takes a twentieth of a short run."""
    atexit._run_exitfuncs()  # noqa: SLF001 - what waits for the end, such as a measurement of coverage, has its turn
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads any more
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result: Any = nb2prod.main(
            None if arguments is None else list(arguments), prog_name="nb2prod", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        write_error("interrupted")
        return _INTERRUPTED
    except Nb2ProdError as error:
        write_error(f"error: {error}")
        return error.exit_code
    except Exception:  # noqa: BLE001 - the last place that can say whose bug it is
        import traceback  # noqa: PLC0415 - only a bug needs it

        write_error(f"internal error, please report:\n{traceback.format_exc()}")
        return INTERNAL
    return result if isinstance(result, int) else CLEAN


def write(text: str, *, error: bool = False) -> None:
    """Print ``text`` as it is, whatever the terminal's encoding can show, even if nobody reads any more."""
    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # `nb2prod check | head`: the exit code still counts, and the interpreter's own flush at the
        # end must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_error(text: str) -> None:
    """Print a message for the user on standard error."""
    write(f"{text}\n" if not text.endswith("\n") else text, error=True)
