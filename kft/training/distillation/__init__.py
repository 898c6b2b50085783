"""A teacher: the answers of another network, learned besides the labels."""
