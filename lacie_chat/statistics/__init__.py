"""Figures about how well confidence and correctness agree: numpy alone, so that the light application can show them."""
