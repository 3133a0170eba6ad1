"""Modules of a generated package's ``tests`` folder, copied as they are."""
