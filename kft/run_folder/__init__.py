"""The folder of a run: its paths, its lock, whole-or-absent files, the saved config
and result."""
