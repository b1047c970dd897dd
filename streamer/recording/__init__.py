"""Recordings: features and messages of a session in a file, never its sound or pictures.

Importing it loads msgspec and NumPy, and nothing that is heavier:

from streamer.recording import Recording
"""

from streamer.recording.reader import Recording

__all__ = ["Recording"]
