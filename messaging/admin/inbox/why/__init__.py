"""The page on one answer: how it came about, and what others would have said."""
