"""What is done with one message that arrives: its conversation, its row, its turn. In what order: messaging/accept.py."""
