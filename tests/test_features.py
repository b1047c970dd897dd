from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from faster_whisper import WhisperModel
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoint_files import TUNED
from models.features import definition
from models.features.face import FACE_SIZE, FaceTracker, face_steps, head_pose
from models.features.steps import STEP_SECONDS
from models.features.voice import encode, hidden_states, voice_steps
from models.features.words import TOKEN_LIMIT, TOKEN_SIZE, WordsEncoder, spoken
from models.training.views import decode
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.packets import FACE_MEASURES, SAMPLE_RATE, SECOND, Floats, Image
from tests.media_files import first_pictures


@pytest.fixture(scope="module")
def words(assets: Assets) -> WordsEncoder:
    return WordsEncoder(assets.path("minilm-l6"))


@pytest.fixture(scope="module")
def speech(assets: Assets) -> Floats:
    return decode(assets.file("demo-media", "beckett.wav"))[: 5 * SAMPLE_RATE]


@pytest.fixture(scope="module")
def landmarker(assets: Assets) -> Path:
    return assets.file("face-landmarker", "face_landmarker.task")


@pytest.fixture(scope="module")
def faces(assets: Assets) -> list[Image]:
    return first_pictures(assets.file("demo-media", "single_face.mp4"), 6)


@pytest.mark.parametrize(
    ("text", "as_spoken"),
    [
        ("I DON'T know -- really?", "i don't know really"),
        ("It\N{RIGHT SINGLE QUOTATION MARK}s well-known.", "it's well known"),
        ("snake_case, 3.5 %", "snake case 3 5"),
        (" ... ", ""),
    ],
)
def test_text_is_normalised_as_it_is_heard(text: str, as_spoken: str) -> None:
    assert spoken(text) == as_spoken
    assert spoken(as_spoken) == as_spoken


def test_words_become_token_states_that_ignore_case_and_punctuation(words: WordsEncoder) -> None:
    live = words.encode(["i", "really", "like", "this"])
    written = words.encode_texts(["I really like this!", "", "word " * 100])
    assert live.shape == (4, TOKEN_SIZE)
    np.testing.assert_allclose(live, written[0], atol=1e-4)
    assert written[1].shape == (0, TOKEN_SIZE)
    assert written[2].shape == (TOKEN_LIMIT, TOKEN_SIZE)
    assert words.encode([]).shape == (0, TOKEN_SIZE)


def test_long_text_keeps_its_end(words: WordsEncoder) -> None:
    tail = ["word"] * TOKEN_LIMIT
    np.testing.assert_allclose(words.encode(["hello", *tail]), words.encode(tail), atol=1e-4)


@pytest.mark.parametrize("load", [WordsEncoder, partial(FaceTracker, mode="video")])
def test_missing_model_is_one_line(tmp_path: Path, load: Callable[[Path], object]) -> None:
    with pytest.raises(AssetError, match=str(tmp_path)) as caught:
        load(tmp_path / "none")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parallel
