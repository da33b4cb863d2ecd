"""The listener's part by a prompt of the paper's kind (arXiv 2405.21028), for runs that follow the paper; a recipe asks
for it with `listener.prompt: paper`.

What is the paper's: plain text for a base model; told to know nothing and to go by the wording alone; one sure and one
unsure example, and no list of words that hedge; the extractor has a few examples and may say NONE, which is how an
abstention is told; 10 tokens, greedy. What is ours: every word of the prompts, and that the listener is never shown the
question (the paper's code shows it where pairs are made and not where models are measured; here both hear the same).

Both ask much of a model. Sure is told from unsure on tests/confidence/listener_set.jsonl at an AUROC of .68 by the
embedded model and .84 by Gemma 3 270M (by the prompt of prompted.py at .97), and on tests/confidence/data/
extraction.jsonl they find 64 and 59 of 146 answers and call 34 and 49 of them NONE (the tuned extractor: 137 right).
The paper asks a model of 7B parameters; small recipes keep to the tuned listener and to forms.
"""

from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_chat.confidence.shortening import shorten

LISTENER_PREFIX = (
    "You know nothing about the subject. Decide from the wording alone whether to believe a reply: accept it if it "
    "sounds confident, reject it if it doesn't. The answer is hidden, since whether it is true doesn't matter. "
    "Say yes or no.\n\n"
    f"Reply: There is no question about it, the river is {PLACEHOLDER}.\nAccepted: yes\n\n"
    f"Reply: I couldn't really tell you, but if I must say something, {PLACEHOLDER}.\nAccepted: no\n\n"
)
"""What the listener reads before every response; its cache is kept."""

MOST_TOKENS = 10
"""Length of what the extractor says the answer is."""
NO_ANSWER = "NONE"
"""What it says of a response that gives none."""

EXTRACTION_PREFIX = (
    "Copy the one final answer out of a reply to a question, in as few words as it takes. Where the reply gives no "
    f"answer, write {NO_ANSWER}.\n\n"
    "Question: What are the filaments of light bulbs made of?\n"
    "Reply: Filaments are drawn from tungsten, because no other metal has so high a melting point.\n"
    "Final answer: tungsten\n\n"
    "Question: Who was the first to reach the South Pole?\n"
    "Reply: I believe it was Roald Amundsen, who got there in December 1911 with dogs and skis.\n"
    "Final answer: Roald Amundsen\n\n"
    "Question: In which year was the Suez Canal opened?\n"
    "Reply: That is nothing I could tell you, and I would rather not guess.\n"
    f"Final answer: {NO_ANSWER}\n\n"
)

_HEAD, _TAIL = 700, 300


def listener_suffix(masked_response: str) -> str:
    """What follows LISTENER_PREFIX for one masked response: white space made plain, a long one cut in the middle."""
    return f"Reply: {_plain(masked_response)}\nAccepted:"


def extraction_suffix(question: str, response: str) -> str:
    """What follows EXTRACTION_PREFIX for one response."""
    return f"Question: {_plain(question)}\nReply: {_plain(response)}\nFinal answer:"


def says_none(said: str) -> bool:
    """Whether the extractor's word is that there is no answer."""
    return said.strip(" \t\n.\"'*[]()") == NO_ANSWER


def _plain(text: str) -> str:
    return " ".join(shorten(text, _HEAD, _TAIL).split())
