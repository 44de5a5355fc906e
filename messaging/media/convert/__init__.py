"""Files turned into another form by ffmpeg and the HEIF library, each in a child process with limits of its own.

What a stranger has sent is decoded by large libraries in C here: a fault in one of them must cost a child, not a worker.
"""
