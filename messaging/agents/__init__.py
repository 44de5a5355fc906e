"""People who work together: who has a conversation, what marks it, who is there, and the lists of the inbox."""
