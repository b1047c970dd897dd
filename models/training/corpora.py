"""The corpora: what each example is, who is in it, its split, class and sentiment value.

No person, video or picture of one split occurs in another. Emotions are mapped to the classes
negative, neutral, positive and to a value in [-1, 1] that lies near the mean of MOSEI's labels of
that class. Surprise is left out, for it has no sign, and so is EMO-DB's boredom, which is neither
neutral nor clearly negative.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from streamer.errors import SourceError
from streamer.packets import Image

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

EMOTION_VALUES: dict[str, float] = {
    "anger": -0.5,
    "disgust": -0.5,
    "fear": -0.45,
    "sadness": -0.45,
    "neutral": 0.0,
    "calm": 0.0,
    "happiness": 0.45,
}
"""Sentiment value of each acted or posed emotion."""

VOICE_HELD_OUT: dict[str, Split] = {
    **{f"ravdess-{actor:02d}": "valid" for actor in range(17, 21)},
    **{f"ravdess-{actor:02d}": "test" for actor in range(21, 25)},
    **{"nemo-EB0": "valid", "nemo-SM0": "valid", "nemo-MK0": "test", "nemo-MP0": "test"},
    **{"emodb-12": "valid", "emodb-13": "valid", "emodb-15": "test", "emodb-16": "test"},
}
"""Speakers, half of them women, who are kept out of training."""

RAVDESS_EMOTIONS = dict(
    zip("12345678", ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", ""),
        strict=True)
)  # fmt: skip
EMODB_EMOTIONS = {"W": "anger", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness",
                  "N": "neutral"}  # fmt: skip
FER_EMOTIONS = {"angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness",
                "neutral": "neutral", "sad": "sadness"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """One text, voice clip or face. ``value`` is in [-1, 1], ``content`` the text, or the file's
    path, or the row of the picture."""

    corpus: str
    person: str
    split: Split
    value: float
    content: str

    @property
    def label(self) -> int:
        """Class 0 negative, 1 neutral, 2 positive: the value as rounded on MOSEI's scale -3..3."""
        return 1 + int(np.sign(np.trunc(self.value * 3 + np.copysign(0.5, self.value))))


def texts(data: Path) -> list[Example]:
    """CMU-MOSEI's transcripts with its own labels and splits."""
    with _existing(data / "text" / "mosei.csv").open(newline="") as file:
        return [
            Example("mosei", row["video_id"], _split(row["mode"]), float(row["label"]) / 3,
                    row["text"])
            for row in csv.DictReader(file)
        ]  # fmt: skip


def dialogues(data: Path) -> list[Example]:
    """MELD's utterances from a television series, with its own splits and classes as values -1, 0
    and 1; the person is the dialogue, since the same few people speak in all splits."""
    files: dict[Split, str] = {"train": "train", "valid": "dev", "test": "test"}
    values = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
    found = []
    for split, part in files.items():
        path = _existing(data / "text" / "meld" / f"{part}_sent_emo.csv")
        with path.open(newline="", encoding="utf-8") as file:
            found += [
                Example("meld", f"{split}-{row['Dialogue_ID']}", split, values[row["Sentiment"]],
                        row["Utterance"])
                for row in csv.DictReader(file)
            ]  # fmt: skip
    return found


def voices(data: Path) -> list[Example]:
    """RAVDESS, nEMO and EMO-DB; the content is the path of the sound file."""
    folder = data / "speech"
    found = [
        Example(corpus, person, VOICE_HELD_OUT.get(person, "train"), EMOTION_VALUES[emotion],
                str(path))
        for corpus, person, emotion, path in (*_ravdess(folder), *_nemo(folder), *_emodb(folder))
        if emotion in EMOTION_VALUES
    ]  # fmt: skip
    if not found:
        raise SourceError(f"no sound files in {folder}: the corpora's opus files belong there")
    return found


def faces(data: Path) -> list[Example]:
    """FER2013; the content is the row in ``face_pictures``. Its persons are unknown."""
    names = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
    with np.load(_existing(data / "faces" / "fer2013.npz"), allow_pickle=False) as archive:
        emotions = [FER_EMOTIONS.get(str(name)) for name in archive["classes"]]
        rows = zip(archive["y"].tolist(), archive["split"].tolist(), strict=True)
        return [
            Example("fer2013", "", _split(names[split]), EMOTION_VALUES[emotion], str(row))
            for row, (label, split) in enumerate(rows)
            if (emotion := emotions[label]) is not None
        ]


def face_pictures(data: Path) -> Image:
    """FER2013's pictures, (n, 48, 48), gray."""
    with np.load(_existing(data / "faces" / "fer2013.npz"), allow_pickle=False) as archive:
        return np.asarray(archive["x"], np.uint8)


def _ravdess(folder: Path) -> Iterator[tuple[str, str, str, Path]]:
    for path in sorted((folder / "ravdess").glob("*.opus")):
        fields = path.stem.split("-")
        yield "ravdess", f"ravdess-{fields[6]}", RAVDESS_EMOTIONS[fields[2][1]], path


def _nemo(folder: Path) -> Iterator[tuple[str, str, str, Path]]:
    for path in sorted((folder / "nemo").glob("*.opus")):
        speaker, emotion, _ = path.stem.split("_")
        yield "nemo", f"nemo-{speaker}", emotion, path


def _emodb(folder: Path) -> Iterator[tuple[str, str, str, Path]]:
    for path in sorted((folder / "emodb").glob("*.opus")):
        yield "emodb", f"emodb-{path.stem[:2]}", EMODB_EMOTIONS.get(path.stem[5], ""), path


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SourceError(f"training data {path}: there is no such file")
    return path


def _split(name: str) -> Split:
    if name not in SPLITS:
        raise SourceError(f"split {name!r}: must be one of {', '.join(SPLITS)}")
    return name
