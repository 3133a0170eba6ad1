"""One file is one rule: what its page says, computed from an analysis."""
