"""Subjects that are broken, and some that only look it. Imports `subjects`, never the other way."""
