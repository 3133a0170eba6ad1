"""How far two floats may be apart and still count as the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

# What is left of the precision of a narrow float after a little arithmetic in another order.
NARROW = {"float32": 1e-5, "complex64": 1e-5, "float16": 1e-2}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two floats may be apart: ``relative`` times the larger one, or ``absolute``.

    The defaults forgive sums taken in another order (parallel linear algebra gives about 1e-13) and
    nothing a person would call another number. Narrow floats (float32) are forgiven what they cannot hold.
    """

    relative: float = 1e-9
    absolute: float = 1e-12

    def __post_init__(self) -> None:
        """Raise ValueError where a tolerance is negative or no number: everything or nothing would be equal."""
        for value in (self.relative, self.absolute):
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"a tolerance is a number from 0 on, not {value}")

    def close(self, left: float, right: float, *, dtype: str = "float64") -> bool:
        """Return whether two floats count as the same; NaN is the same as NaN, an infinity only as itself."""
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        if left == right:
            return True
        if math.isinf(left) or math.isinf(right):
            return False
        relative = max(self.relative, NARROW.get(dtype, 0.0))
        return abs(left - right) <= max(relative * max(abs(left), abs(right)), self.absolute)


DEFAULT = Tolerance()
