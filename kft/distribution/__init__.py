"""Several devices and processes that train together: who they are, how they meet,
how they share a batch."""
