"""What `messaging/deliver.py` does with the head of a lane, in its order: due, trying, settling."""
