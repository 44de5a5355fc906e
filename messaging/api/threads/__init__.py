"""``/api/v1/threads``: threads between people about a learner, as source document 004 names them (API-3).

Every view obeys the learners of a token. Must not decide what a role may do: messaging/threads does.
"""
