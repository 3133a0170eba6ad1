"""The command line: what is asked for is loaded and run, errors are turned into exit codes."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nb2prod.errors import Nb2ProdError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

CLEAN, FINDINGS, USAGE, INTERNAL = 0, 1, 2, 3
# What shells report for a program ended by the interrupt key.
_INTERRUPTED = 130
# What click's completion of a command line sets.
_COMPLETION = "_NB2PROD_COMPLETE"


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
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _ended(given)
    except KeyboardInterrupt:
        write_error("interrupted")
        return _INTERRUPTED
    except RefusedError as error:
        write_error(_refusal(error.reasons, given))
        return error.exit_code
    except Nb2ProdError as error:
        write_error(f"error: {error}")
        return error.exit_code
    except Exception:  # noqa: BLE001 - the last place that can say whose bug it is
        import traceback  # noqa: PLC0415 - only a bug needs it

        write_error(f"internal error, please report:\n{traceback.format_exc()}")
        return INTERNAL


def _refusal(reasons: Sequence[str], given: Sequence[str]) -> str:
    """Return what is said of a conversion that is refused: every reason on a line, and what can be done."""
    lines = ["error: not converted, and nothing was written:", *(f"  {each}" for each in reasons)]
    # It does not help against what is refused in spite of it, nor where notebooks do not go together.
    if "--partial" not in given and all("cell " in each for each in reasons):
        lines += ["", "Next: change these cells, or convert the rest with --partial"]
    return "\n".join(lines)


def _ended(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; a plain `check` does without click."""
    # Windows leaves patterns of files to the program, and shells ask click what may come next.
    if arguments[:1] == ["check"] and sys.platform != "win32" and _COMPLETION not in os.environ:
        from nb2prod.cli.check_options import OPTIONS  # noqa: PLC0415 - other commands need none of it
        from nb2prod.cli.options import read  # noqa: PLC0415 - the same

        values = read(OPTIONS, arguments[1:])
        if values is not None:
            from nb2prod.cli.checking import check  # noqa: PLC0415 - the same

            return check(**values)
    from nb2prod.cli.group import run_command  # noqa: PLC0415 - a plain check does without it

    return run_command(arguments)


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
