"""What sockets of staff show: the lists of the inbox and the conversations that are open in it, while they change."""
