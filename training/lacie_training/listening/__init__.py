"""What the listener's adapters are trained on, and how: rated texts, our own composed ones, responses with spans.

`rated` and `spans` read a user's files, `composed` makes our texts; `examples` has the tokens of either task in the
forms that the chat reads in, `losses` what is wanted of them, `loop` the training. The stage is
`lacie_training.listener`.
"""