def test_voice_is_the_encoders_output_without_the_padding(assets: Assets, speech: Floats) -> None:
    folder = str(assets.path("whisper-tiny.en"))
    model = WhisperModel(
        folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )
    gap = speech.copy()
    gap[:1000] = np.nan
    hidden = hidden_states(encode(model, gap), len(gap) / SAMPLE_RATE)
    assert hidden.shape == (len(gap) * 50 // SAMPLE_RATE, 384)
    assert np.isfinite(hidden).all()
    silence = np.where(np.isnan(gap), 0, gap).astype(np.float32)
    np.testing.assert_array_equal(hidden, hidden_states(encode(model, silence), 5.0))
    louder = hidden_states(encode(model, np.clip(2 * silence, -1, 1)), 5.0)
    assert np.corrcoef(hidden.ravel(), louder.ravel())[0, 1] > 0.9


@given(
    frames=st.integers(0, 400),
    length=st.sampled_from([1.0, 2.0, 4.0]),
    speaking=st.booleans(),
    rate=st.sampled_from([31.25, 50.0]),
)
@settings(max_examples=50, deadline=None)
def test_voice_steps_end_with_the_samples(
    frames: int, length: float, speaking: bool, rate: float
) -> None:
    hidden = np.repeat(np.arange(frames, dtype=np.float32)[:, None], 3, axis=1)
    speech = np.full(int(frames / 50 * rate), float(speaking), np.float32)
    features, mask = voice_steps(hidden, speech, length)
    steps = round(length / STEP_SECONDS)
    assert features.shape == (steps, 3)
    whole = min(frames // 10, steps) if len(speech) else 0
    assert mask.sum() == (whole if speaking else 0)
    assert (features[: steps - whole] == 0).all()
    if whole:
        assert features[-1, 0] == pytest.approx(np.mean(range(frames - 10, frames)))


def test_only_steps_with_speech_count() -> None:
    speech = np.zeros(200, np.float32)
    speech[100:120] = 0.9
    _, mask = voice_steps(np.ones((200, 4), np.float32), speech, 4.0)
    assert np.flatnonzero(mask).tolist() == [10, 11]


def test_face_is_found_described_and_measured(landmarker: Path, faces: list[Image]) -> None:
    with FaceTracker(landmarker, "video") as tracker:
        first = tracker.track(faces[0], 0)
        repeated = tracker.track(faces[0], 0)  # the same time twice must not stop the landmarker
        empty = tracker.track(np.full((120, 160, 3), 40, np.uint8), 40_000_000)
    assert first.found
    assert first.features.shape == (FACE_SIZE,)
    assert ((first.features[:52] >= 0) & (first.features[:52] <= 1)).all()
    assert np.abs(first.features[52:]).max() < np.pi / 2
    measures = dict(zip(FACE_MEASURES, first.measures.tolist(), strict=True))
    assert 20 < measures["face_size"] <= faces[0].shape[0]
    assert measures["yaw"] == pytest.approx(np.degrees(first.features[52]), abs=1e-3)
    assert measures["unchanged"] == 0
    assert repeated.measures[-1] == 1
    assert not empty.found
    assert (empty.features == 0).all()
    assert dict(zip(FACE_MEASURES, empty.measures, strict=True))["brightness"] == 40


def test_blur_shows_and_the_resolution_does_not(landmarker: Path, faces: list[Image]) -> None:
    sharpness = FACE_MEASURES.index("sharpness")
    with FaceTracker(landmarker, "image") as tracker:
        sharp = tracker.track(faces[0], 0).measures[sharpness]
        blurred = tracker.track(np.asarray(cv2.GaussianBlur(faces[0], (0, 0), 6)), 0)
        larger = tracker.track(np.asarray(cv2.resize(faces[0], None, fx=1.5, fy=1.5)), 0)
    assert blurred.measures[sharpness] < sharp / 2
    assert larger.measures[sharpness] == pytest.approx(sharp, rel=0.5)


@pytest.mark.parametrize("axis", ["yaw", "pitch", "roll"])
@pytest.mark.parametrize("angle", [-0.6, 0.0, 0.4])
def test_head_pose_is_the_angle_of_the_matrix(axis: str, angle: float) -> None:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = {
        "yaw": [[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]],
        "pitch": [[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]],
        "roll": [[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]],
    }[axis]
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = 1.7 * np.array(turn)
    wanted = [angle if name == axis else 0.0 for name in ("yaw", "pitch", "roll")]
    assert head_pose(matrix) == pytest.approx(wanted, abs=1e-5)


def test_face_steps_average_what_was_found_in_each_step() -> None:
    captured_at = np.array([0, 100, 150, 250, 500, 1000, -50]) * (SECOND // 1000)
    features = np.arange(7, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)
    found = np.array([True, True, False, True, True, True, True])
    steps, mask = face_steps(captured_at, features, found, 0, SECOND)
    assert steps.shape == (5, 2)
    assert mask.tolist() == [True, True, True, False, False]
    assert steps[:, 0].tolist() == [0.5, 3, 4, 0, 0]


def test_definition_hash_follows_the_definition_and_the_tuned_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in TUNED.values():
        (tmp_path / name).write_bytes(b"weights")
    before = definition.definition_hash(tmp_path)
    assert before == definition.definition_hash(tmp_path)
    assert len(before) == 64
    face = definition.extraction_hash("vision", tmp_path)
    (tmp_path / TUNED["text"]).write_bytes(b"others")
    assert definition.definition_hash(tmp_path) != before
    assert definition.extraction_hash("vision", tmp_path) == face
    (tmp_path / TUNED["text"]).write_bytes(b"weights")
    (tmp_path / TUNED["audio"]).write_bytes(b"others")
    assert definition.definition_hash(tmp_path) != before
    monkeypatch.setitem(definition.EXTRACTION["vision"], "size", -1)
    assert definition.extraction_hash("vision", tmp_path) != face
