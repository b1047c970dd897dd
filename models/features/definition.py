"""What exactly the features are, and one hash of it.

The hash goes into every checkpoint and names the cache of extracted features: what was trained on
one definition never meets features of another.
"""

import hashlib
import json
from typing import Any

from models.features.face import BLENDSHAPES, FACE_SIZE
from models.features.steps import STEP_SECONDS
from models.features.voice import HIDDEN_RATE, HIDDEN_SIZE, PADDING_SECONDS, SPEECH_THRESHOLD
from models.features.words import TOKEN_LIMIT, TOKEN_SIZE
from streamer.packets import SAMPLE_RATE, Stream

FEATURE_SIZES: dict[Stream, int] = {
    "text": TOKEN_SIZE,
    "audio": HIDDEN_SIZE,
    "vision": FACE_SIZE,
}
"""Width of each stream's feature sequence."""

DEFINITION: dict[str, Any] = {
    "version": 1,
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
        "mask": f"mean voice activity (Silero v6) at least {SPEECH_THRESHOLD}",
        "size": HIDDEN_SIZE,
    },
    "vision": {
        "model": "mediapipe face landmarker float16/1",
        "sha256": "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        "features": f"{BLENDSHAPES} blendshapes in the model's order, yaw, pitch, roll in radians",
        "step_seconds": STEP_SECONDS,
        "pooling": "mean of the frames with a face",
        "size": FACE_SIZE,
    },
}


def definition_hash() -> str:
    """sha256 of the definition's canonical JSON, in hexadecimal."""
    canonical = json.dumps(DEFINITION, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
