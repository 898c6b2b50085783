"""Data sets: where examples come from. One file for each kind of --dataset."""
