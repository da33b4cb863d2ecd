"""The learning itself: the trainer, its tokens, checkpoints and adapters."""
