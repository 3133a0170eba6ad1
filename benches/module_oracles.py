"""Undefined names of single modules, ours against pyflakes and beniget: two other readings of the same rules."""

from __future__ import annotations


def compare_modules() -> None:
    """Print the comparison."""
