"""The terminal interface: the only package that imports Textual.

`lacie_chat/chat/` is the chat without a screen; `app.py`, `screens/` and `widgets/` show it. Work that blocks happens
on the session's own threads, which post typed events and never touch a widget.
"""
