import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.corruption import add_noise, draw_condition, drop_steps, drop_streams
from models.qamoe import QAMoE, QAMoEConfig
from streamer.packets import STREAMS, Stream

SIZES: dict[Stream, int] = {"text": 24, "audio": 16, "vision": 11}
PATHS = ("representation", "input")


def network(path: str = "input", **changes: int) -> QAMoE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = QAMoE(QAMoEConfig(SIZES, width=32, variance_path=path, **changes))  # type: ignore[arg-type]
    model.train(False)
    return model


def windows(count: int, seed: int = 0) -> tuple[dict[Stream, Tensor], dict[Stream, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    lengths: dict[Stream, int] = {"text": 9, "audio": 20, "vision": 20}
    features = {m: torch.randn(count, lengths[m], SIZES[m], generator=generator) for m in STREAMS}
    masks = {m: torch.rand(count, lengths[m], generator=generator) > 0.3 for m in STREAMS}
    for mask in masks.values():
        mask[:, 0] = True
    return features, masks


@pytest.mark.parametrize("path", PATHS)
@given(seed=st.integers(0, 10_000), scale=st.floats(0, 1e4))
@settings(max_examples=20, deadline=None)
def test_all_figures_stay_in_their_ranges(path: str, seed: int, scale: float) -> None:
    features, masks = windows(4, seed)
    prediction = network(path)({m: scale * x for m, x in features.items()}, masks)
    assert prediction.value.abs().max() <= 1
    assert prediction.log_variance.isfinite().all()
    for stream in STREAMS:
        assert ((prediction.reliability[stream] > 0) & (prediction.reliability[stream] <= 1)).all()
        assert (prediction.variances[stream] > 0).all()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("absent", STREAMS)
@pytest.mark.parametrize("how", ["left out", "masked", "no steps"])
def test_absent_stream_has_no_reliability_and_moves_no_other(
    path: str, absent: Stream, how: str
) -> None:
    model = network(path)
    features, masks = windows(4)
    whole = model(features, masks)
    if how == "left out":
        del features[absent], masks[absent]
    elif how == "masked":
        masks[absent] = torch.zeros_like(masks[absent])
        features[absent] = torch.full_like(features[absent], torch.nan)
    else:
        features[absent], masks[absent] = features[absent][:, :0], masks[absent][:, :0]
    partial = model(features, masks)
    assert (partial.reliability[absent] == 0).all()
    assert (partial.routing[absent] == 0).all()
    for stream in set(STREAMS) - {absent}:
        assert torch.equal(partial.reliability[stream], whole.reliability[stream])
        assert torch.equal(partial.routing[stream], whole.routing[stream])


def test_every_way_of_being_absent_gives_the_same_answer() -> None:
    model = network()
    features, masks = windows(3)
    left_out = model({"text": features["text"]}, {"text": masks["text"]})
    gone = {m: mask & (m == "text") for m, mask in masks.items()}
    torch.testing.assert_close(model(features, gone).value, left_out.value)


def test_masked_steps_have_no_influence() -> None:
    model = network()
    features, masks = windows(3)
    wild = {m: torch.where(masks[m][..., None], x, 1e6) for m, x in features.items()}
    torch.testing.assert_close(model(wild, masks).value, model(features, masks).value)


def test_batch_gives_what_single_windows_give() -> None:
    model = network()
    features, masks = windows(5)
    together = model(features, masks)
    for i in range(5):
        alone = model(
            {m: x[i : i + 1] for m, x in features.items()},
            {m: x[i : i + 1] for m, x in masks.items()},
        )
        torch.testing.assert_close(alone.value[0], together.value[i], atol=1e-5, rtol=1e-4)
        for stream in STREAMS:
            torch.testing.assert_close(
                alone.reliability[stream][0],
                together.reliability[stream][i],
                atol=1e-5,
                rtol=1e-4,
            )


def test_padding_a_text_changes_nothing() -> None:
    model = network()
    features, masks = windows(2)
    padded = model(
        {"text": torch.nn.functional.pad(features["text"], (0, 0, 0, 7))},
        {"text": torch.nn.functional.pad(masks["text"], (0, 7))},
    )
    bare = model({"text": features["text"]}, {"text": masks["text"]})
    torch.testing.assert_close(padded.value, bare.value)
    torch.testing.assert_close(padded.reliability["text"], bare.reliability["text"])


@pytest.mark.parametrize("top_k", [1, 3, 8])
def test_routing_uses_top_k_experts(top_k: int) -> None:
    features, masks = windows(6)
    prediction = network(top_k=top_k)(features, masks)
    for weights in prediction.routing.values():
        assert ((weights > 0).sum(dim=1) == top_k).all()
        assert (weights.sum(dim=1) <= 1 + 1e-6).all()


@pytest.mark.parametrize("path", PATHS)
def test_bfloat16_agrees_with_float32(path: str) -> None:
    model = network(path)
    features, masks = windows(4)
    full = model(features, masks)
    half = model.to(torch.bfloat16)({m: x.bfloat16() for m, x in features.items()}, masks)
    assert half.value.dtype == torch.bfloat16
    torch.testing.assert_close(half.value.float(), full.value, atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("streams", "named"), [((), "must be one or more of text"), (("smell",), "smell")]
)
def test_streams_it_does_not_know_are_refused(streams: tuple[str, ...], named: str) -> None:
    features = {m: torch.zeros(1, 2, 3) for m in streams}
    with pytest.raises(ValueError, match=named):
        network()(features, {m: torch.ones(1, 2, dtype=torch.bool) for m in streams})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"top_k": 9}, "top_k 9"), ({"variance_path": "guess"}, "guess"), ({"sizes": {}}, "sizes")],
)
def test_config_that_cannot_work_is_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        QAMoEConfig(**{"sizes": SIZES, **changes})  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parallel
def test_small_batch_can_be_learnt_by_heart() -> None:
    model = network()
    features, masks = windows(8)
    wanted = torch.linspace(-0.9, 0.9, 8)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(300):
        loss = (model(features, masks).value - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.01


def test_task_does_not_bend_a_variance_that_has_its_own_target() -> None:
    features, masks = windows(4)
    for path in PATHS:
        model = network(path)
        model(features, masks).value.sum().backward()
        gradients = [weight.grad is not None for weight in model.to_variance.parameters()]
        assert all(gradients) if path == "representation" else not any(gradients)


def test_noise_has_the_level_asked_for() -> None:
    generator = torch.Generator().manual_seed(1)
    deviation = torch.tensor([1.0, 10.0])
    noise = add_noise(torch.zeros(400, 20, 2), 0.5, deviation, generator)
    torch.testing.assert_close(noise.std(dim=(0, 1)), 0.5 * deviation, rtol=0.05, atol=0)


@given(rate=st.floats(0, 1), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_drops_only_take_away_and_as_often_as_asked(rate: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(500, 10, dtype=torch.bool)
    steps = drop_steps(mask, rate, generator)
    streams = drop_streams({"audio": mask}, rate, generator)["audio"]
    assert steps.float().mean().item() == pytest.approx(1 - rate, abs=0.05)
    assert streams.any(dim=1).float().mean().item() == pytest.approx(1 - rate, abs=0.1)
    assert (streams.all(dim=1) == streams.any(dim=1)).all()


def test_condition_is_shared_or_per_stream() -> None:
    generator = torch.Generator().manual_seed(3)
    assert len(set(draw_condition(STREAMS, generator, shared=True).noise.values())) == 1
    assert len(set(draw_condition(STREAMS, generator).noise.values())) == 3


shares = st.floats(0, 1, width=32)
exponents = st.floats(-4, 4)


def weight(exponent: float, *trusted: float) -> list[float]:
    model = network()
    with torch.no_grad():
        model.trust_exponents["audio"].fill_(exponent)
        weights: list[float] = model.weight("audio", torch.tensor(trusted)).tolist()
    return weights


@given(exponent=exponents, one=shares, other=shares)
@settings(max_examples=100, deadline=None)
def test_what_an_answer_weighs_rises_with_trust_from_0_to_1(
    exponent: float, one: float, other: float
) -> None:
    none, less, more, full = weight(exponent, 0, *sorted((one, other)), 1)
    assert (none, full) == (0, 1)
    assert 0 <= less <= more <= 1


@given(exponent=exponents, wrong=st.sampled_from([float("nan"), -1.0, -float("inf")]))
@settings(max_examples=20, deadline=None)
def test_what_is_no_trust_weighs_nothing(exponent: float, wrong: float) -> None:
    assert weight(exponent, wrong) == [0]


def test_trust_is_taken_as_it_comes_until_something_else_is_learned() -> None:
    features, masks = windows(4)
    given_trust = {m: torch.full((4,), 0.4) for m in STREAMS}
    trusting = network()(features, masks, trust=lambda stream, _: given_trust[stream])
    told = network()(features, masks, reliability=given_trust)
    torch.testing.assert_close(trusting.value, told.value)


def test_a_trust_of_0_spoils_no_gradient() -> None:
    model = network()
    features, masks = windows(4)
    model(features, masks, trust=lambda _, own: own * 0).value.sum().backward()
    for exponent in model.trust_exponents.values():
        assert exponent.grad is not None
        assert exponent.grad.isfinite()
