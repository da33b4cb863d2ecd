"""lacie-chat: a terminal chat for local models with calibrated confidence."""

__version__ = "0.1.0"
