"""Audio backbones: the table of them, their graphs, and the front ends in these."""
