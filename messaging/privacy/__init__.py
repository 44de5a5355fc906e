"""The erasure of a person's data, and what keeps it from coming back.

The only room that knows every table with a person's data (tables.py). Must not answer callers: commands and views do.
"""
