"""Settings that a run chooses by itself: --recipe=auto and --batch_size=auto."""
