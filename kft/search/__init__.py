"""The search of settings: spaces, oracles, trials, results."""
