"""The judge: laws of a durable state machine on SQLite, and what attacks it.

Read `specs/` as the table of contents: one law a file, its sentence in the file's name.
"""
