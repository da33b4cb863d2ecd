"""From token bytes to text that may be shown: whole characters only, and nothing of a stop string."""

import codecs
from collections.abc import Sequence


class TextStream:
    """Feed bytes, get text. Holds back half characters, and what may turn out to be the start of a stop string.

    A stop string of white space alone, such as a line's end, ends nothing before there is a word: base models are fond
    of beginning with one.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [text for text in stop if text]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._begun = False
        self.stopped = False

    def feed(self, data: bytes) -> str:
        """Text that is now sure. After a stop string was met, `stopped` is true and no more text comes."""
        return self.feed_text(self._decoder.decode(data))

    def feed_text(self, text: str) -> str:
        """The same for what is text already."""
        self._held += text
        return self._release(final=False)

    def end(self) -> str:
        """What was held back, once no more bytes come; half a character is dropped."""
        return self._release(final=True)

    def _release(self, final: bool) -> str:
        if self.stopped:
            return ""
        lead = 0 if self._begun else len(self._held) - len(self._held.lstrip())
        found = [at for at in (self._held.find(text, 0 if text.strip() else lead) for text in self._stop) if at >= 0]
        if found:
            self.stopped = True
            sure = self._held[: min(found)]
            self._held = ""
            return sure
        keep = 0 if final else max((overlap(self._held, text) for text in self._stop), default=0)
        cut = len(self._held) - keep
        sure, self._held = self._held[:cut], self._held[cut:]
        self._begun = self._begun or bool(sure.strip())
        return sure


def overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
