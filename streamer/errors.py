"""Errors a user can do something about: one line each, with the exit code of the command.

Each takes a single message, so that it survives pickling between Ray processes.
"""


class UserError(Exception):
    """Base of all errors that are shown as one line and never as a traceback."""

    exit_code = 1


class SettingError(UserError):
    """A wrong option or setting: names the key, the value and what is allowed."""

    exit_code = 2


class SourceError(UserError):
    """A device, file or address that cannot be used: names what was found instead."""

    exit_code = 3


class StaleError(SourceError):
    """A feed that is silent: its newest message is older than the reader allows."""


class AssetError(UserError):
    """Model files that are missing, damaged or cannot be fetched."""

    exit_code = 4


class PipelineError(UserError):
    """The running pipeline failed: an actor was not ready in time or died for good."""

    exit_code = 5
