import pytest
import torch
from torch import Tensor

from models.qamoe import Prediction
from models.study.routed import FromDistance, Routed
from models.study.variance import DistanceVariance
from models.study.variants import MODELS, Model, build
from models.training.pairing import Sequences
from models.training.spectrum import Batch
from streamer.errors import SettingError
from streamer.packets import STREAMS, Stream
from tests.study_fixtures import SIZES, STEPS

ROUTED = ("paper", "ours", "ours-input", "ours-unranked", "ours-sees-r", "ours-shrinks", "constant",
          "oracle", "oracle-sees-r")  # fmt: skip
Sequence = dict[Stream, Tensor]


def network(name: str) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return build(name, SIZES, 16).eval()


def inputs(count: int = 5) -> tuple[Sequence, Sequence, Sequence]:
    generator = torch.Generator().manual_seed(0)
    features = {m: torch.randn(count, STEPS[m], SIZES[m], generator=generator) for m in STREAMS}
    masks = {m: torch.ones(count, STEPS[m], dtype=torch.bool) for m in STREAMS}
    known = {m: torch.rand(count, generator=generator) for m in STREAMS}
    return features, masks, known


def predicted(name: str) -> Prediction:
    features, masks, known = inputs()
    prediction: Prediction = network(name)(features, masks, known=known)
    return prediction


def halves(masks: Sequence) -> Sequence:
    return {m: mask.any(dim=1) * 0.5 for m, mask in masks.items()}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_answers_and_takes_what_it_has_to_know(name: str) -> None:
    model = network(name)
    model.adapt({m: 3 * torch.randn(50, n) + 7 for m, n in SIZES.items()})
    features, masks, known = inputs()
    prediction = model(features, masks, known=known)
    assert prediction.value.isfinite().all()
    assert model.standardisation("audio").mean.mean().item() == pytest.approx(7, abs=1)


def test_name_of_no_model_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingError, match=r"'best': must be one of .*concat"):
        build("best", SIZES)


def test_variants_of_one_seed_start_from_the_same_weights() -> None:
    paper = dict(network("paper").named_parameters())
    for name in set(ROUTED) - {"paper"}:
        for key, weights in network(name).named_parameters():
            if not key.startswith(("to_variance", "gate", "centres")):
                assert torch.equal(weights, paper[key]), (name, key)


def test_constant_trusts_whatever_is_present() -> None:
    model = network("constant")
    features, masks, known = inputs()
    masks["text"][0] = False
    reliability = model(features, masks, known=known).reliability
    assert reliability["text"].tolist() == [0, 1, 1, 1, 1]
    assert (reliability["audio"] == 1).all()


@pytest.mark.parametrize("name", ["oracle", "oracle-sees-r"])
def test_oracle_uses_the_true_quality_and_cannot_do_without(name: str) -> None:
    features, masks, known = inputs()
    masks["vision"][1] = False
    reliability = network(name)(features, masks, known=known).reliability
    torch.testing.assert_close(reliability["audio"], known["audio"])
    assert reliability["vision"][1] == 0
    with pytest.raises(ValueError, match="known"):
        network(name)(features, masks)


@pytest.mark.parametrize("name", sorted(set(ROUTED) - {"oracle", "oracle-sees-r"}))
def test_only_the_oracle_looks_at_the_true_quality(name: str) -> None:
    features, masks, known = inputs()
    model = network(name)
    torch.testing.assert_close(
        model(features, masks, known=known).value, model(features, masks).value
    )


@pytest.mark.parametrize("name", ROUTED)
def test_reliability_that_is_given_takes_the_place_of_its_own(name: str) -> None:
    features, masks, known = inputs()
    model = network(name)
    assert isinstance(model, Routed)
    given = model(features, masks, reliability=halves(masks), known=known)
    for stream in STREAMS:
        assert (given.reliability[stream] == 0.5).all()
    own = model(features, masks, known=known)
    same = model(features, masks, reliability=own.reliability, known=known)
    torch.testing.assert_close(same.value, own.value)
    assert not torch.equal(given.value, own.value)


@pytest.mark.parametrize(("name", "sees"), [("ours", False), ("ours-sees-r", True)])
def test_reliability_moves_the_choice_of_experts_only_where_routing_sees_it(
    name: str, sees: bool
) -> None:
    features, masks, _ = inputs()
    model = network(name)
    whole = model(features, masks, reliability={m: x * 2 for m, x in halves(masks).items()})
    half = model(features, masks, reliability=halves(masks))
    assert torch.equal(whole.routing["audio"], half.routing["audio"]) is not sees


