"""What stands in a notebook on account of a ``%run`` that was followed; see ``convert/included.py``."""

from __future__ import annotations

from nb2prod.records import NamedTuple


class Included(NamedTuple):
    """Why a cell stands in a notebook whose file does not have it: a ``%run`` was followed.

    cell, statement  the notebook's own cell with the ``%run``, and the number of that statement there, from 1;
                     for the rest of such a cell the number of the statement before it
    file    the file it is a cell of, as it is named there; empty for the rest of the notebook's own cell
    number  its number in that file; 0 in a script
    closes  the index of the cell at whose end the kernel closes the figures it leaves open
    """

    cell: int
    statement: int
    file: str
    number: int
    closes: int


class Run(NamedTuple):
    """A ``%run`` in a cell of the notebook, or in one that it includes.

    cell, line  where it stands
    file        the file it names; empty where that cannot be told
    problem     why it is not followed, and what to change; both empty where it is
    digest      of the file's content, where it is followed
    """

    cell: int
    line: int
    file: str
    problem: tuple[str, str] = ("", "")
    digest: str = ""
