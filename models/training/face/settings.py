"""Settings of the expression network's training."""

from typing import Annotated

from pydantic import Field

from streamer.setting_files import Count, Positive, Section

Share = Annotated[float, Field(ge=0, lt=1)]


class Stage(Section):
    """``epochs`` with crops of ``side`` pixels: small ones first, as they cost less and a network
    learns most of what it knows from them."""

    side: Annotated[int, Field(ge=16, le=48, multiple_of=8)]
    epochs: Count


class FaceSettings(Section):
    """One training. The learning rate rises to its peak in ``warm_up`` epochs, then falls as a half
    cosine of ``horizon`` epochs in all, and besides to nothing in the last ``cool_down`` epochs.
    ``average`` is the share of the running average of the weights that is kept at each step."""

    seed: int = 1
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = (
        Stage(side=32, epochs=20),
        Stage(side=40, epochs=28),
        Stage(side=48, epochs=8),
    )
    batch: Annotated[int, Field(ge=2)] = 128
    learning_rate: Positive = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    warm_up: Positive = 4
    horizon: Positive = 58
    cool_down: Positive = 8
    label_smoothing: Share = 0.1
    average: Share = 0.998

    @property
    def sides(self) -> tuple[int, ...]:
        """Pixels of the crops in each epoch."""
        return tuple(stage.side for stage in self.stages for _ in range(stage.epochs))
