"""Settings of the tuning of the word encoder."""

from typing import Annotated

from pydantic import Field

from streamer.setting_files import Count, Positive, Section, Share

Weight = Annotated[float, Field(ge=0)]


class WordsSettings(Section):
    """One run for each of ``seeds``; their weights are averaged where validation says so.

    ``learning_rate`` is the top layer's, each layer below has ``layer_decay`` times that of the one
    above; it rises over the share ``warm_up`` of the steps and falls as a cosine. ``averaging`` is
    the decay per step of the moving average of the weights, which is what is kept. Of the texts
    ``corrupted`` are given a transcriber's errors, at rates up to ``highest_error_rate``.
    ``steps_weight`` weighs the cross-entropy of MOSEI's seven steps of sentiment and
    ``classes_weight`` that of MELD's three classes, beside the squared error of MOSEI's value.
    """

    seeds: Annotated[list[int], Field(min_length=1)]
    epochs: Count
    batch: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Weight
    dropout: Share
    warm_up: Annotated[float, Field(gt=0, lt=1)]
    averaging: Annotated[float, Field(ge=0, lt=1)]
    corrupted: Share
    highest_error_rate: Share
    steps_weight: Weight
    classes_weight: Weight
