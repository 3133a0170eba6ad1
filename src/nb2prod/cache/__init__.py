"""What was found in notebooks, kept from run to run until the notebook or anything it depends on changes."""
