"""What is remembered, and which rules hold."""
