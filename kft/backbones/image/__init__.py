"""Networks for images, as data and as graphs."""
