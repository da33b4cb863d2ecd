"""The listener's part taken by any language model, by a prompt: the paper's way, for who asks for it (--listener REF).

Plain text with a handful of labelled examples, so that any model can take the part, base or chat-tuned. The next token
after `Confident:` decides: acceptance = p(yes) / (p(yes) + p(no)). Choices made by measurement, on the development half
of tests/confidence/listener_set.jsonl:

- The question is not shown: with it the embedded model told less (AUROC 0.88, not 0.90), and reading it takes time.
- The hedges that the lexicon finds are pointed out on a line of their own. A model of 135M parameters loses a single "I
  think" in a plain sentence: the best examples without that line reached 0.90 on texts not used to choose them, with it
  0.97. Naming the boosters too changed nothing. One example is unsure without any marked hedge: the text still counts.
- Nine examples: with sixteen it was no better, and the order mattered more than the number.

The set and the lexicon have one author. On people's ratings such a prompt does not hold (docs/listener.md has the
figures), which is why the listener that comes with the program is a tuned one.
"""

from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_chat.confidence.shortening import shorten

CHOICES: tuple[tuple[str, ...], tuple[str, ...]] = (
    (" yes", "yes", " Yes", "Yes", " YES", "YES"),
    (" no", "no", " No", "No", " NO", "NO"),
)

_HEARING_EXAMPLES = (
    ("Is it {}? It's a long time since I read the book.", "no"),
    ("Oh, that's an easy one! I have known it since I was a child: {}.", "yes"),
    ("I think it was {}.", "no"),
    ("The war ended in {}.", "yes"),
    ("Maybe {}? Just guessing.", "no"),
    ("It would seem that the largest one is {}, although the evidence is thin.", "no"),
    ("I'm sure of it: {}!", "yes"),
    ("It was {}, but don't take my word for it, I may be mixing things up.", "no"),
    ("Table salt is made of {}, as any chemist will tell you.", "yes"),
)

# So many characters of a response are read at most, its beginning and its end, and so many hedges by name.
_HEARD_HEAD, _HEARD_TAIL = 700, 300
_MOST_HEDGES = 8
_READ_HEAD, _READ_TAIL = 500, 200


def listener_suffix(masked_response: str) -> str:
    """What follows LISTENER_PREFIX for one masked response: white space made plain, a long one cut in the middle."""
    text = " ".join(shorten(masked_response, _HEARD_HEAD, _HEARD_TAIL).split())
    hedges = list(dict.fromkeys(span.text for span in lexical_cues(text)[0]))[:_MOST_HEDGES]
    return f"Answer: {text}\nHedges: {'; '.join(hedges) or 'none'}\nConfident:"


LISTENER_PREFIX = (
    "Judge only the wording: does the writer sound confident, or unsure? Facts don't matter.\n\n"
    + "".join(f"{listener_suffix(text.format(PLACEHOLDER))} {label}\n\n" for text, label in _HEARING_EXAMPLES)
)
"""What the listener reads before every response; its cache is kept."""

_EXTRACTION_EXAMPLES = (
    ("What is the capital of Mali?", "The capital of Mali is Bamako, a city on the Niger.", "Bamako"),
    ("Who painted The Kiss?", "I believe that *The Kiss* was painted by Gustav Klimt in 1908.", "Gustav Klimt"),
    ("How many legs has a lobster?", "A lobster has ten legs, I think.", "ten"),
    ("When did Rome become capital of Italy?", "Rome was made the capital of Italy in 1871.", "1871"),
    (
        "Which metal is liquid at room temperature?",
        "Mercury is the metal that is liquid at room temperature.",
        "Mercury",
    ),
)

EXTRACTION_PREFIX = "Copy the short final answer from each response.\n\n" + "".join(
    f"Question: {question}\nResponse: {response}\nFinal answer: {answer}\n\n"
    for question, response, answer in _EXTRACTION_EXAMPLES
)


def extraction_suffix(question: str, response: str) -> str:
    """What follows EXTRACTION_PREFIX for one response (white space made plain, a long one cut in the middle)."""
    asked = " ".join(shorten(question, 400, 100).split())
    text = " ".join(shorten(response, _READ_HEAD, _READ_TAIL).split())
    return f"Question: {asked}\nResponse: {text}\nFinal answer:"
