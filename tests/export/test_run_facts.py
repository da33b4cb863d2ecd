"""What a run's recipe says of its questions, as a card and a GGUF repeat it."""

from lacie_export.run_facts import RunFacts

QUESTIONS = {
    "train": {"source": "trivia_qa"},
    "more": [{"source": "nq_open"}, {"source": "file", "path": "/home/me/mine.jsonl"}, {"source": "nq_open"}],
}


def test_all_sources_of_training_questions_are_named_once() -> None:
    facts = RunFacts(recipe={"questions": QUESTIONS})
    assert facts.datasets == ("mandarjoshi/trivia_qa", "google-research-datasets/nq_open")
    assert facts.questions == "mandarjoshi/trivia_qa, google-research-datasets/nq_open, file"
    assert RunFacts().datasets == ()
