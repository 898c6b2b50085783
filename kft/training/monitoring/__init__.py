"""What a run shows and hears: progress, metrics.jsonl, callbacks, signals."""
