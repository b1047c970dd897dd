"""The parts of a checkpoint in the model card: words, voice and face, each on its test data."""

from collections.abc import Iterator, Mapping
from typing import Any

Figures = Mapping[str, Any]

Row = tuple[str, str, str]
"""What was measured, how, and the figure with its interval."""


def part_rows(parts: Figures) -> list[Row]:
    """The rows of the card's table, of the figures that models.training.parts gathers."""
    return [*_words(parts["words"]), *_voice(parts["voice"]), *_face(parts["face"])]


def _words(figures: Figures) -> Iterator[Row]:
    names = {
        "mosei_test": "words: MOSEI, test videos",
        "mosi_all": "words: MOSI, all of it, never trained on",
        "mosei_test_errors_15": "words: MOSEI, test videos, 15 % of the words wrong",
    }
    for key, name in names.items():
        for measure, title in (("pearson", "Pearson"), ("acc2_nonzero", "Acc-2 (non-zero)")):
            yield name, title, _span(figures[key][measure])


def _voice(figures: Figures) -> Iterator[Row]:
    names = {
        "ravdess_unseen_actors": "voice: RAVDESS, unseen actors, 6 folds",
        "leave_one_corpus_out": "voice: each corpus left out of training, mean of the three",
    }
    kinds = {
        "with_history": "balanced accuracy of 3, the session's past known",
        "without_history": "balanced accuracy of 3, each clip a session",
    }
    for key, name in names.items():
        for kind, title in kinds.items():
            yield name, title, _span(figures[key][kind])


def _face(figures: Figures) -> Iterator[Row]:
    clean, damaged = figures["clean"], figures["damaged"]["mean"]
    all_of = "face: FER2013, all test pictures"
    yield all_of, "accuracy of 7", _span(clean["accuracy_7"]["joint_all"])
    yield all_of, "balanced accuracy of 3", _span(clean["balanced_3"]["joint_all"])
    found = f"face: those in which a face is found ({100 * clean['coverage']:.0f} %)"
    yield found, "accuracy of 7", _span(clean["accuracy_7"]["joint_found"])
    yield found, "balanced accuracy of 3", _span(clean["balanced_3"]["joint_found"])
    name = "face: blurred, dark, JPEG, covered, mean"
    yield f"{name}, all", "balanced accuracy of 3", _span(damaged["balanced_3"]["joint_all"])
    share = f"{name}, face found ({100 * damaged['coverage']:.0f} %)"
    yield share, "balanced accuracy of 3", _span(damaged["balanced_3"]["joint_found"])


def _span(figure: Figures) -> str:
    return f"{figure['estimate']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
