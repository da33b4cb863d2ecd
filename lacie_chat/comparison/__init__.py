"""Two answers to one question, side by side: what differs in how they sound, what they say, and which words."""
