"""What can go wrong for a user, each with an exit code. Anything else is a bug of ours."""

from __future__ import annotations


class Nb2ProdError(Exception):
    """An error the user can act on: one sentence, the cell shown, a next step.

    exit_code follows the command-line contract: 1 refused, 2 usage or configuration.
    """

    exit_code = 2


class UnreadableNotebookError(Nb2ProdError):
    """A file is no notebook we can read: not JSON, not nbformat, not a file, not permitted."""


class ConfigurationError(Nb2ProdError):
    """A setting, a rule page or a library table is wrong."""


class UsageError(Nb2ProdError):
    """Options that do not go together."""


class RefusedError(Nb2ProdError):
    """A conversion was refused; ``reasons`` holds every refusal, each naming its cell."""

    exit_code = 1

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons
