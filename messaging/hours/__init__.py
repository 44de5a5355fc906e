"""People outside our hours, and people who wait too long (TEN-2, CONV-8)."""
