"""The figures of the first page: what is asked for, how it is shown, and the same as CSV (ADM-3).

Must not count anything: messaging/figures does.
"""
