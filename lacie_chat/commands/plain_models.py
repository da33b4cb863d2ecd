"""`/model` of the plain chat: the models that there are, by number, and another one taken in the conversation's middle.

The same parts as the screen's picker (chat/choices.py, chat/choosing.py), a line at a time: what isn't here is fetched
when the same line is typed once more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from lacie_chat.chat.choices import Choice, choices_here, look_closer, ref_of
from lacie_chat.chat.choosing import Find, Found
from lacie_chat.chat.session import ChatSession
from lacie_chat.errors import LacieError
from lacie_chat.models import look_up
from lacie_chat.models.pair_refs import model_and_adapter
from lacie_chat.sizes import size_text

Say = Callable[[str], object]
_STEP = 0.1
"""The share of a download after which it is said how far it is."""


@dataclass
class PlainModels:
    """`find` gives the speaker of a REF, fetched if need be."""

    session: ChatSession
    find: Find
    say: Say
    _listed: list[str] = field(default_factory=list)
    _offered: str = ""
    """What would have to be fetched, as it was last said."""

    def show(self) -> None:
        """Name those on this machine."""
        choices, notes = choices_here()
        at_work = ref_of(self.session.speaker)
        self._listed = [choice.ref for choice in choices]
        for number, choice in enumerate(choices, 1):
            facts = [size_text(choice.size_bytes), self._known(choice), choice.source]
            facts += ["it answers now"] if choice.ref == at_work else []
            self.say(f"{number}: {choice.name}, {', '.join(filter(None, facts))}.")
        for line in notes:
            self.say(f"Note: {line}")
        self.say("/model 2 takes the second; a path, or owner/repo of the Hub, takes any other.")

    def take(self, wanted: str) -> Found | None:
        """The one of this number or name; None, and a line, where it can't be had, is at work or is not here yet.
        Ctrl+c stops a download; what there is of it is kept."""
        place = int(wanted) if wanted.isdecimal() and len(wanted) < 4 else 0
        if place and not self._listed:
            self._listed = [choice.ref for choice in choices_here()[0]]
        ref = self._listed[place - 1] if 0 < place <= len(self._listed) else wanted
        if ref == ref_of(self.session.speaker):
            self.say("It answers already.")
            return None
        try:
            offer = look_up(model_and_adapter(ref)[0])
            if offer is not None and ref != self._offered:
                self._offered = ref
                size = size_text(offer.missing_bytes)
                self.say(f"{offer.name} is not here: {size} would be fetched. The same line once more fetches it.")
                return None
            return self.find(ref, self._progress())
        except LacieError as error:
            self.say(f"{str(error).rstrip('.')}.")
        except KeyboardInterrupt:
            self.say("Stopped. What was fetched is kept.")
        return None

    def _known(self, choice: Choice) -> str:
        """What its file says, in few words."""
        if choice.path is None:
            return ""
        context = self.session.making.held("context", self.session.speaker).value
        length = context if isinstance(context, int) else None
        closer = look_closer(choice, self.session.speaker.assessment_version, length)
        return closer.unusable or (f"needs about {size_text(closer.needs)}" if closer.needs else "")

    def _progress(self) -> Callable[[float, str], None]:
        said = 0.0

        def heard(fraction: float, text: str) -> None:
            nonlocal said
            if fraction - said >= _STEP:
                said = fraction
                self.say(f"{fraction:.0%} fetched.".replace("%", " %"))

        return heard
