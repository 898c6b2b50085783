"""Several devices and processes that train together, and share each batch."""
