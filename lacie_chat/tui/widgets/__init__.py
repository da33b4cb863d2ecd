"""The parts that the chat screen is made of."""
