"""A look at a data set before anybody trains on it: what is wrong with it, and where.

Nothing here imports TensorFlow, so that many processes can look at once.
"""
