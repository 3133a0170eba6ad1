"""A kernel process and the conversation with it: start, execute, end. Nothing else talks Jupyter's protocol."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nb2prod.verify.processes import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from nb2prod.verify.processes import Watched

_START = 120.0
_END = 10.0
# What a kernel still has to say when its last cell has ended: text of other threads and processes.
_LINGER = 0.3
_POLL_MILLISECONDS = 100
# Unix sockets have short names: their path with the channel's number must fit.
_LONGEST_SOCKET = 90
_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class KernelStoppedError(Exception):
    """The kernel was ended, or has ended itself, before its answer; ``kind`` and the message say why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Reply:
    """How a cell ended: ``kind`` of its exception, its message and traceback; all empty where it ended well."""

    kind: str = ""
    message: str = ""
    traceback: str = ""


@dataclass(slots=True)
class Kernel:
    """A kernel that answers.

    printed    what it printed, in order: the stream's name, the text, and the cell that was running
    cell       the cell that runs, for ``printed``
    limit      characters it may print in all
    answering  nothing has ended it or has to
    """

    watched: Watched
    session: Any
    shell: Any
    iopub: Any
    control: Any
    limit: int
    printed: list[tuple[str, str, int | None]] = field(default_factory=list)
    cell: int | None = None
    size: int = 0
    answering: bool = True

    def execute(self, source: str, *, until: float, silent: bool = False) -> Reply:
        """Run ``source`` and wait for its end, until the time ``until`` (of ``time.monotonic``).

        Raises KernelStoppedError where the kernel ends, or has to be ended.
        """
        content = {"code": source, "silent": silent, "store_history": not silent, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": False}  # fmt: skip
        return self._ask("execute_request", content, until)

    def listen(self, seconds: float) -> None:
        """Take in what is still printed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for message in self._messages():
                self._heard(message)

    def stop(self) -> None:
        """Ask the kernel to end, so that what it does at its end is done, and wait for that a while."""
        self.session.send(self.control, "shutdown_request", {"restart": False})
        until = time.monotonic() + _END
        while self.watched.process.poll() is None and time.monotonic() < until:
            for message in self._messages():
                self._heard(message)

    def ready(self, until: float) -> None:
        """Wait until the kernel answers and what it publishes arrives."""
        while True:
            # What it publishes before we are subscribed is lost: ask until something came.
            request = self.session.send(self.shell, "kernel_info_request", {})
            again = time.monotonic() + 1
            answered = published = False
            while time.monotonic() < again:
                self._check(until)
                for message in self._messages():
                    own = message["parent_header"].get("msg_id") == request["header"]["msg_id"]
                    answered |= own and message["msg_type"] == "kernel_info_reply"
                    published |= own and message["msg_type"] == "status"
                if answered and published:
                    return

    def _ask(self, kind: str, content: Mapping[str, Any], until: float) -> Reply:
        request = self.session.send(self.shell, kind, dict(content))["header"]["msg_id"]
        reply: Reply | None = None
        idle = False
        error: Reply | None = None
        while reply is None or not idle:
            self._check(until)
            for message in self._messages():
                self._heard(message)
                if message["parent_header"].get("msg_id") != request:
                    continue
                said = message["content"]
                match message["msg_type"]:
                    case "execute_reply":
                        reply = _reply(said) if said.get("status") != "ok" else Reply()
                    case "error":
                        error = _reply(said)
                    case "status" if said.get("execution_state") == "idle":
                        idle = True
        return error if error is not None and reply.kind else reply

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["msg_type"] == "stream":
            said = message["content"]
            self.printed.append((said["name"], said["text"], self.cell))
            self.size += len(said["text"])

    def _check(self, until: float) -> None:
        """Raise KernelStoppedError where the kernel has ended or may not go on."""
        self.answering = False
        code = self.watched.process.poll()
        if code is not None:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise KernelStoppedError("KernelEnded", f"the kernel's process ended ({how}) before the cell did")
        if self.watched.over_limit():
            limit = self.watched.limit / 1024**3
            raise KernelStoppedError("MemoryLimit", f"the notebook held more than {limit:.1f} GB (--memory)")
        if self.size > self.limit:
            raise KernelStoppedError("OutputLimit", f"the notebook printed more than {self.limit // 1024**2} MB")
        if time.monotonic() > until:
            raise KernelStoppedError("TimeLimit", "the time was over")
        self.answering = True

    def _messages(self) -> Iterator[dict[str, Any]]:
        """Yield what has come on both channels, waiting a moment where nothing has."""
        import zmq  # noqa: PLC0415 - of the extra [verify]

        sockets = [self.iopub, self.shell]
        ready, _, _ = zmq.select(sockets, [], [], _POLL_MILLISECONDS / 1000)
        for socket in ready:
            while True:
                try:
                    frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                _, parts = self.session.feed_identities(frames)
                yield self.session.deserialize(parts)


@contextmanager
def kernel(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    here: Path,
    memory: int,
    printed: int,
    confine: Callable[[], None] | None,
) -> Iterator[Kernel]:
    """Start a kernel in ``folder`` and yield it when it answers; it is gone when the block is left.

    here  where its connection file, its sockets and what its process itself says are kept
    """
    import zmq  # noqa: PLC0415 - of the extra [verify]
    from jupyter_client.session import Session  # noqa: PLC0415 - the same

    with ExitStack() as stack:
        ports, connection = _connection(here)
        # The kernel leaves when the process of this number is gone.
        settings = {**environment, "JPY_PARENT_PID": str(os.getpid())}
        arguments = [word.replace("{connection_file}", str(connection)) for word in command]
        said = stack.enter_context((here / "kernel.txt").open("w+b"))
        watched = stack.enter_context(
            running(arguments, folder, settings, memory=memory, out=said, err=said, confine=confine)
        )
        session = Session(key=ports["key"].encode(), signature_scheme=ports["signature_scheme"], check_pid=False)
        context = zmq.Context()
        stack.callback(context.destroy, linger=0)
        sockets = {}
        for name, kind in (("shell", zmq.DEALER), ("iopub", zmq.SUB), ("control", zmq.DEALER)):
            socket = context.socket(kind)
            # No message may be dropped, however fast a cell prints.
            socket.set_hwm(0)
            if kind == zmq.SUB:
                socket.setsockopt(zmq.SUBSCRIBE, b"")
            else:
                socket.setsockopt(zmq.IDENTITY, session.bsession)
            socket.connect(_address(ports, name))
            sockets[name] = socket
        found = Kernel(watched, session, sockets["shell"], sockets["iopub"], sockets["control"], printed)
        try:
            found.ready(time.monotonic() + _START)
        except KernelStoppedError as error:
            said.seek(0)
            words = said.read().decode("utf-8", "replace").strip()
            raise KernelStoppedError("KernelStart", f"the kernel does not start: {words[-2000:] or error}") from None
        yield found
        if found.answering:
            found.listen(_LINGER)
            found.stop()


def _reply(content: Mapping[str, Any]) -> Reply:
    trace = "\n".join(content.get("traceback") or ())
    kind = content.get("ename") or content.get("status") or "error"
    return Reply(str(kind), str(content.get("evalue", "")), _COLOUR.sub("", trace))


def _connection(here: Path) -> tuple[dict[str, Any], Path]:
    """Write a connection file: Unix sockets where their names are short enough, else ports of this machine."""
    import secrets  # noqa: PLC0415 - with its one user
    import socket  # noqa: PLC0415 - the same

    file = here / "kernel.json"
    prefix = str(here / "k")
    ports: dict[str, Any] = {"key": secrets.token_hex(16), "signature_scheme": "hmac-sha256"}
    if hasattr(socket, "AF_UNIX") and os.name == "posix" and len(os.fsencode(prefix)) < _LONGEST_SOCKET:
        ports |= {"transport": "ipc", "ip": prefix}
        ports |= {f"{name}_port": number for number, name in enumerate(_CHANNELS, 1)}
    else:
        ports |= {"transport": "tcp", "ip": "127.0.0.1"}
        with ExitStack() as stack:
            for name in _CHANNELS:
                free = stack.enter_context(socket.socket())
                free.bind(("127.0.0.1", 0))
                ports[f"{name}_port"] = free.getsockname()[1]
    # The key lets whoever reads it run code: for us alone.
    file.touch(0o600)
    file.write_text(json.dumps(ports), encoding="utf-8")
    return ports, file


def _address(ports: Mapping[str, Any], channel: str) -> str:
    between = "-" if ports["transport"] == "ipc" else ":"
    return f"{ports['transport']}://{ports['ip']}{between}{ports[f'{channel}_port']}"
