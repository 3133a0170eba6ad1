"""Emission: the files of a package from a plan. Everything is built in memory; ``write`` puts it on disk."""
