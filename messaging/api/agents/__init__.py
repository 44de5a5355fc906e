"""REST of what people do together in the inbox."""
