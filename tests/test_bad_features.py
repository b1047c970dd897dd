"""Whatever features, words and packets hold: a value within its range, or one line why not."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoint import load
from models.checkpoint_files import checkpoint_folder, tuned_weights
from models.estimator import Estimator
from models.features.face_reader import LOOK_SIZE
from models.features.voice_features import VOICE_SIZE
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from models.qamoe import QAMoE, QAMoEConfig
from models.voice_memory import VoiceMemory
from streamer.assets import Assets
from streamer.packets import (
    SECOND,
    Estimate,
    Evidence,
    Floats,
    Stream,
    StreamWindow,
    Window,
    Word,
    Words,
)
from streamer.settings import load_settings
from tests.degradation_fixtures import HOP
from tests.training_fixtures import PlainVoice

STEPS = np.random.default_rng(1).standard_normal((20, VOICE_SIZE)).astype(np.float32)
LOOKS = np.random.default_rng(2).standard_normal((20, LOOK_SIZE)).astype(np.float32)
EVERY = np.ones(20, np.bool_)
SURE = Evidence(1.0, None, {"speech_share": 0.7})


def network(sizes: dict[Stream, int]) -> QAMoE:
    torch.manual_seed(0)
    return QAMoE(QAMoEConfig(sizes)).eval()


ODD_STEPS = {
    "not numbers": STEPS * np.float32(np.nan),
    "infinite": STEPS + np.float32(np.inf),
    "a few not numbers": np.where(np.arange(20)[:, None] == 3, np.float32(np.nan), STEPS),
    "a few infinite": np.where(np.arange(20)[:, None] == 3, np.float32(-np.inf), STEPS),
    "huge": np.full_like(STEPS, 1e30),
    "as large as it gets": np.full_like(STEPS, np.finfo(np.float32).max),
    "constant": np.ones_like(STEPS),
    "zeros": np.zeros_like(STEPS),
    "double precision": STEPS.astype(np.float64),
    "empty": STEPS[:0],
    "many": np.tile(STEPS, (100, 1)),
}
NO_STEPS = {
    "too narrow": STEPS[:, :5],
    "too wide": np.tile(STEPS, (1, 2)),
    "flat": STEPS[0],
    "in a batch": STEPS[None],
    "integers": STEPS.astype(np.int64),
    "objects": STEPS.astype(object),
}
odd_steps = pytest.mark.parametrize("steps", ODD_STEPS.values(), ids=ODD_STEPS.keys())
no_steps = pytest.mark.parametrize("steps", NO_STEPS.values(), ids=NO_STEPS.keys())


def window(
    hop: int, audio: Any = None, vision: Any = None, mask: Any = None, said: tuple[Word, ...] = ()
) -> Window:
    streams: dict[Stream, StreamWindow] = {}
    for stream, steps in (("audio", audio), ("vision", vision)):
        if steps is not None:
            flags = np.ones(len(steps), np.bool_) if mask is None else mask
            streams["audio" if stream == "audio" else "vision"] = StreamWindow(steps, flags, SURE)
    end = (hop + 1) * HOP
    heard = Words(hop, said, end, no_speech=0.1, log_probability=-0.3, compression=1.2)
    return Window(hop, max(end - 4 * SECOND, 0), end, 0, said, 0, heard, streams)


@pytest.fixture(scope="module")
def voice() -> VoiceReader:
    return VoiceReader.load(tuned_weights(load_settings(), "audio"))


@odd_steps
def test_an_odd_voice_leaves_what_follows_finite(voice: VoiceReader, steps: Floats) -> None:
    memory = VoiceMemory(voice)
    with np.errstate(all="ignore"):
        for features in (steps, STEPS):
            hop = 7 if features is steps else 20
            assert np.isfinite(memory.read(window(hop, audio=features)).features).all()


@pytest.mark.parametrize("name", ["not numbers", "infinite", "huge", "as large as it gets"])
def test_what_is_no_voice_is_not_remembered(voice: VoiceReader, name: str) -> None:
    memory, fresh = VoiceMemory(voice), VoiceMemory(voice)
    with np.errstate(all="ignore"):
        memory.read(window(7, audio=ODD_STEPS[name]))
    later, afresh = (one.read(window(20, audio=STEPS)) for one in (memory, fresh))
    np.testing.assert_array_equal(later.features, afresh.features)


@no_steps
def test_a_voice_of_another_shape_is_refused(voice: VoiceReader, steps: Any) -> None:
    with pytest.raises(ValueError, match=r"^voice features .*: must be \(steps, 408\) floats"):
        VoiceMemory(voice).read(window(7, audio=steps))


class Nothing:
    """Words that tell nothing."""

    def encode(self, words: list[str]) -> Floats:
        return np.zeros((len(words), 8), np.float32)


def estimator() -> Estimator:
    sizes: dict[Stream, int] = {"text": 8, "audio": VOICE_SIZE, "vision": LOOK_SIZE}
    return Estimator(network(sizes), Nothing(), PlainVoice(VOICE_SIZE), floor=0.0)


def assert_within(estimate: Estimate) -> None:
    for part in estimate.reliability.values():
        assert all(0 <= number <= 1 for number in (part.value, part.model, part.evidence))
    if estimate.value is not None:
        assert estimate.deviation is not None
        assert estimate.classes is not None
        assert -1 <= estimate.value <= 1
        assert 0 < estimate.deviation < 10
        assert sum(estimate.classes) == pytest.approx(1)
    for weights in estimate.routing.values():
        assert all(0 <= weight <= 1 for weight in weights)


@odd_steps
def test_odd_features_are_worth_an_estimate(steps: Floats) -> None:
    with np.errstate(all="ignore"):
        whole = estimator()
        for hop in (7, 20):
            assert_within(whole.estimate(window(hop, steps, steps[:, :LOOK_SIZE])))


@no_steps
def test_features_of_another_shape_are_refused(steps: Any) -> None:
    with pytest.raises(ValueError, match=r"^v(oice|ision) features"):
        estimator().estimate(window(7, vision=steps))


@pytest.mark.parametrize(
    "mask",
    [EVERY[:5], np.tile(EVERY, 2), EVERY[None], EVERY.astype(int), EVERY.astype(np.float32)],
    ids=["short", "long", "in a batch", "integers", "floats"],
)
def test_masks_of_another_shape_are_refused(mask: Any) -> None:
    with pytest.raises(ValueError, match=r"^vision mask"):
        estimator().estimate(window(7, vision=LOOKS, mask=mask))
    with pytest.raises(ValueError, match=r"^voice mask"):
        estimator().estimate(window(7, audio=STEPS, mask=mask))


@given(
    texts=st.lists(st.text(max_size=8), max_size=8),
    probability=st.floats(),
    figures=st.tuples(st.floats(), st.floats(), st.floats()),
)
@settings(max_examples=30)
@pytest.mark.usefixtures("assets")
def test_odd_words_are_worth_an_estimate(
    texts: list[str], probability: float, figures: tuple[float, float, float]
) -> None:
    said = tuple(Word(text, 0, SECOND, probability) for text in texts)
    heard = Words(7, said, 4 * SECOND, *figures)
    whole = window(7, audio=STEPS, said=said)
    with np.errstate(all="ignore"):
        assert_within(
            estimator().estimate(Window(7, 0, whole.end, 0, said, -(10**15), heard, whole.streams))
        )


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "😀" * 99, "a" * 99999, "so " * 9999])
def test_any_text_has_word_features(assets: Assets, text: str) -> None:
    encoder = WordsEncoder(assets.path("minilm-l6"), tuned_weights(load_settings(), "text"))
    states = encoder.encode([text])
    assert states.shape[0] <= 64
    assert np.isfinite(states).all()


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1])
def test_no_evidence_is_beyond_its_range(score: float) -> None:
    with pytest.raises(ValueError, match=r"must be within \[0, 1\]"):
        Evidence(score, None, {})


def forward(features: Any, mask: Any, **more: Any) -> Any:
    with torch.inference_mode():
        return network({"vision": LOOK_SIZE, "text": 8})(
            {"vision": features}, {} if mask is None else {"vision": mask}, **more
        )


SEEN = torch.from_numpy(LOOKS)[None]
FLAGS = torch.ones(1, 20, dtype=torch.bool)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -1.0, 2.0, 0.5])
def test_the_network_keeps_a_wild_reliability_within_its_range(number: float) -> None:
    wild = torch.tensor([number])
    for instead in ({"trust": lambda *_: wild}, {"reliability": {"vision": wild}}):
        found = forward(SEEN, FLAGS, **instead)
        for value in (found.value, found.log_variance, found.class_logits):
            assert torch.isfinite(value).all()
        assert 0 <= found.reliability["vision"].item() <= 1
    trusted = forward(SEEN, FLAGS, reliability={"vision": torch.tensor([number])})
    if not math.isfinite(number):
        assert trusted.reliability["vision"].item() == 0


@pytest.mark.parametrize(
    ("features", "mask", "more", "said"),
    [
        (SEEN[..., :5], FLAGS, {}, r"vision features \(1, 20, 5\): must be \(1, steps, 87\)"),
        (SEEN[0], FLAGS, {}, "vision features"),
        (SEEN, FLAGS[:, :5], {}, r"vision mask .*: must be flags \(1, 20\)"),
        (SEEN, FLAGS.float(), {}, "vision mask"),
        (SEEN, None, {}, "vision mask None"),
        (SEEN, FLAGS, {"reliability": {"vision": torch.ones(3)}}, r"must be \(1,\)"),
        (SEEN, FLAGS, {"reliability": {}}, r"must be \(1,\)"),
    ],
)
def test_the_network_refuses_other_shapes_in_one_line(
    features: Any, mask: Any, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        forward(features, mask, **more)


@pytest.mark.slow
@pytest.mark.parallel
@odd_steps
def test_the_shipped_network_takes_odd_features(steps: Floats) -> None:
    shipped = load(checkpoint_folder(load_settings()), "cpu")
    whole = Estimator(shipped, Nothing(), PlainVoice(shipped.config.sizes["audio"]), 0.0)
    with np.errstate(all="ignore"):
        audio = steps[:, : shipped.config.sizes["audio"]]
        assert_within(whole.estimate(window(7, audio, steps[:, :LOOK_SIZE])))
