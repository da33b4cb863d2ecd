"""A name and its longer form are one answer; what only shares words with it is another."""

import pytest

from lacie_chat.confidence.same_answer import commonest_answer, different_answers, same_answer

SAME = [
    # a last name and a full one, titles, middle names, initials
    ("Goethe", "Johann Wolfgang von Goethe"),
    ("Wolfgang Goethe", "Johann Wolfgang von Goethe"),
    ("Marie Curie", "Dr. Marie Skłodowska Curie"),
    ("J.R.R. Tolkien", "John Ronald Reuel Tolkien"),
    ("J. R. R. Tolkien", "JRR Tolkien"),
    ("Sir Alexander Fleming", "Fleming"),
    ("Fleming, Alexander", "Alexander Fleming"),
    ("Mr. Darcy", "Darcy"),
    ("Anne Brontë", "anne bronte"),
    # places and things with what they are or where
    ("Lisbon", "Lisbon, Portugal"),
    ("Republic of Malta", "Malta"),
    ("the Danube River", "Danube"),
    ("Orion (constellation)", "Orion"),
    ("Hamlet (1603)", "Hamlet"),
    # initials, signs, spelling
    ("UNO", "United Nations Organisation"),
    ("U.S.A.", "USA"),
    ("USA", "United States of America"),
    ("the colour grey", "color grey"),
    ("sea horses", "seahorse"),
    ("Salt & pepper", "salt and pepper"),
    ("Earth's Moon", "the Moon"),
    ("Handel’s Messiah", "Handels Messiah"),
    # numbers and units
    ("thirty-seven", "37"),
    ("three million", "3,000,000"),
    ("1.5 million", "1,500,000"),
    ("two hundred and six", "206"),
    ("206 bones", "206"),
    ("about 40", "forty"),
    ("5 km", "five kilometres"),
    ("100 °C", "100 degrees Celsius"),
    ("50%", "50 per cent"),
    ("$5", "five dollars"),
    ("World War II", "World War 2"),
    ("the 4th", "4"),
    # dates
    ("in 1908", "May 1908"),
    ("1776", "July 4, 1776"),
    ("4 July 1776", "July 4th, 1776"),
    ("Oct. 12, 1492", "12 October 1492"),
]

DIFFERENT = [
    ("Korea", "North Korea"),
    ("South Korea", "North Korea"),
    ("Ireland", "Northern Ireland"),
    ("Ireland", "Iceland"),
    ("Toronto, Canada", "Canada"),
    ("Bach", "Mozart and Bach"),
    ("French", "English, French and German"),
    ("Romeo", "Romeo & Juliet"),
    ("Paris, Texas", "Paris, France"),
    ("George W. Bush", "George H. W. Bush"),
    ("Johann Strauss I", "Johann Strauss II"),
    ("J. K. Rowling", "J. R. Rowling"),
    ("Jaws", "Jaws 2"),
    ("The Godfather", "The Godfather Part II"),
    ("Henry IV", "Henry V"),
    ("vitamin A", "vitamin C"),
    ("vitamin B", "vitamin B12"),
    ("A-4", "F-4"),
    ("C", "A. C. Clarke"),
    ("Jupiter's moon Io", "Jupiter"),
    ("NASA", "North Sea"),
    ("3", "3 million"),
    ("37", "7"),
    ("1,066", "thousand"),
    ("-1", "1"),
    ("5 km", "5 miles"),
    ("1/2", "2"),
    ("2", "All I Want Is My 2 Front Teeth"),
    ("July 4", "July 5"),
    ("4 July 1776", "4 July 1777"),
    ("1914 to 1918", "1918"),
    ("May 10, 1990 to June 3, 1996", "June 10, 1990 to May 3, 1996"),
    ("World War I", "World War II"),
    ("Mr. Bennet", "Mrs. Bennet"),
    ("Bank of England", "Bank of New England"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_of_naming_one_thing(one: str, other: str) -> None:
    assert same_answer(one, other)
    assert same_answer(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_things(one: str, other: str) -> None:
    assert not same_answer(one, other)
    assert not same_answer(other, one)


def test_a_name_without_its_middle_is_either_of_two_people() -> None:
    """Nothing in the words tells which; the two are not made one by it where answers are counted."""
    assert same_answer("George Bush", "George W. Bush")
    assert same_answer("George Bush", "George H. W. Bush")
    assert different_answers(["George W. Bush", "George H. W. Bush"]) == 2


def test_samples_that_name_a_man_in_three_ways_agree() -> None:
    spans = ["Goethe", "Johann Wolfgang von Goethe", "J. W. von Goethe", "Schiller"]
    assert commonest_answer(spans)[1] == 3
    assert different_answers(spans) == 2


@pytest.mark.parametrize("text", ["", "!", "—", "the", "a", "-", "%", "$", "(", "of", "\u200b", "Sir", "I", "and"])
def test_what_is_hardly_an_answer_is_compared_all_the_same(text: str) -> None:
    assert not same_answer(text, "Vienna")
    assert not same_answer("", text)
