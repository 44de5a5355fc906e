"""What moves: accept, respond, deliver, publish."""
