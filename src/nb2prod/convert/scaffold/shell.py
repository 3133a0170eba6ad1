"""Shell commands of the notebook, run as its kernel ran them."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class ShellLines(list[str]):
    """The lines a command printed, with the attributes notebooks read from them.

    ``.l`` and ``.list`` are the lines themselves, ``.n`` and ``.nlstr`` the lines joined by newlines,
    ``.s`` and ``.spstr`` joined by spaces, ``.p`` and ``.paths`` those that name existing files.
    """

    def __getattr__(self, name: str) -> Any:
        """Return one of the views listed above."""
        match name:
            case "l" | "list":
                return self
            case "n" | "nlstr":
                return "\n".join(self)
            case "s" | "spstr":
                return " ".join(self)
            case "p" | "paths":
                return [Path(line) for line in self if Path(line).exists()]
            case _:
                raise AttributeError(name)

    def grep(self, pattern: str | Callable[[str], Any], *, prune: bool = False) -> ShellLines:
        """Return the lines a regular expression (any case) or a function finds; the others with ``prune``."""
        expression = re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else None
        finds = expression.search if expression else pattern
        return ShellLines(line for line in self if bool(finds(line)) != prune)  # type: ignore[operator]

    def fields(self, *positions: int) -> Any:
        """Return each line split at white space, or only the given fields of it, joined by a space."""
        rows = [line.split() for line in self]
        if not positions:
            return rows
        chosen = ([row[at] for at in positions if -len(row) <= at < len(row)] for row in rows)
        return ShellLines(" ".join(row) for row in chosen if row)

    def sort(self, *_: object, **__: object) -> None:
        """Raise: what a notebook calls here returns a sorted copy, unlike a list."""
        message = "use sorted(lines)"
        raise TypeError(message)


def run_shell(command: str) -> None:
    """Run ``command`` and print what it prints; its exit status is ignored, as in a notebook.

    Where there are pseudo-terminals the command runs on one, 80 columns wide, as under the kernel:
    ``ls`` prints columns there. It can read no input.
    """
    sys.stdout.flush()
    if os.name != "posix":
        process = subprocess.Popen(
            command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        with process:
            _forward(_reader(process.stdout), sys.stdout)
        return
    import pty
    import termios

    terminal, inner = pty.openpty()
    try:
        modes = termios.tcgetattr(inner)
        modes[1] &= ~termios.OPOST  # lines end in "\n", as in a file
        termios.tcsetattr(inner, termios.TCSANOW, modes)
        termios.tcsetwinsize(inner, (24, 80))
        name = os.environ.get("SHELL", "sh")
        shell = shutil.which(name) or name  # it tells its errors under the name it was called by
        process = subprocess.Popen(
            [shell, "-c", command], stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, start_new_session=True
        )
    finally:
        os.close(inner)

    def read(size: int) -> bytes:
        try:
            return os.read(terminal, size)
        except OSError:  # how Linux says that nothing holds the terminal any more
            return b""

    try:
        _forward(read, sys.stdout)
    finally:
        os.close(terminal)
        process.wait()


def capture_shell(command: str) -> ShellLines:
    """Run ``command`` and return the lines it prints, errors included; its exit status is ignored."""
    sys.stdout.flush()
    executable = os.environ.get("SHELL") if os.name == "posix" else None
    result = subprocess.run(
        command,
        shell=True,
        executable=executable,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return ShellLines(result.stdout.decode(errors="replace").splitlines())


def run_script(arguments: list[str], text: str, *, check: bool = True) -> None:
    """Run a program with ``text`` as its input and print what it prints.

    Raise ``subprocess.CalledProcessError`` where it fails and ``check`` holds. A program that does
    not exist is reported on standard output and nothing runs, as in a notebook.
    """
    sys.stdout.flush()
    try:
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        print(f"Couldn't find program: {arguments[0]!r}")
        return
    with process:
        feed = threading.Thread(target=_feed, args=(_of(process.stdin), text.encode(errors="replace")))
        errors = threading.Thread(target=_forward, args=(_reader(process.stderr), sys.stderr))
        feed.start()
        errors.start()
        _forward(_reader(process.stdout), sys.stdout)
        errors.join()
        feed.join()
    if process.returncode and check:
        raise subprocess.CalledProcessError(process.returncode, arguments)


def script_output(arguments: list[str], text: str) -> str:
    """Run a program with ``text`` as its input and return what it prints; its errors are printed.

    Raise ``subprocess.CalledProcessError`` where it fails.
    """
    sys.stdout.flush()
    result = subprocess.run(arguments, input=text.encode(errors="replace"), capture_output=True, check=False)
    sys.stderr.write(result.stderr.decode(errors="replace"))
    if result.returncode:
        raise subprocess.CalledProcessError(result.returncode, arguments)
    return result.stdout.decode(errors="replace")


def change_directory(folder: str, *, quiet: bool = False) -> None:
    """Change to ``folder`` (``~`` expanded) and print where that is; a failure is printed, not raised."""
    try:
        os.chdir(Path(folder).expanduser())
    except OSError as error:
        print(error)
    if not quiet:
        print(Path.cwd())


def set_environment(name: str, value: str) -> None:
    """Set an environment variable and print what was set."""
    os.environ[name] = value
    print(f"env: {name}={value}")


def write_file(name: str, text: str, *, append: bool = False) -> None:
    """Write ``text`` to a file (``~`` expanded) and print what happens."""
    path = Path(name).expanduser()
    verb = "Writing" if not path.exists() else "Appending to" if append else "Overwriting"
    print(verb, path if name.startswith("~") else name)
    with path.open("a" if append else "w", encoding="utf-8") as file:
        file.write(text)


def _feed(stream: IO[bytes], text: bytes) -> None:
    try:
        with stream:
            stream.write(text)
    except BrokenPipeError:  # the program ended before it had read everything
        return


def _forward(read: Callable[[int], bytes], stream: IO[str]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while chunk := read(65536):
        stream.write(decoder.decode(chunk))
        stream.flush()
    stream.write(decoder.decode(b"", final=True))


def _reader(stream: IO[bytes] | None) -> Callable[[int], bytes]:
    return partial(os.read, _of(stream).fileno())


def _of(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        message = "the process has no such pipe"
        raise RuntimeError(message)
    return stream
