"""Power loss and sudden death: what a file says after them, compared with what was promised."""
