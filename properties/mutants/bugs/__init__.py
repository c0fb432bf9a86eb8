"""Bugs, one file a family: each a small change of the core that some law must catch."""
