"""The screens: the chat itself, its history, the help, a question to confirm."""
