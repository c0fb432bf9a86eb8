"""A finished run as one page: tables and charts in SVG of our own, without a script."""
