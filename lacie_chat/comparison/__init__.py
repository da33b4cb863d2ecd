"""Two answers to one question, side by side: what differs in how they sound, what they say, and which words.

Pure, like `confidence`: assessments in, a `Difference` out. The chat, `lacie compare` and its report all read it.
"""

from lacie_chat.comparison.difference import DEADBAND, Difference, compare_assessments, compare_samples
from lacie_chat.comparison.side_summary import SideSummary, summarise_side
from lacie_chat.comparison.words import Segment, differing_words, segments

__all__ = [
    "DEADBAND",
    "Difference",
    "Segment",
    "SideSummary",
    "compare_assessments",
    "compare_samples",
    "differing_words",
    "segments",
    "summarise_side",
]
