"""How much less of something a face shows than it did in the last minute."""

from collections import deque

import numpy as np

from streamer.packets import SECOND

MEMORY = 60 * SECOND
"""Nanoseconds after which a picture is forgotten: damage that lasts becomes what is usual."""

MOST = 1800
"""Pictures that are remembered at most, a minute of 30 a second."""

USUAL = 80.0
"""Percentile of the remembered values that counts as usual. Damage hides in it only when it has
filled four fifths of the memory; a few odd pictures do not raise it."""


class Usual:
    """Remembers a measure of one camera's face of which more is better. What a camera or a face is
    like by itself, such as a soft lens or dark skin, is usual and so no loss."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque(maxlen=MOST)

    def loss(self, value: float, captured_at: int) -> float:
        """The share in [0, 1] of what is usual that ``value``, at least 0, of a picture captured
        at ``captured_at`` ns lacks. Pictures come in the order of their capture."""
        while self._seen and captured_at - self._seen[0][0] > MEMORY:
            self._seen.popleft()
        self._seen.append((captured_at, value))
        usual = float(np.percentile([seen for _, seen in self._seen], USUAL))
        return max(0.0, 1 - value / usual) if usual > 0 else 0.0
