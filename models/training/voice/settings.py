"""Settings of the voice head's training."""

from typing import Annotated

from pydantic import Field

from streamer.setting_files import Count, Positive, Section, Share


class VoiceSettings(Section):
    """``draws`` clips, or as many as there are, are trained on in each of ``epochs``, in sessions
    of up to ``longest`` clips; ``smoothing`` is that of the labels. One head comes of each seed.

    The defaults were chosen for corpora, or speakers, that the training had not heard: by what a
    training on one corpus says of another, and on RAVDESS without the speakers to be tested.
    """

    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    epochs: Count = 12
    epochs_of_one_corpus: Count = 36
    draws: Count = 4000
    batch: Annotated[int, Field(ge=2)] = 64
    learning_rate: Positive = 0.002
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    smoothing: Share = 0.1
    longest: Count = 60
