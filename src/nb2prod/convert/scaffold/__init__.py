"""Files every package gets as they stand here: they are copied, not generated."""
