"""Preferences of random words, for trainings that are about arithmetic and not about language."""

import random

from lacie_training.run_folder import RunFolder, write_rows

WORDS = "certainly perhaps the answer is maybe surely Oslo Paris Rome I think it was clearly not sure".split()


def write_pairs(folder: RunFolder, count: int = 8) -> None:
    """`pairs.jsonl` of a run folder."""
    draw = random.Random(5)
    rows = []
    for number in range(count):
        chosen, rejected = (" ".join(draw.choices(WORDS, k=draw.randint(3, 12))) for _ in range(2))
        row = {"id": f"p{number}", "prompt": f"Question {number}:", "chosen": f" {chosen}", "rejected": f" {rejected}"}
        rows.append({**row, "chosen_finished": number % 3 > 0, "rejected_finished": True})
    write_rows(folder.path / "pairs.jsonl", rows)
