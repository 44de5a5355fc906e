"""The export of a person's data: the job, what it says of each row, and the file that it makes (PRIV-1)."""
