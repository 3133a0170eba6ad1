"""What goes wrong in emission is a bug of ours, and names the cell."""

from __future__ import annotations


class EmissionError(Exception):
    """An internal error: what would be written does not mean what the notebook means."""
