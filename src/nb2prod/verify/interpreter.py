"""The Python that has the notebook's libraries: named by path, by kernel, or our own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nb2prod.errors import ConfigurationError

_OLDEST = (3, 8)
_ANY_PYTHON = frozenset({"python", "python3", f"python3.{sys.version_info.minor}"})
# -I -S would be quicker and would not see what a virtual environment adds.
_ASK = """\
import json, sys
from importlib.util import find_spec
print(json.dumps([sys.version_info[:2], find_spec("ipykernel") is not None]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that can run notebooks.

    path         its program
    command      what starts a kernel; ``{connection_file}`` stands for a path
    environment  what a kernel specification adds to the environment
    """

    path: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


def find_interpreter(python: str | None, kernel: str | None) -> Interpreter:
    """Return the interpreter at ``python``, that of the kernel specification ``kernel``, or the one that runs us.

    Raises ConfigurationError where there is none, or where it has no ipykernel.
    """
    if python is not None and kernel is not None:
        raise ConfigurationError("--python and --kernel both name an interpreter: give one of them")
    _ask_for_client()
    if kernel is not None:
        return _of_kernel(kernel)
    given = python or sys.executable
    found = shutil.which(given)
    if found is None:
        raise ConfigurationError(f"--python {given}: there is no such program")
    # Not resolved: a virtual environment's python is a link, and means the environment only by its own name.
    path = str(Path(found).absolute())
    _check(path, f"--python {given}" if python else path)
    return Interpreter(path, (path, "-m", "ipykernel_launcher", "-f", "{connection_file}"))


def _ask_for_client() -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - with its one user

    if find_spec("jupyter_client") is None:
        raise ConfigurationError("verifying needs jupyter_client: pip install 'nb2prod[verify]'")


def _of_kernel(name: str) -> Interpreter:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel  # noqa: PLC0415 - of the extra [verify]

    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel:
        raise ConfigurationError(
            f"--kernel {name}: there is no kernel of that name; `jupyter kernelspec list`"
        ) from None
    if spec.language.lower() != "python" or not any("ipykernel" in word for word in spec.argv):
        raise ConfigurationError(f"--kernel {name}: is no Python kernel (ipykernel)")
    # As Jupyter does: a specification that names no particular Python means the one that asks.
    path = sys.executable if spec.argv[0] in _ANY_PYTHON else shutil.which(spec.argv[0])
    if path is None:
        raise ConfigurationError(f"--kernel {name}: its program {spec.argv[0]} does not exist")
    _check(path, f"--kernel {name}")
    return Interpreter(path, (path, *spec.argv[1:]), tuple(sorted(spec.env.items())))


def _check(path: str, name: str) -> None:
    try:
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, timeout=60, check=True)  # noqa: S603 - the user named it
        version, has_kernel = json.loads(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        raise ConfigurationError(f"{name}: does not answer as a Python interpreter") from None
    if tuple(version) < _OLDEST:
        shown = ".".join(map(str, version))
        raise ConfigurationError(f"{name}: is Python {shown}; running a notebook needs 3.8 or later")
    if not has_kernel:
        raise ConfigurationError(f"{name}: has no ipykernel; {path} -m pip install ipykernel")
