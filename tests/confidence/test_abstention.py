"""What counts as an answer: abstentions by their forms, claims beside them, and responses that claim nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import state_by_form

QUESTION = "Which city hosted the 1900 Olympics?"


@pytest.mark.parametrize(
    "response",
    [
        "I don't know.",
        "I don’t know the answer to that question.",
        "I do not know which city that was, sorry.",
        "I really don't know. You can look it up in an encyclopaedia.",
        "Sorry, I can't say.",
        "No idea.",
        "No idea, sorry!",
        "I have no idea.",
        "Dunno",
        "Not sure.",
        "I'm not sure.",
        "I'm not able to answer that question.",
        "I am unable to provide this information.",
        "This cannot be determined from the information given.",
        "As an AI language model, I don't have access to that information.",
        "I'm sorry, but as an AI I do not have real-time data. Please consult a reliable source.",
        "That is unknown to me.",
        "I couldn't tell you.",
        "That is beyond my knowledge.",
        "I haven't the faintest idea.",
        "I don't know, but you can look it up.",
        "That's a great question. Unfortunately, I don't have that information.",
        "I can't recall.",
        "I must decline to answer.",
        "Beats me.",
        "I don't know. If you give me more context, I can help.",
        "I’m not familiar with that event.",
        "Well, but I'm not sure.",
        "That's a good question, but I'm not certain.",
        "I'm sorry, but I'm not sure.",
        "Sorry, though I'm unsure.",
    ],
)
def test_abstentions(response: str) -> None:
    assert state_by_form(QUESTION, response) == "abstained"


@pytest.mark.parametrize(
    "response",
    [
        "I don't know for sure, but Paris.",
        "I don't know for sure, but I think it was Paris.",
        "I don't know, but I think it was Paris.",
        "I don't know. Maybe Paris?",
        "I'm not sure, but I think it's Lyon.",
        "I'm not sure. It might be Lyon.",
        "I'm not certain, it was Paris.",
        "I can't say for certain; it may be Paris.",
        "I can't say with certainty, however Paris is the likeliest city.",
        "Paris. I don't know more than that.",
        "It was Paris. I'm not sure about the year.",
        "It may be Paris, but I don't know.",
        "It was Paris, though I'm not completely certain.",
        "The 1900 Olympics were held in Paris, but I'm not entirely sure.",
        "Paris, although I'm not sure.",
        "It was Paris – but I can't confirm that.",
        "Nobody knows which city it was.",
        "He said he didn't know. She answered that it was Paris.",
        'The mayor said: "I don\'t know." The city was Paris.',
        "I don't doubt that it was Paris.",
        "I can't say enough good things about Paris.",
        "Historians do not know which city it was.",
        "Paris",
        "It is unknown who built it.",
        "You must know that it was Paris.",
        "To cook rice, rinse it and boil it for ten minutes.",
        "1. Rinse the rice.\n2. Boil it for ten minutes.",
        "Hello! The 1900 Olympics took place in Paris.",
        "Is it Paris?",
        "Perhaps Paris?",
    ],
)
def test_answers(response: str) -> None:
    assert state_by_form(QUESTION, response) is None


@pytest.mark.parametrize(
    ("question", "response"),
    [
        ("hi", "Hello! How can I help you today?"),
        ("Hello there", "Hi! I'm an assistant. What would you like to know?"),
        ("thanks!", "You're welcome! Let me know if you have other questions."),
        ("How are you?", "I'm doing well, thank you. How can I help?"),
        (QUESTION, "Could you clarify your question?"),
        (QUESTION, "What do you mean? Do you want the summer games?"),
        (QUESTION, ""),
        (QUESTION, " \n\t "),
        (QUESTION, "..."),
        ("Write me a poem about the sea", "The sea is wide,\nthe sea is blue."),
        ("Please write a short story about a fox.", "Once upon a time there was a fox."),
        ("Tell me a joke", "Why did the chicken cross the road? To get to the other side."),
        ("Can you write a Python function that adds two numbers?", "```python\ndef add(a, b):\n    return a + b\n```"),
        ("Fibonacci?", "```python\nprint(1)\n```"),
    ],
)
def test_no_claim(question: str, response: str) -> None:
    assert state_by_form(question, response) == "no_claim"


def test_declining_to_write_a_poem_is_an_abstention() -> None:
    assert state_by_form("Write me a poem", "I'm sorry, I can't help with that.") == "abstained"


@pytest.mark.parametrize("question", ["Who wrote the poem Daffodils?", "Which song won in 1990?", "What is a haiku?"])
def test_a_question_about_a_poem_asks_for_no_poem(question: str) -> None:
    assert state_by_form(question, "It was William Wordsworth.") is None


@given(st.text(), st.text())
def test_any_text_has_a_state(question: str, response: str) -> None:
    assert state_by_form(question, response) in (None, "abstained", "no_claim")
