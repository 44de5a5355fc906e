"""What integrators and staff do with a conversation or a message beside answering it."""
