"""A run, from its config to the best weights; `fine_tune.py` is its story."""
