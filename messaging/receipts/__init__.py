"""What is done with one stored webhook: read, applied, settled; and with many at once. In what order: messaging/receive.py."""
