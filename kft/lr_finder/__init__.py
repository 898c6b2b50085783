"""A learning rate range test of each stage."""
