"""The machinery of a command line: flags in, exit code out."""
