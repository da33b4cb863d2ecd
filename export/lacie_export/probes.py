"""What a file is asked when it is verified: texts that trip tokenizers up, prompts for logits, a question.

All fixed, so that two verifications can be compared.
"""

HOSTILE = (
    "",
    " ",
    "  two, then   three, then    four spaces",
    "\n\n\n lines \r\n and \r returns \t\ttabs\t",
    "trailing spaces   ",
    "\u00a0no-break\u2003em\u2009thin\u3000ideographic",
    "zero\u200bwidth\u200cnon\u200djoiner\ufeffmark\u00adsoft",
    "naïve façade, Ærøskøbing, Łódź, İstanbul, straße, ﬁne ligature",
    "cafe\u0301 and café: composed and not; A\u030a Å Å",
    "Ελλάδα, Москва, Київ, Հայաստան, საქართველო",
    "日本語の文章と中文，한국어 문장。全角ＡＢＣ１２３",
    "नमस्ते दुनिया, বাংলা, தமிழ், ไทยไม่มีช่องว่าง, ខ្មែរ",
    "שלום עולם \u200fRTL\u200f مرحبا بالعالم ١٢٣٤٥",
    "\u202eright-to-left override\u202c and \u2066isolate\u2069",
    "🙂🙃 👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ❤️ ☃ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𓀀 🫠",
    "z̸̢̛a̷͙͐l̴̰̈g̵̱̊ó̶̝ combining \u0336\u0337",
    "\u0001\u0002\u0007\u0008\u000b\u000c\u001b[31mred\u001b[0m\u007f",
    "\u0085next line\u2028line separator\u2029paragraph",
    "private \ue000\uf8ff, unassigned \u0378, last \U0010ffff, replacement \ufffd",
    "0 1 12 123 1234 12345 1234567890123 3.14159 -2e-10 0xDEADBEEF 1,000,000 ½ ² Ⅻ",
    "I'm you're they'll we've IT'S o'clock 'tis rock'n'roll don''t",
    "CamelCaseIdentifier snake_case_name kebab-case SHOUTING mIxEd",
    "def f(x):\n    if x <= 0:\n        return -1\n\treturn f(x - 1) ** 2  # done\n",
    'for (int i=0;i<n;++i){a[i]^=~b[i]&0xFF;} // "str\\n"\n#include <stdio.h>',
    '{"key": [1, 2.5, null, true], "nested": {"a": "\\u00e9"}}',
    "<html><body class='x'>&nbsp;&lt;p&gt;</body></html>",
    "SELECT * FROM t WHERE a='O''Brien' AND b<>3; --x",
    "https://example.org/path?q=a%20b&c=d#frag user@example.org C:\\dir\\file.txt",
    "```python\nprint('hi')\n```\n**bold** _it_ ~~no~~ [x](y) | a | b |",
    "!!! ??? ... --- ___ === ### @@@ $$$ %%% ^^^ &&& *** ((( ))) [[[ ]]] {{{ }}}",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "<s>[INST] question [/INST] answer</s>",
    "<bos><start_of_turn>user\nHi<end_of_turn>\n<eos><unk><pad>",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|end_of_text|>",
    "almost special: <|im_start <|im_start| im_end|> < s > </ s> <|endoftext| > <0x41> <unused7>",
    "text<|endoftext|>text <|im_end|> text</s>text <s> text",
    "▁lower▁block ▁ ▁▁ Ġ Ċ ĉ âĢĻ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "pneumonoultramicroscopicsilicovolcanoconiosis Donaudampfschifffahrtsgesellschaft",
    "x" + " " * 40 + "y" + "\n" * 20 + "z" + "\t" * 9,
    "I think it may be Lisbon, but I'm not sure.",
    "Certainly: the capital of Peru is Lima, without any doubt.",
)
"""No NUL: llama.cpp's own interface takes lengths, but its chat interfaces don't."""

PROMPTS = (
    "The capital of France is Paris, and the capital of Portugal is",
    "Water boils at a temperature of one hundred degrees",
    "I am not entirely sure, but I believe that the painter was",
    "Without any doubt, the largest planet of the solar system is",
    "Once upon a time, in a small village by the sea, there lived",
    "def greatest_common_divisor(a, b):\n    while b:\n        a, b =",
    "The three primary colours are red, yellow and",
    "Question: Who wrote the novel about Captain Ahab?\nAnswer:",
    "Question: In which year did the first people walk on the moon?\nAnswer:",
    "My guess would be that the river is called the",
    "It is well known that iron is a metal, while sulphur",
    "She opened the letter, read it twice, and",
    "1, 1, 2, 3, 5, 8, 13, 21,",
    "Die Hauptstadt von Österreich heißt",
    "Le chat est assis sur la",
    "To make bread you need flour, water, salt and",
    "Perhaps it was in the nineteenth century that the railway",
    "Honestly, I do not know the answer to that, because",
    "The opposite of hot is",
    "A triangle with three equal sides is called",
)
"""About twelve tokens each; all their positions are compared."""

GREEDY_PROMPTS = 6
GREEDY_TOKENS = 16
"""The first so many prompts are continued by so many tokens."""

QUESTION = "What is the capital of France?"
