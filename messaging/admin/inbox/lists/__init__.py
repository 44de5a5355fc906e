"""The left of the inbox: which list an address asks for, what a search finds, filters that are kept, how a row looks."""
