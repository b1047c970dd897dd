"""The voice head: Whisper encoder and prosody to sentiment, its training and its figures."""
