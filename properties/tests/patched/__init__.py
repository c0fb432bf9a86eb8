"""Libraries with one thing broken, for the laws about what is assumed of them."""
