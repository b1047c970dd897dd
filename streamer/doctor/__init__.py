"""``qamoe-stream doctor``: whether this machine can run a session, and what to do where it cannot.

Each file looks at one side of the machine and tells findings; nothing is changed.
"""
