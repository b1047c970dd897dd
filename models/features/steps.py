"""The grid that voice and face sequences share."""

STEP_SECONDS = 0.2
"""Length of one step of a voice or face sequence."""


def step_count(seconds: float) -> int:
    """Number of steps in ``seconds``, at least one."""
    return max(1, round(seconds / STEP_SECONDS))
