"""What a conversation keeps in mind: how it begins, what of it events tell, and what of the person outlasts it."""
