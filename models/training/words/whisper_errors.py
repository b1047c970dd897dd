"""What Whisper tiny.en takes words for: the source of ``confusions.tsv``.

Recorded speech with known words is little: RAVDESS' two sentences, GRID's commands, Kennedy's line.
So MOSEI's training sentences, never its validation or test ones, are also read aloud by the speech
synthesiser flite (Debian package ``flite``). Everything is heard in ESC-10's noise through the
decoding that runs live.

    python -m models.training.words.whisper_errors DATA WHISPER OUT.tsv
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from models.features.voice import encode
from models.features.words import spoken
from models.training import corpora
from models.training.views import decode, environmental_noise
from models.transcription import Recognizer
from streamer.errors import SourceError
from streamer.packets import SAMPLE_RATE, Floats

VOICES = ("slt", "rms", "awb")
RAVDESS_WORDS = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}
GRID_WORDS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {},
    {"z": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
    | {"6": "six", "7": "seven", "8": "eight", "9": "nine"},
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
JFK_WORDS = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for "
    "your country"
)
Pair = tuple[str, str]


def confusions(
    data: Path, whisper: Path, *, recorded: int = 120, read: int = 650, seed: int = 7
) -> Counter[Pair]:
    """How often Whisper in ``whisper`` took a word for another, on so many ``recorded`` clips of
    RAVDESS (the other recordings are few) and ``read`` sentences.

    Raises SourceError where a corpus or flite is missing.
    """
    rng = np.random.default_rng(seed)
    noise = environmental_noise(data)
    model = WhisperModel(
        str(whisper), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )
    recognizer = Recognizer(model)
    found: Counter[Pair] = Counter()
    for said, samples in (*_recorded(data, recorded, rng), *_read(data, read, rng)):
        noisy = noise(samples, rng)
        heard = recognizer.hear(encode(model, noisy), len(noisy) / SAMPLE_RATE, 0)
        if heard.words and not heard.failed:
            text = spoken(" ".join(word.text for word in heard.words))
            found.update(swaps(said.split(), text.split()))
    return found


def swaps(said: Sequence[str], heard: Sequence[str]) -> list[Pair]:
    """Pairs of what was ``said`` and ``heard`` in its place, between the words both have.

    A word heard as two is one pair; where counts differ otherwise, nobody knows what became what.

    >>> swaps("it was almost good".split(), "it was all most good".split())
    [('almost', 'all most')]
    """
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, said, heard, autojunk=False)
    for kind, start, end, heard_start, heard_end in matcher.get_opcodes():
        lost, gained = said[start:end], heard[heard_start:heard_end]
        if kind == "replace" and len(lost) == len(gained):
            pairs.extend(zip(lost, gained, strict=True))
        elif kind == "replace" and len(lost) == 1 and len(gained) == 2:
            pairs.append((lost[0], " ".join(gained)))
    return [pair for pair in pairs if all(map(_is_speech, pair))]


def _is_speech(text: str) -> bool:
    """Numbers are written in figures or in words as it happens; a quotation mark is none."""
    return not any(c.isdigit() for c in text) and all(word[0] != "'" for word in text.split())


def write(found: Counter[Pair], file: Path) -> None:
    """The table as tab-separated words and counts, in the order of the alphabet."""
    rows = "".join(f"{word}\t{heard}\t{n}\n" for (word, heard), n in sorted(found.items()))
    file.write_text(f"word\theard\tcount\n{rows}", encoding="utf-8")


def _recorded(data: Path, count: int, rng: np.random.Generator) -> Iterator[tuple[str, Floats]]:
    clips = sorted((data / "speech" / "ravdess").glob("*.opus"))
    if not clips:
        raise SourceError(f"no sound files in {data / 'speech' / 'ravdess'}: RAVDESS belongs there")
    for row in rng.permutation(len(clips))[:count]:
        yield RAVDESS_WORDS[clips[row].stem.split("-")[4]], decode(clips[row])
    for path in sorted((data / "clips").glob("grid_*.mpg")):
        code = path.stem.removeprefix("grid_")
        words = [table.get(letter, letter) for table, letter in zip(GRID_WORDS, code, strict=True)]
        yield " ".join(words), decode(path)
    yield JFK_WORDS, decode(data / "clips" / "jfk.flac")


def _read(data: Path, count: int, rng: np.random.Generator) -> Iterator[tuple[str, Floats]]:
    """MOSEI's training sentences of 6 to 18 words, as flite reads them."""
    if shutil.which("flite") is None:
        raise SourceError("flite: no such program (Debian package flite)")
    sentences = [
        spoken(example.content)
        for example in corpora.texts(data)
        if example.split == "train" and 6 <= len(example.content.split()) <= 18
    ]
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "read.wav"
        for row in rng.permutation(len(sentences))[:count]:
            voice = VOICES[rng.integers(len(VOICES))]
            command = ["flite", "-voice", voice, "-t", sentences[row], "-o", str(sound)]
            subprocess.run(command, check=True)  # noqa: S603
            yield sentences[row], decode(sound)


if __name__ == "__main__":
    data, whisper, out = map(Path, sys.argv[1:])
    write(confusions(data, whisper), out)
