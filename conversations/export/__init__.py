"""A conversation as a file, to be kept or read elsewhere (CONV-6)."""
