"""Whole commands: a run and all that follows it."""
