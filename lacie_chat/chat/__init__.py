"""The chat without a screen: what is asked, answered, kept and found out afterwards. No Textual here."""
