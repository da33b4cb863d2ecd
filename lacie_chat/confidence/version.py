"""Which version of the assessment heard a response: three parts, any of which makes two figures incomparable.

The version is stored with every row, mark and calibrator and compared on every use. What is of another version is left
out or refused, with a line that says what to do; it is never mixed with today's.
"""

EXTRACTION_VERSION = "3"
"""Changes with what is taken for the answer of a response: the extractor's prompt, examples and rules."""
LISTENER_VERSION = "1"
"""Changes with the listener's prompt, its examples or its choices."""
SAMPLER_VERSION = "2"
"""Changes with how text is drawn under the same settings. 2: the chat's sampler everywhere, repeat penalty included."""

ASSESSMENT_VERSION = f"{EXTRACTION_VERSION}.{LISTENER_VERSION}.{SAMPLER_VERSION}"
