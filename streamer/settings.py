"""Typed settings: defaults from configs/default.yaml, then a file, then the command line."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from streamer.packets import SECOND, Stream
from streamer.scenes import expanded
from streamer.setting_files import Section, checked, parse_settings, read_settings

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FolderPath = Annotated[Path, AfterValidator(lambda path: path.expanduser().resolve())]
"""Absolute, since actors run in another folder."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class SourceSettings(Section):
    file: str | None
    crop: tuple[int, int, int, int] | None
    speed: Literal["real", "max"]
    loop: bool


class MicrophoneSettings(Section):
    device: str


class CameraSettings(Section):
    device: str
    frame_rate: Annotated[float, Field(ge=1, le=60)]
    first_frame_timeout: Seconds


class WindowSettings(Section):
    length: Annotated[float, Field(ge=1, le=10)]
    hop: Annotated[float, Field(ge=0.2, le=1)]
    deadline: Annotated[float, Field(ge=0, le=5)]

    @model_validator(mode="after")
    def _on_the_grid(self) -> "WindowSettings":
        for key, seconds in (("hop", self.hop), ("length", self.length)):
            if round(seconds * 1000) % 100:
                raise ValueError(f"{key} {seconds} must be a multiple of 0.1 s")
        return self

    @property
    def hop_ns(self) -> int:
        return round(self.hop * SECOND)

    @property
    def length_ns(self) -> int:
        return round(self.length * SECOND)


class TranscriberSettings(Section):
    buffer: Annotated[float, Field(ge=2, le=20)]
    speech_threshold: Annotated[float, Field(gt=0, lt=1)]


class AnalyzerSettings(Section):
    checkpoint: str | None
    device: Literal["auto", "cpu", "cuda"]
    reliability_floor: Annotated[float, Field(ge=0, le=1)]


class FeedSettings(Section):
    bind: str
    control: str | None
    keys: FolderPath | None
    encoding: Literal["json", "msgpack"]
    transcripts: bool
    record: str | None
    record_limit: Annotated[int, Field(ge=1, le=1_000_000)]
    record_overwrite: bool


class DashboardSettings(Section):
    enabled: bool
    port: Annotated[int, Field(ge=0, le=65535)]
    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,128}$")] | None
    clients: Annotated[int, Field(ge=1, le=1000)]
    pages: str | None


class AssetSettings(Section):
    folder: str | None
    offline: bool
    whisper: str | None
    face_landmarker: str | None
    minilm: str | None


class RaySettings(Section):
    address: str | None
    readiness_timeout: Seconds
    object_store_mb: Annotated[int, Field(ge=80, le=4096)]


class SupervisionSettings(Section):
    silent: Annotated[float, Field(ge=1, le=60)]
    progress: Annotated[float, Field(ge=1, le=600)]
    memory_mb: Annotated[int, Field(ge=256)]
    restarts: Annotated[int, Field(ge=0, le=100)]
    spare: bool


class RetreatSettings(Section):
    enabled: bool
    climb_after: Annotated[float, Field(ge=1, le=3600)]


class MetricsSettings(Section):
    port: Annotated[int, Field(ge=0, le=65535)] | None


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] | None
    format: Literal["text", "json"]
    file: FolderPath | None
    limit: Annotated[int, Field(ge=1, le=100_000)]

    @property
    def is_for_people(self) -> bool:
        """Whether it is read on the terminal, beside all else that is said there."""
        return self.format == "text" and self.file is None

    @property
    def takes_terminal(self) -> bool:
        """Whether programs read what the terminal would show."""
        return self.format == "json" and self.file is None

    @property
    def effective_level(self) -> str:
        return self.level or ("warning" if self.is_for_people else "info")


class TraceSettings(Section):
    profile: FolderPath | None
    endpoint: str | None
    limit: Annotated[int, Field(ge=1, le=100_000)]

    @property
    def is_wanted(self) -> bool:
        """Whether the actors are to measure what each window takes."""
        return self.profile is not None or self.endpoint is not None


class DamageSettings(Section):
    """One stretch of damage done on purpose, in seconds of the session; without an end it goes on
    to the session's.

    ``kind`` is one of models.degradation's; ``file`` is what noise, babble and second_face mix in.
    ``scene`` names the scene it is a part of: in a file, ``{scene: cafe, start: 19, end: 25}``
    stands for all of them.
    """

    stream: Stream
    kind: str
    severity: Annotated[float, Field(ge=0, le=1)]
    start: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    end: Seconds | None = None
    file: str | None = None
    scene: str | None = None

    def holds(self, captured_at: int) -> bool:
        """Whether the stretch holds the time ``captured_at``, in ns of the session."""
        started = captured_at >= self.start * SECOND
        return started and (self.end is None or captured_at < self.end * SECOND)


class Settings(Section):
    participant: Name
    session: Name | None
    duration: Seconds | None
    source: SourceSettings
    microphone: MicrophoneSettings
    camera: CameraSettings
    window: WindowSettings
    transcriber: TranscriberSettings
    analyzer: AnalyzerSettings
    feed: FeedSettings
    dashboard: DashboardSettings
    assets: AssetSettings
    ray: RaySettings
    supervision: SupervisionSettings
    retreat: RetreatSettings
    metrics: MetricsSettings
    log: LogSettings
    trace: TraceSettings
    damage: tuple[DamageSettings, ...]

    @property
    def paced(self) -> bool:
        """Whether the session runs at the pace of real time."""
        return self.source.file is None or self.source.speed == "real"

    @property
    def retreats(self) -> bool:
        """Whether it analyses less rather than late: only where it has to keep time."""
        return self.paced and self.retreat.enabled


def load_settings(
    file: Path | None = None, options: Mapping[str, Any] | None = None, scene: str | None = None
) -> Settings:
    """Defaults, overridden by the packaged ``scene`` (``demo``), overridden by ``file``,
    overridden by ``options`` (dotted keys; None is skipped).

    Raises SettingError with one line that names the key, the value and what is allowed.
    """
    values: dict[str, Any] = {}
    for name in ("default", scene):
        if name is not None:
            text = resources.files("configs").joinpath(f"{name}.yaml").read_text()
            _merge(values, parse_settings(text, name))
    if file is not None:
        _merge(values, read_settings(file))
    for key, value in (options or {}).items():
        if value is not None:
            _merge(values, _nested(key, value))
    if isinstance(values.get("damage"), list | tuple):
        values["damage"] = expanded(values["damage"])
    return checked(Settings, values)


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value)
        else:
            into[key] = value