@pytest.mark.parametrize("top_k", [1, 2, 4, 8])
def test_k_is_the_number_of_experts_chosen(top_k: int) -> None:
    routing = predicted(f"ours-k{top_k}").routing["text"]
    assert ((routing > 0).sum(dim=1) == top_k).all()


def test_distance_grows_with_noise_that_is_small_beside_the_signal() -> None:
    """Ten features of two causes: noise shows off their plane, where there is nothing else."""
    generator = torch.Generator().manual_seed(1)
    causes = torch.randn(400, 2, generator=generator) @ torch.randn(2, 10, generator=generator)
    clean = causes + 0.01 * torch.randn(400, 10, generator=generator)
    clean = (clean - clean.mean(dim=0)) / clean.std(dim=0)
    path = DistanceVariance(10, 16)
    path.set(clean)
    noisy = clean + 0.5 * torch.randn(clean.shape, generator=generator)
    power = ((clean @ path.axes).square().mean(dim=1), (noisy @ path.axes).square().mean(dim=1))
    assert power[1].min() > power[0].quantile(0.99)


def test_distance_path_reads_gaps_and_not_padding() -> None:
    path = DistanceVariance(4, 8)
    steps = torch.randn(1, 6, 4)
    whole = torch.tensor([[True, True, True, True, False, False]])
    bare = path(steps[:, :4] * 1.0, whole[:, :4], steps)
    torch.testing.assert_close(path(steps * whole[..., None], whole, steps), bare)
    gap = torch.tensor([[True, False, True, True, True, False]])
    same = torch.tensor([[True, True, True, True, False, False]])
    level = torch.ones(1, 6, 4)
    with_gap = path(level * gap[..., None], gap, steps)
    assert not torch.equal(with_gap, path(level * same[..., None], same, steps))


def test_single_feature_streams_have_a_distance_too() -> None:
    path = DistanceVariance(1, 8)
    path.set(torch.randn(30, 1))
    assert (
        path(torch.randn(2, 3, 1), torch.ones(2, 3, dtype=torch.bool), torch.empty(0)) > 0
    ).all()


def degraded() -> Batch:
    features, masks, _ = inputs()
    clean = {m: Sequences(x, masks[m]) for m, x in features.items()}
    noise = torch.Generator().manual_seed(2)
    seen = {
        m: Sequences(x + torch.randn(x.shape, generator=noise), masks[m])
        for m, x in features.items()
    }
    targets = torch.linspace(-1, 1, 5)
    return Batch(clean, seen, targets[:, None], targets, torch.arange(5) % 3)


def answer_to(model: Model, batch: Batch) -> Prediction:
    prediction: Prediction = model(
        {m: x.features for m, x in batch.seen.items()}, {m: x.mask for m, x in batch.seen.items()}
    )
    return prediction


@pytest.mark.parametrize(
    "name", ["ours", "ours-input", "ours-unranked", "ours-sees-r", "ours-shrinks"]
)
def test_variance_is_trained_by_its_own_loss_alone(name: str) -> None:
    model = network(name)
    batch = degraded()
    prediction = answer_to(model, batch)
    model.own_loss(prediction, batch).backward()  # type: ignore[no-untyped-call]
    trained = {key.split(".")[0] for key, p in model.named_parameters() if p.grad is not None}
    assert trained == {"to_variance"}
    assert isinstance(model, Routed)
    path = list(model.to_variance.parameters())
    gradients = torch.autograd.grad(
        answer_to(model, batch).value.sum(), path, allow_unused=True, materialize_grads=False
    )
    assert all(gradient is None for gradient in gradients)


@pytest.mark.slow
@pytest.mark.parallel
def test_ranking_asks_for_more_variance_of_the_degraded_view() -> None:
    model = network("ours")
    assert isinstance(model, FromDistance)
    batch = degraded()
    optimiser = torch.optim.Adam(model.to_variance.parameters(), 1e-2)
    for _ in range(60):
        loss = model.own_loss(answer_to(model, batch), batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    clean = Batch(batch.clean, batch.clean, batch.values, batch.targets, batch.labels)
    before, after = answer_to(model, clean), answer_to(model, batch)
    for stream in STREAMS:
        assert (after.reliability[stream] < before.reliability[stream]).all()


def test_no_loss_of_its_own_where_nothing_is_present() -> None:
    batch = degraded()
    nothing = {m: Sequences(x.features, torch.zeros_like(x.mask)) for m, x in batch.seen.items()}
    empty = Batch(batch.clean, nothing, batch.values, batch.targets, batch.labels)
    for name in ("ours", "ours-unranked", "late", "qmf", "pdf"):
        model = network(name)
        assert model.own_loss(answer_to(model, empty), empty).item() == 0
