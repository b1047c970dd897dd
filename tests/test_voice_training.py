from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint_files import SHIPPED, TUNED
from models.features.voice import HIDDEN_SIZE, encode, hidden_states
from models.features.voice_features import VOICE_SIZE, voice_features
from models.features.voice_head import (
    HeadConfig,
    VoiceHead,
    VoiceHeads,
    load_heads,
    save_heads,
)
from models.features.voice_history import (
    MEMORY_STEPS,
    PRIOR_STEPS,
    VoiceHistory,
    VoicePrior,
)
from models.training import views
from models.training.corpora import EMOTION_VALUES, Example, voices
from models.training.voice.figures import Answers, summary
from models.training.voice.fit import fit_heads, predict, sampling_weights
from models.training.voice.material import STEPS, VoiceMaterial
from models.training.voice.sessions import draw_sessions, heard_clips, voice_prior
from models.training.voice.settings import VoiceSettings
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.packets import SAMPLE_RATE

SHORT = VoiceSettings(seeds=(0,), epochs=2, draws=64, batch=16)
ACTED = {"05": "anger", "04": "sadness", "01": "neutral", "03": "happiness"}
CLIPS = 16
"""Of each of four speakers."""


def material(seed: int = 0) -> VoiceMaterial:
    """Four speakers with voices of their own, two views, and emotions that move some features."""
    rng = np.random.default_rng(seed)
    examples, offsets = [], []
    directions = dict(zip(ACTED.values(), rng.normal(size=(4, VOICE_SIZE)), strict=True))
    for speaker in range(1, 5):
        voice = 3 * rng.normal(size=VOICE_SIZE)
        for clip in range(CLIPS):
            code = list(ACTED)[clip % 4]
            path = f"03-01-{code}-01-01-01-{speaker:02d}.opus"
            examples.append(
                Example("ravdess", f"ravdess-{speaker:02d}", "train", EMOTION_VALUES[ACTED[code]],
                        path)
            )  # fmt: skip
            offsets.append(voice + 0.5 * directions[ACTED[code]])
    noise = rng.normal(size=(2, len(examples), STEPS, VOICE_SIZE))
    steps = (np.array(offsets)[None, :, None] + noise).astype(np.float32)
    mask = rng.random((2, len(examples), STEPS)) < 0.7
    return VoiceMaterial(
        examples,
        steps[..., :HIDDEN_SIZE].astype(np.float16),
        steps[..., HIDDEN_SIZE:],
        mask,
    )


@pytest.mark.slow
@pytest.mark.parallel
def test_a_session_starts_at_the_prior_and_comes_to_the_speakers_own_statistics() -> None:
    rng = np.random.default_rng(0)
    prior = VoicePrior(np.zeros(VOICE_SIZE, np.float32), np.ones(VOICE_SIZE, np.float32))
    history = VoiceHistory(prior)
    steps = rng.normal(5, 2, size=(2000, VOICE_SIZE)).astype(np.float32)
    assert history.normalise(steps) == pytest.approx(np.clip(steps, -6, 6))
    speech = rng.random(2000) < 0.8
    steps[~speech] = 1e6  # what is no speech has no influence
    for piece in np.array_split(np.arange(2000), 37):
        history.hear(steps[piece], speech[piece])
    spoken = history.normalise(steps[speech])
    assert history.steps_heard == speech.sum()
    assert np.abs(spoken.mean(axis=0)).max() < 0.25
    assert np.abs(spoken.std(axis=0) - 1).max() < 0.25


def test_half_of_the_weight_is_the_priors_after_as_many_steps() -> None:
    prior = VoicePrior(np.zeros(VOICE_SIZE, np.float32), np.ones(VOICE_SIZE, np.float32))
    history = VoiceHistory(prior)
    fours = np.full((int(PRIOR_STEPS), VOICE_SIZE), 4, np.float32)
    history.hear(fours, np.ones(len(fours), np.bool_))
    # Mean 2; mean square (1 + 16) / 2, so variance 4.5.
    assert history.normalise(fours[:1]) == pytest.approx(2 / np.sqrt(4.5), rel=1e-5)


def test_what_was_heard_long_ago_fades() -> None:
    prior = VoicePrior(np.zeros(VOICE_SIZE, np.float32), np.ones(VOICE_SIZE, np.float32))
    history = VoiceHistory(prior)
    for value in (3.0, -3.0):
        steps = np.full((int(4 * MEMORY_STEPS), VOICE_SIZE), value, np.float32)
        for piece in np.array_split(steps, 400):
            history.hear(piece, np.ones(len(piece), np.bool_))
    assert history.steps_heard == pytest.approx(MEMORY_STEPS)
    assert abs(history.normalise(steps[:1])).max() < 0.5


def test_training_normalises_clips_as_a_live_session_does() -> None:
    data = material()
    heard = heard_clips(data)
    rows = np.arange(CLIPS)  # one speaker
    prior = voice_prior(data, heard, np.arange(len(data.examples)))
    sessions = draw_sessions(data, heard, prior, rows, np.random.default_rng(3), 100, view=1)
    order = np.random.default_rng(3).permutation(rows)
    history = VoiceHistory(prior)
    for clip in order:
        steps = data.steps(1, np.array([clip]))[0]
        trained = np.clip((steps - sessions.mean[clip]) / sessions.deviation[clip], -6, 6)
        assert history.normalise(steps) == pytest.approx(trained, abs=2e-3)
        history.hear(steps, data.mask[1, clip])


def test_sessions_of_one_clip_have_no_history() -> None:
    data = material()
    heard = heard_clips(data)
    rows = np.arange(len(data.examples))
    prior = voice_prior(data, heard, rows)
    sessions = draw_sessions(data, heard, prior, rows, np.random.default_rng(0), 1, view=0)
    assert sessions.mean == pytest.approx(np.tile(prior.mean, (len(rows), 1)), abs=1e-5)


