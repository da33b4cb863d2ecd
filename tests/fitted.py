"""Calibrators for tests: of known weights, and nothing fitted."""

from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing
from lacie_chat.engine.settings import Sampling

CHAT = WayOfDrawing.of(Sampling())


def calibrator(
    intercept: float = 0.0,
    *more: Form,
    n: int = 300,
    source: str = "a test",
    version: str = ASSESSMENT_VERSION,
    sampling: WayOfDrawing = CHAT,
    **weights: float,
) -> Calibrator:
    """A form with these weights by signal, then `more` for answers of which too little is known for it."""
    forms = (Form(intercept, weights), *more)
    return Calibrator(n, n // 3, source, "0" * 16, version, sampling, forms)
