"""The outputs of a frozen trunk, computed once."""
