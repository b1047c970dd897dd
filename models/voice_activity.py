"""Who speaks when: Silero VAD v6, streaming."""

import numpy as np
from faster_whisper.vad import get_vad_model

from streamer.arrays import as_sound
from streamer.packets import SAMPLE_RATE, Floats

MODEL_STEP = 512
"""Samples that the network judges at once: 32 ms at 16 kHz."""

MODEL_CONTEXT = 64
"""Samples before each step that the network sees as well."""

STEP = SAMPLE_RATE // 50
"""Samples that one returned probability covers: 20 ms, so that every hop holds whole steps."""


class VoiceActivity:
    """Speech probability of a stream that comes in pieces; one instance per stream.

    The network works in steps of 32 ms that do not fit into a hop of 0.1 s times n. So its steps
    run on unbroken over the pieces' borders, and the result is read from them every 20 ms: how the
    stream is cut does not change what comes out.
    """

    def __init__(self) -> None:
        self._session = get_vad_model().session
        self._state = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        self._waiting = np.zeros(MODEL_CONTEXT, np.float32)  # context, then samples not yet judged
        self._latest = np.float32(0)

    def __call__(self, samples: Floats) -> Floats:
        """Speech probability in [0, 1] of each 20 ms of ``samples``, (len(samples) / 320,).

        ``samples`` are 16 kHz, in [-1, 1], NaN where missing (heard as silence), and follow on
        those of the call before. Entry i is the network's answer for the latest 32 ms that were
        complete by the end of the i-th 20 ms.

        Raises ValueError where ``samples`` is not (n,) floats, or no whole number of 20 ms steps.
        """
        samples = as_sound(samples)
        if len(samples) % STEP:
            raise ValueError(f"{len(samples)} samples are not a multiple of {STEP}")
        heard = np.clip(np.nan_to_num(samples, nan=0.0), -1, 1)
        judged_before = len(self._waiting) - MODEL_CONTEXT
        self._waiting = np.concatenate([self._waiting, heard])
        known = np.append(self._latest, self._judge())
        ends = np.arange(STEP, len(samples) + 1, STEP)
        result = known[(judged_before + ends) // MODEL_STEP]
        self._latest = known[-1]
        return result

    def _judge(self) -> Floats:
        """Runs the network over all complete steps that wait, and keeps the rest."""
        steps = (len(self._waiting) - MODEL_CONTEXT) // MODEL_STEP
        if not steps:
            return np.zeros(0, np.float32)
        seen = np.lib.stride_tricks.sliding_window_view(self._waiting, MODEL_CONTEXT + MODEL_STEP)
        probabilities, self._state, self._cell = self._session.run(
            None,
            {
                "input": np.ascontiguousarray(seen[::MODEL_STEP]),
                "h": self._state,
                "c": self._cell,
            },
        )
        self._waiting = self._waiting[steps * MODEL_STEP :]
        return np.asarray(probabilities, np.float32).reshape(-1)
