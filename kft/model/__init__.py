"""A network as training uses it: the flat graph, its split, the proof of freezing."""
