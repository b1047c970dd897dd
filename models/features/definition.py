"""What exactly the features are, and hashes of it.

What was tuned on data for the features lies in the checkpoint's folder and is part of the
definition, whose hash goes into every checkpoint: what was trained on one definition never meets
features of another. The part of it that is extracted once names the cache.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.checkpoint_files import TUNED
from models.features.crop import ANCHORS
from models.features.expression import EXPRESSION_SIZE
from models.features.face import BLENDSHAPES
from models.features.face_reader import LOOK_SIZE
from models.features.prosody import COLUMNS
from models.features.steps import STEP_SECONDS
from models.features.voice import HIDDEN_RATE, PADDING_SECONDS, SPEECH_THRESHOLD
from models.features.voice_features import VOICE_SIZE
from models.features.voice_history import LARGEST, MEMORY_STEPS, PRIOR_STEPS
from models.features.words import TOKEN_LIMIT, TOKEN_SIZE
from models.voice_memory import HEARD_WELL
from streamer.packets import SAMPLE_RATE, STREAMS, Stream

VERSION = 2

EXTRACTION: dict[Stream, dict[str, Any]] = {
    "text": {
        "model": "all-MiniLM-L6-v2",
        "sha256": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer_sha256": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "normalisation": "lower case, punctuation but apostrophes to spaces",
        "states": "last layer, without [CLS] and [SEP]",
        "tokens": TOKEN_LIMIT,
        "size": TOKEN_SIZE,
    },
    "audio": {
        "model": "whisper tiny.en encoder, int8",
        "sha256": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "sample_rate": SAMPLE_RATE,
        "padding_seconds": PADDING_SECONDS,
        "frame_rate": HIDDEN_RATE,
        "step_seconds": STEP_SECONDS,
        "pooling": "mean",
        "prosody": [*COLUMNS],
        "mask": f"mean voice activity (Silero v6) at least {SPEECH_THRESHOLD}",
        "size": VOICE_SIZE,
    },
    "vision": {
        "model": "mediapipe face landmarker float16/1",
        "sha256": "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        "features": f"{BLENDSHAPES} blendshapes in the model's order, yaw, pitch, roll in radians, "
        f"{EXPRESSION_SIZE} of the expression network on the crop aligned by {sorted(ANCHORS)}, "
        "mean with its mirror image",
        "step_seconds": STEP_SECONDS,
        "pooling": "mean of the frames with a face",
        "size": LOOK_SIZE,
    },
}


EXTRACTED_WITH: tuple[Stream, ...] = ("text", "vision")
"""Streams whose tuned weights the extractor uses; a voice is read after extraction, as that takes
what the session has heard of it before."""

VOICE: dict[str, Any] = {
    "history": f"prior {PRIOR_STEPS:g} steps, memory {MEMORY_STEPS:g}, at most {LARGEST:g} sd, "
    f"heard from evidence {HEARD_WELL} on",
    "features": "states of all heads, normalised prosody",
}
"""What becomes of the voice steps before the network."""


def definition_hash(tuned: Path) -> str:
    """sha256 of the whole definition with the weights in the folder ``tuned``, in hexadecimal.

    Raises OSError where one of them cannot be read.
    """
    extracted = {stream: extraction_hash(stream, tuned) for stream in STREAMS}
    voice = {**VOICE, "tuned": _sha256(tuned / TUNED["audio"])}
    return _hash({"extracted": extracted, "voice": voice})


def extraction_hash(stream: Stream, tuned: Path) -> str:
    """As definition_hash, of what the extractors of one stream give."""
    parts = {"version": VERSION, **EXTRACTION[stream]}
    if stream in EXTRACTED_WITH:
        parts["tuned"] = _sha256(tuned / TUNED[stream])
    return _hash(parts)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _hash(values: Mapping[str, Any]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
