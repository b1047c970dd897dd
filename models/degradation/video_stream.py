"""Damage to one camera's pictures, in stretches of session time."""

from collections.abc import Sequence

import numpy as np

from models.degradation.effect import Box, Recipe, Sight
from models.degradation.faces import face_box
from models.degradation.losses import independent
from models.degradation.table import HIDING, MOVING, PLACED, VISION_KINDS, check, recipes
from streamer.arrays import check_picture
from streamer.packets import SECOND, Floats, Image
from streamer.settings import DamageSettings

SLOT = SECOND // 5
"""Nanoseconds in which pictures are lost or frozen together."""

FAR = 1e5
"""Pixels at which a face is at most: OpenCV draws with 32 bits."""


class VideoDamage:
    """Damages one camera's pictures. ``damages`` of other streams are left out.

    Raises SettingError as ``check`` does.
    """

    def __init__(self, damages: Sequence[DamageSettings], generator: np.random.Generator) -> None:
        check(damages)
        self._stretches = [
            _Stretch(damage, recipe) for damage, recipe in recipes(damages, "vision", generator)
        ]
        self._face: Box | None = None
        self._moved = False
        self._hidden = False

    @property
    def seeks_face(self) -> bool:
        """Whether it is to do something to the face, and has not been told yet where one is.

        What is found in the undamaged picture, given to ``apply`` together with it, places the
        damage best: where a mask covers the wrong part at first, the face is found wrongly, too.
        """
        return self._face is None and any(stretch.kind in PLACED for stretch in self._stretches)

    def apply(
        self, image: Image, captured_at: int, landmarks: Floats | None = None
    ) -> Image | None:
        """``image`` (height, width, 3), BGR, damaged; None where it is lost.

        ``landmarks`` (n, 2) are points of the face, x and y in pixels, as found in the picture that
        came out before this one, none where no face was found. They place masks and the like.
        Raises ValueError where ``image`` is none.
        """
        if self._stretches:
            check_picture(image)
        if landmarks is not None and len(landmarks) and np.isfinite(landmarks).all():
            self._look(face_box(np.clip(landmarks, -FAR, FAR)))
        active = [stretch for stretch in self._stretches if stretch.holds(captured_at)]
        self._moved = any(stretch.kind in MOVING for stretch in active)
        self._hidden = any(stretch.kind in HIDING for stretch in active)
        shown: Image | None = image
        for stretch in self._stretches:
            if shown is None:
                break
            if stretch in active:
                shown = stretch.apply(shown, captured_at, self._face)
            if shown is not None:
                stretch.last = shown
        return shown

    def _look(self, found: Box) -> None:
        """Takes in where a face was ``found`` in the picture that came out last."""
        if self._moved and self._face is not None:
            return  # it is not where the speaker's face is
        if self._hidden and self._face is not None:
            # The chin is guessed at under a mask, and would pull the mask down with it.
            size = self._face
            middle = found.left + found.width / 2
            found = Box(middle - size.width / 2, found.top, size.width, size.height)
        self._face = found


class _Stretch:
    def __init__(self, damage: DamageSettings, recipe: Recipe) -> None:
        self.kind = damage.kind
        self.last: Image | None = None
        self._damage = damage
        self._effect = VISION_KINDS[damage.kind](recipe)
        self._lost = independent(damage.severity, recipe.generator)

    def holds(self, captured_at: int) -> bool:
        return self._damage.holds(captured_at)

    def apply(self, image: Image, captured_at: int, face: Box | None) -> Image | None:
        lost = bool(self._lost[captured_at // SLOT % len(self._lost)])
        sight = Sight(self._damage.severity, lost, self.last, captured_at, face)
        return self._effect(image, sight)
