"""What a text says by the shape of its phrases, which likeness of letters and meaning does not tell: a yes and a no, a wish for a
human, what goes on from the question before. Patterns by language, of texts alone: must not know turns, lessons or the database.
"""
