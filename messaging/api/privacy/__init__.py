"""``/api/v1/privacy``: requests to export and to erase a person, their records, and the file of an export."""
