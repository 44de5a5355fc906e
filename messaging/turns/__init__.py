"""What `messaging/respond.py` does with one turn, in its order: asking, thinking, settling."""
