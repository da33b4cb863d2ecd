"""How people with each kind of colour blindness see a colour (Machado, Oliveira & Fernandes 2009, severity 1), and how
different two colours look (CIE 1976)."""

import numpy as np
from textual.color import Color

_SEEN = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
COLOUR_BLINDNESS = tuple(_SEEN)

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


def seen_as(kind: str, colour: Color) -> np.ndarray:
    """The linear light of what they see."""
    channels = np.array(colour.rgb) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.clip(_SEEN[kind] @ linear, 0, 1)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """About 2 is the least that anyone sees, 20 another colour."""
    return float(np.linalg.norm(_lab(one) - _lab(other)))


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = _TO_XYZ @ linear / _WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: Color, other: Color) -> float:
    """From 1 to 21, as WCAG 2 has it."""
    lighter, darker = sorted((float((_TO_XYZ @ seen_as("none", each))[1]) for each in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
