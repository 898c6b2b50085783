"""The outside of a run: progress, metrics.jsonl, callbacks, signals."""
