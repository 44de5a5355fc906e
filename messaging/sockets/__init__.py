"""What a socket is, of a visitor or of staff: its coming and going, what a frame must be, how it follows a transcript."""
