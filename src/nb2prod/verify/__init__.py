"""Proof: observes a notebook's run and its package's run, and compares what both computed."""
