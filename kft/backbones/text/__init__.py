"""Networks for text, as data and as graphs."""