def test_every_class_is_drawn_as_often() -> None:
    data = material()
    weights = sampling_weights(data, np.arange(len(data.examples)))
    for label in range(3):
        assert weights[data.labels == label].sum() == pytest.approx(1 / 3)


def test_the_same_seed_gives_the_same_head() -> None:
    data = material()
    heard = heard_clips(data)
    rows = np.arange(len(data.examples))
    first, second = (fit_heads(data, heard, rows, SHORT)[0].state_dict() for _ in range(2))
    other = fit_heads(data, heard, rows, SHORT.model_copy(update={"seeds": (1,)}))[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    data = material()
    heard = heard_clips(data)
    rows = np.arange(len(data.examples))
    epochs: list[int] = []

    def interrupt() -> None:
        epochs.append(len(epochs))
        if len(epochs) == 2:
            raise KeyboardInterrupt

    longer = SHORT.model_copy(update={"epochs": 4})
    whole = fit_heads(data, heard, rows, longer)[0].state_dict()
    with pytest.raises(KeyboardInterrupt):
        fit_heads(data, heard, rows, longer, tmp_path, interrupt)
    resumed = fit_heads(data, heard, rows, longer, tmp_path, lambda: epochs.append(9))[0]
    assert epochs == [0, 1, 9, 9]
    assert all(torch.equal(whole[name], weights) for name, weights in resumed.state_dict().items())


def test_a_head_learns_emotions_and_tells_them_of_a_speaker_it_never_heard() -> None:
    data = material()
    heard = heard_clips(data)
    train, test = np.arange(3 * CLIPS), np.arange(3 * CLIPS, 4 * CLIPS)
    longer = SHORT.model_copy(update={"epochs": 12, "draws": 200})
    heads, prior = fit_heads(data, heard, train, longer)
    sessions = draw_sessions(data, heard, prior, test, np.random.default_rng(0), 100, view=0)
    answers = predict(data, heads, test, sessions)
    assert answers.shape == (CLIPS, 3)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (answers.argmax(axis=1) == data.labels[test])[4:].mean() > 0.8


def test_what_is_not_speech_has_no_influence_on_the_head() -> None:
    head = VoiceHead(HeadConfig()).train(False)
    steps = torch.randn(2, STEPS, VOICE_SIZE, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(2, STEPS, dtype=torch.bool)
    mask[:, 5:9] = True
    changed = torch.where(mask[..., None], steps, torch.full_like(steps, 5))
    assert torch.allclose(head(steps, mask), head(changed, mask), atol=1e-5)
    assert torch.isfinite(head(steps, torch.zeros_like(mask))).all()


def test_heads_come_back_from_their_file(tmp_path: Path) -> None:
    heads = VoiceHeads([VoiceHead(HeadConfig(width=8, dropout=0.25)) for _ in range(2)])
    prior = VoicePrior(np.arange(VOICE_SIZE, dtype=np.float32), np.ones(VOICE_SIZE, np.float32))
    save_heads(tmp_path / "voice.safetensors", heads, prior)
    loaded, its_prior = load_heads(tmp_path / "voice.safetensors")
    assert np.array_equal(its_prior.mean, prior.mean)
    assert loaded.config == heads.config
    steps, mask = torch.randn(3, STEPS, VOICE_SIZE), torch.ones(3, STEPS, dtype=torch.bool)
    assert torch.equal(loaded(steps, mask), heads.train(False)(steps, mask))


@pytest.mark.parametrize("content", [None, b"", b"no safetensors"])
def test_a_missing_or_broken_file_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "voice.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AssetError, match="voice head") as error:
        load_heads(file)
    assert "\n" not in str(error.value)


def test_an_interval_is_over_speakers() -> None:
    data = material()
    rows = np.arange(len(data.examples))
    always_right = Answers(rows, data.labels, np.zeros_like(rows))
    found = summary(data, [always_right], "with_history")
    assert (found["estimate"], found["low"], found["high"]) == (1, 1, 1)
    poor = data.labels.copy()
    poor[:CLIPS] = 0  # one speaker is not understood
    found = summary(data, [Answers(rows, poor, poor)], "with_history")
    assert found["low"] < found["estimate"] < found["high"]
    assert found["confusion"][1][0] == (data.labels[:CLIPS] == 1).sum()


@pytest.mark.slow
@pytest.mark.parallel
def test_the_shipped_head_understands_an_actor_it_never_heard(
    assets: Assets, data_folder: Path
) -> None:
    """From the sound file on, as a live session computes it: chance is a third."""
    from faster_whisper import WhisperModel

    whisper = WhisperModel(
        str(assets.path("whisper-tiny.en")), device="cpu", compute_type="int8", cpu_threads=1
    )
    heads, prior = load_heads(SHIPPED / TUNED["audio"])
    examples = [example for example in voices(data_folder) if example.person == "ravdess-22"]
    history = VoiceHistory(prior)
    confusion = np.zeros((3, 3), np.int64)
    for row in np.random.default_rng(0).permutation(len(examples)):
        samples = views.decode(Path(examples[row].content))
        hidden = hidden_states(encode(whisper, samples), len(samples) / SAMPLE_RATE)
        steps, speech = voice_features(
            hidden, samples, VoiceActivity()(samples), views.CLIP_SECONDS
        )
        inputs = torch.from_numpy(history.normalise(steps))[None]
        answer = heads(inputs, torch.from_numpy(speech)[None])
        confusion[examples[row].label, int(answer.argmax())] += 1
        history.hear(steps, speech)
    assert (confusion.diagonal() / confusion.sum(axis=1)).mean() > 0.65
