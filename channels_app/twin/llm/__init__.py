"""The twin's language models: OpenAI's and Anthropic's HTTP, answered by a script, or by obedience.

Must not use the service's code: a mistake made twice would hide itself.
"""
