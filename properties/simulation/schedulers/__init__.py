"""Strategies behind the one seam ``choose(n)``, one a file."""
