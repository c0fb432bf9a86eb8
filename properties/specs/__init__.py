"""The laws, one a file: read the file names as the table of contents."""
