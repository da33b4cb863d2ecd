"""The paper's human evaluation for anyone to repeat: people as listeners, blinded, and their judgements as figures."""
