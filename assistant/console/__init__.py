"""Pages of the console that are more than a list and a form. Nothing here knows how an answer comes about."""
