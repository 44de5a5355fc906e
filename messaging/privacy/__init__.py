"""The export of a person's data, its erasure, and what keeps it from coming back.

The only room that knows every table with a person's data (tables.py). Must not answer callers: commands and views do.
"""
