"""The tests of the core: real SQLite files, the real libraries, one concept a file."""
