"""How it was: the question at the end of a conversation, and what people answer (CONV-8)."""
