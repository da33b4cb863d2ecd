"""The answer span: accepted where it stands, refused where it is invented, found by form where the model fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import Listener
from lacie_chat.confidence.extraction import choose_span, located


def _span(question: str, response: str, candidate: str) -> str | None:
    span = choose_span(question, response, candidate)
    if span is None:
        return None
    assert response[span.start : span.end] == span.text
    return span.text


@pytest.mark.parametrize(
    ("question", "response", "candidate", "expected"),
    [
        ("What is the capital of Chad?", "The capital of Chad is N'Djamena.", " N'Djamena", "N'Djamena"),
        ("Which animal is it?", "I think the animal is a red fox.", " A red fox.", "red fox"),
        ("Who wrote it?", "It was **Jane** Austen, in 1815.", " jane austen", "**Jane** Austen"),
        ("Who wrote it?", "It was Jane **Austen**, in 1815.", " Jane", "Jane **Austen"),
        ("Who sang it?", 'That was "The Knack".', ' "The Knack"', "Knack"),
        ("In which town?", "It lies in Łódź.", " Lodz", "Łódź"),
        ("How many are there?", "There are 1,000 of them.", " 1000", "1,000"),
        ("Is it red or blue?", "It is blue.", " blue", "blue"),
        ("Which film is it?", 'It is "What Love Is", from 1999.', " What Love Is", "What Love Is"),
    ],
)
def test_a_candidate_that_stands_in_the_response_is_taken(
    question: str, response: str, candidate: str, expected: str
) -> None:
    assert _span(question, response, candidate) == expected


@pytest.mark.parametrize(
    ("question", "response", "candidate", "expected"),
    [
        # invented
        ("What is the capital of Chad?", "The capital of Chad is Moundou.", " N'Djamena", "Moundou"),
        # said by the question already
        ("Who led the Long Walk?", "The Long Walk was led by Maria Pereira.", " The Long Walk", "Maria Pereira"),
        # the response copied from its start; a whole clause
        ("Who led it?", "The walk was led by Maria Pereira in May.", " The walk was led by Maria", "Maria Pereira"),
        ("How many legs has a crab?", "A crab has ten legs.", " crab has ten legs", "ten"),
        # a number for a person or a place
        ("Where were they held?", "In 2010 they were held in St. Moritz, where it snowed.", " 2010", "St. Moritz"),
        # nothing but a hedge, nothing at all
        ("What is it?", "Maybe Lyon", " Maybe", "Lyon"),
        ("What is it?", "Perhaps Lyon?", "", "Lyon"),
        ("What is it?", "It's Lyon.", " NONE", "Lyon"),
    ],
)
def test_an_unsound_candidate_gives_way_to_the_form(
    question: str, response: str, candidate: str, expected: str
) -> None:
    assert _span(question, response, candidate) == expected


@pytest.mark.parametrize(
    ("question", "response", "expected"),
    [
        ("Which metal is it?", "The metal you are looking for is **gallium**, which melts in the hand.", "gallium"),
        ("What was the show called?", 'The show ran for years as "Night Train" on the radio.', "Night Train"),
        ("How many moons are there?", "It is known that 27 moons circle the planet there today.", "27"),
        ("When did it open?", "The station was opened to the public in 1907 by the mayor.", "1907"),
        ("Who built the mill?", "The mill was built by Anna de Vries from the village.", "Anna de Vries"),
        ("What is the colour of jade?", "The colour of jade is green.", "green"),
        ("What is Kim's real name?", "Kim's real name is Kim.", None),
        ("Is glass a liquid?", "No, glass is an amorphous solid.", "No"),
        ("Is it glass or ice?", "It looks as if it's ice there.", None),
    ],
)
def test_the_form_alone(question: str, response: str, expected: str | None) -> None:
    assert _span(question, response, "") == expected


def test_the_question_s_own_words_are_the_last_resort() -> None:
    assert _span("What is Kim's real name?", "Kim's real name is Kim.", " Kim") == "Kim"


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_searched(question: str, response: str, candidate: str) -> None:
    span = choose_span(question, response, candidate)
    assert span is None or response[span.start : span.end] == span.text != ""


@pytest.mark.parametrize(
    ("response", "said", "expected"),
    [
        ("The capital of Chad is N'Djamena.", " N'Djamena", "N'Djamena"),
        ("It was **Jane** Austen, in 1815.", " jane austen ", "**Jane** Austen"),
        ("I do think that it was Emma.", " none", None),
        ("I do think that it was Emma.", " None", None),
        ("I do think that it was Emma.", "", None),
        ("I do think that it was Emma.", " Persuasion", None),
        # its end was lost, or written otherwise
        ('It was "The Long Way to a Small Place".', " The Long Way to a Smal", "The Long Way to a"),
        ("It rained, and the match was off.", " the match had been called off", None),
        # the first of several places, and a title that the form would not have suggested
        ("Emma? Yes, Emma.", " Emma", "Emma"),
    ],
)
def test_what_the_extractor_said_is_located(response: str, said: str, expected: str | None) -> None:
    span = located(response, said)
    assert (span and span.text) == expected
    assert span is None or response[span.start : span.end] == span.text
    if expected == "Emma":
        assert span is not None and span.start == 0


@given(st.text(), st.text())
def test_any_text_can_be_located_in_any(response: str, said: str) -> None:
    span = located(response, said)
    assert span is None or response[span.start : span.end] == span.text != ""


class TestWithTheEmbeddedModel:
    """The model's own reading; these responses have one plain answer each."""

    ITEMS = (
        ("What is the capital of Norway?", "The capital of Norway is Oslo.", "Oslo"),
        ("Who composed The Planets?", "I believe it was Gustav Holst who composed The Planets.", "Gustav Holst"),
        ("In which year did the airport open?", "The airport opened its doors in 1958.", "1958"),
        ("What do bees collect?", "Bees collect nectar from flowers.", "nectar"),
        ("Which river runs through Vienna?", "The river that runs through Vienna is the **Danube**.", "Danube"),
        ("What is the largest planet?", "Jupiter is the largest planet of the solar system.", "Jupiter"),
    )

    @pytest.mark.parametrize("who", ["listener", "prompted"])
    def test_it_finds_plain_answers(self, who: str, request: pytest.FixtureRequest) -> None:
        hears: Listener = request.getfixturevalue(who)
        spans = hears.answer_spans([(question, response) for question, response, _ in self.ITEMS])
        right = [span is not None and span.text == item[2] for span, item in zip(spans, self.ITEMS, strict=True)]
        assert sum(right) >= len(self.ITEMS) - 1, [span and span.text for span in spans]


@pytest.mark.parametrize(
    ("response", "candidate", "found"),
    [
        ("I'm not sure, but I think it was Bram Stoker.", "I'm", "Bram Stoker"),
        ("Perhaps Dracula was written by Bram Stoker.", "Perhaps Dracula", "Bram Stoker"),
    ],
)
def test_a_hedge_is_no_answer(response: str, candidate: str, found: str) -> None:
    span = choose_span("Who wrote Dracula?", response, candidate)
    assert span is not None and span.text == found


@pytest.mark.parametrize(
    ("question", "response", "expected"),
    [
        ("What is it about?", "A classic example of a limerick, as they say. I'm only guessing.", None),
        ("Who wrote it?", "I’m only guessing.", None),
        ("Who wrote it?", "I'm not at all certain.", None),
        ("Who wrote it?", "He's one of the great composers, I'm only guessing, Carl Orff.", "Carl Orff"),
        ("Which vitamin is it?", "The vitamin is D.", "D"),
    ],
)
def test_a_pronoun_and_its_verb_are_no_answer(question: str, response: str, expected: str | None) -> None:
    assert _span(question, response, "I'm") == expected
