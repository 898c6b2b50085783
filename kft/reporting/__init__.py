"""Pages about finished runs: the report of one, the comparison of several."""
