"""Fixing: fixes of findings applied to the text of the file, everything else left byte for byte."""
