import pytest
import torch
from torch import Tensor

from models.study.controls import (
    Concatenation,
    ConfidenceFusion,
    Control,
    CrossmodalTransformer,
    EnergyFusion,
    LateFusion,
)
from models.study.controls.late import LatePrediction
from models.training.losses import task_loss
from models.training.spectrum import Batch
from streamer.packets import STREAMS, Stream
from tests.study_fixtures import SIZES, STEPS

CONTROLS = (Concatenation, LateFusion, CrossmodalTransformer, EnergyFusion, ConfidenceFusion)
WEIGHTED = (LateFusion, EnergyFusion, ConfidenceFusion)
Inputs = tuple[dict[Stream, Tensor], dict[Stream, Tensor]]


def control(kind: type[Control], sizes: dict[Stream, int] = SIZES) -> Control:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return kind(sizes, 16).eval()


def inputs(count: int = 6, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    features = {m: torch.randn(count, STEPS[m], SIZES[m], generator=generator) for m in STREAMS}
    masks = {m: torch.rand(count, STEPS[m], generator=generator) > 0.3 for m in STREAMS}
    for mask in masks.values():
        mask[:, 0] = True
    return features, masks


def labelled(count: int = 6) -> Batch:
    targets = torch.linspace(-1, 1, count)
    return Batch({}, {}, targets[:, None], targets, torch.arange(count) % 3)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("kind", CONTROLS)
def test_answers_have_their_shapes_and_ranges(kind: type[Control]) -> None:
    prediction = control(kind)(*inputs())
    assert prediction.value.shape == (6,)
    assert prediction.value.abs().max() <= 1
    assert prediction.log_variance.shape == (6,)
    assert prediction.class_logits.shape == (6, 3)
    for stream in STREAMS:
        assert prediction.reliability[stream].shape == (6,)
        assert (prediction.reliability[stream] >= 0).all()
        assert (prediction.reliability[stream] <= 1).all()


@pytest.mark.parametrize("kind", CONTROLS)
@pytest.mark.parametrize("absent", STREAMS)
@pytest.mark.parametrize("how", ["masked", "not a number", "no steps"])
def test_every_way_of_being_absent_is_the_same(
    kind: type[Control], absent: Stream, how: str
) -> None:
    model = control(kind)
    features, masks = inputs()
    rest = {m: x for m, x in features.items() if m != absent}
    left_out = model(rest, {m: masks[m] for m in rest})
    masks[absent] = torch.zeros_like(masks[absent])
    if how == "not a number":
        features[absent] = torch.full_like(features[absent], torch.nan)
    elif how == "no steps":
        features[absent], masks[absent] = features[absent][:, :0], masks[absent][:, :0]
    gone = model(features, masks)
    torch.testing.assert_close(gone.value, left_out.value)
    torch.testing.assert_close(gone.class_logits, left_out.class_logits)
    assert (gone.reliability[absent] == 0).all()


@pytest.mark.parametrize("kind", CONTROLS)
def test_masked_steps_have_no_influence(kind: type[Control]) -> None:
    model = control(kind)
    features, masks = inputs()
    wild = {m: torch.where(masks[m][..., None], x, 1e6) for m, x in features.items()}
    torch.testing.assert_close(model(wild, masks).value, model(features, masks).value)


@pytest.mark.parametrize("kind", CONTROLS)
def test_nothing_at_all_gives_one_finite_answer(kind: type[Control]) -> None:
    features, masks = inputs()
    prediction = control(kind)(features, {m: torch.zeros_like(mask) for m, mask in masks.items()})
    assert prediction.value.isfinite().all()
    assert prediction.value.unique().numel() == 1


@pytest.mark.parametrize("kind", CONTROLS)
def test_one_sample_gets_what_it_gets_in_a_batch(kind: type[Control]) -> None:
    model = control(kind)
    features, masks = inputs()
    whole = model(features, masks)
    alone = model({m: x[2:3] for m, x in features.items()}, {m: x[2:3] for m, x in masks.items()})
    torch.testing.assert_close(alone.value[0], whole.value[2])


@pytest.mark.parametrize("kind", CONTROLS)
@pytest.mark.parametrize("streams", [("audio",), ("audio", "vision")])
def test_any_set_of_streams_and_single_vectors(
    kind: type[Control], streams: tuple[Stream, ...]
) -> None:
    model = control(kind, {m: SIZES[m] for m in streams})
    features = {m: torch.randn(4, 1, SIZES[m]) for m in streams}
    masks = {m: torch.ones(4, 1, dtype=torch.bool) for m in streams}
    assert model(features, masks).value.isfinite().all()


@pytest.mark.parametrize("kind", CONTROLS)
def test_all_weights_but_unused_paths_are_trained(kind: type[Control]) -> None:
    model = control(kind).train()
    features, masks = inputs()
    masks["text"][0] = masks["audio"][0] = masks["vision"][0] = False
    prediction = model(features, masks)
    loss = task_loss(prediction, labelled()) + model.own_loss(prediction, labelled())
    loss.backward()  # type: ignore[no-untyped-call]
    without = [name for name, weights in model.named_parameters() if weights.grad is None]
    assert without == []


@pytest.mark.parametrize("kind", WEIGHTED)
def test_late_fusion_lies_between_the_streams_own_answers(kind: type[Control]) -> None:
    prediction = control(kind)(*inputs())
    assert isinstance(prediction, LatePrediction)
    alone = prediction.alone.value
    assert (prediction.value >= alone.amin(dim=1) - 1e-6).all()
    assert (prediction.value <= alone.amax(dim=1) + 1e-6).all()


@pytest.mark.parametrize("kind", WEIGHTED)
def test_a_stream_that_is_left_alone_speaks_for_itself(kind: type[Control]) -> None:
    features, masks = inputs()
    for stream in ("text", "vision"):
        masks[stream] = torch.zeros_like(masks[stream])
    prediction = control(kind)(features, masks)
    assert isinstance(prediction, LatePrediction)
    torch.testing.assert_close(prediction.value, prediction.alone.value[:, 1])


def test_plain_late_fusion_is_the_mean_of_what_is_present() -> None:
    features, masks = inputs()
    masks["text"] = torch.zeros_like(masks["text"])
    prediction = control(LateFusion)(features, masks)
    assert isinstance(prediction, LatePrediction)
    torch.testing.assert_close(prediction.value, prediction.alone.value[:, 1:].mean(dim=1))


@pytest.mark.parametrize("kind", [EnergyFusion, ConfidenceFusion])
def test_weights_take_no_gradient_from_the_fused_answer(kind: type[Control]) -> None:
    prediction = control(kind)(*inputs())
    assert isinstance(prediction, LatePrediction)
    (gradient,) = torch.autograd.grad(
        prediction.value.sum(), prediction.confidence, allow_unused=True
    )
    assert gradient is None


def test_qmf_ranking_wants_more_energy_where_the_stream_is_right() -> None:
    model = control(EnergyFusion)
    prediction = model(*inputs(2))
    assert isinstance(prediction, LatePrediction)
    batch = labelled(2)
    right = prediction.alone.class_logits.softmax(dim=2)[torch.arange(2), :, batch.labels]
    (gradient,) = torch.autograd.grad(model.own_loss(prediction, batch), prediction.confidence)
    rises = right[0] > right[1]
    assert ((gradient[0] <= 0) == rises).all()


@pytest.mark.slow
@pytest.mark.parallel
def test_pdf_learns_to_foretell_the_true_class_probability() -> None:
    model = control(ConfidenceFusion)
    features, masks = inputs(32)
    batch = labelled(32)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(150):
        prediction = model(features, masks)
        loss = task_loss(prediction, batch) + model.own_loss(prediction, batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert isinstance(prediction, LatePrediction)
    right = prediction.alone.class_logits.softmax(dim=2)[torch.arange(32), :, batch.labels]
    assert (prediction.confidence - right).abs().mean() < 0.15


def test_streams_that_are_not_there_are_not_attended_to() -> None:
    model = control(CrossmodalTransformer)
    features, masks = inputs()
    masks["audio"] = torch.zeros_like(masks["audio"])
    before = model(features, masks).value
    features["audio"] = features["audio"] + 10
    torch.testing.assert_close(model(features, masks).value, before)
