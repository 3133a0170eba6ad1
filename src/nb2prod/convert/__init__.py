"""Conversion: a plan over the analysis, passes over the plan, files from the plan."""
