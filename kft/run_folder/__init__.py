"""The folder of a run: its paths and lock, and files that are whole or absent."""
