"""A finished run, loaded and measured, on its own examples or on others."""
