"""Search over what was said: the index of each engine, questions, what is found, and the words of older messages.

The words of a message stand in its own row (`Message.words`), written with it; the indexes follow from that column.
"""
