"""What `--help` shows to type: two to four lines for every command and each of its actions.

A test reads each with the real parser, and walks the parsers, so that none goes stale and none is forgotten.
"""

import argparse

from lacie_chat.commands.parsing import every_parser

_MODEL = "unsloth/Qwen3.5-2B-GGUF:Q4_K_M"
EXAMPLES: dict[str, str] = {
    "": f"""
        lacie                                   # open the chat
        lacie ask What is the capital of Japan
        lacie chat --model {_MODEL}
        lacie models list                       # what is here, and what is worth getting
        """,
    "chat": """
        lacie chat --model ollama:llama3.2      # what Ollama has fetched
        lacie --continue                        # go on where you stopped
        lacie chat --system "Answer in French." --temperature 0.7
        lacie chat --plain                      # in plain lines, for a screen reader or a dumb terminal
        """,
    "ask": """
        lacie ask What is the capital of Japan
        lacie ask --json "Who wrote Emma?" | jq .p_right
        lacie ask "What does this say, in one sentence?" - < README.md
        lacie ask --min-confidence 0.7 "Which metal melts in the hand?" || echo not sure enough
        """,
    "listen": """
        lacie listen I think it was Jane Austen
        lacie listen "It was Jane Austen." --answer "Jane Austen"
        lacie listen --file texts.jsonl --json
        """,
    "compare": """
        lacie compare Who wrote Emma            # the baseline against the adapter
        lacie compare "Who wrote Emma?" --left a.gguf --right b.gguf --samples 5
        lacie compare "Who wrote Emma?" --left embedded+a-LoRA.gguf --right embedded+none
        lacie compare --questions questions.jsonl --out compared
        """,
    "evaluate": """
        lacie evaluate --questions questions.jsonl --out figures
        lacie evaluate --questions questions.jsonl --out figures --with-baseline --matcher lenient
        """,
    "study": """
        lacie study run --questions questions.jsonl --out study
        lacie study report study
        """,
    "study run": """
        lacie study run --questions questions.jsonl --out study --person ana
        lacie study run --out study --person bo # the next one; needs no model
        lacie study run --questions questions.jsonl --out study --answers-only
        """,
    "study report": """
        lacie study report study
        lacie study report study bo.jsonl --out report.md
        """,
    "calibrate": f"""
        lacie calibrate --n 100                 # a first impression
        lacie calibrate --model {_MODEL}
        lacie calibrate --questions mine.jsonl --picture mine.png
        """,
    "calibration": """
        lacie calibration show
        lacie calibration fit --marks           # from what you marked in the chat
        lacie calibration fit --remove          # take the last one back
        """,
    "calibration show": f"""
        lacie calibration show
        lacie calibration show --model {_MODEL}
        lacie calibration show --json
        """,
    "calibration plot": """
        lacie calibration plot
        lacie calibration plot --baseline --out baseline.png
        """,
    "calibration fit": """
        lacie calibration fit --marks
        lacie calibration fit --questions mine.jsonl --replace
        lacie calibration fit --remove
        """,
    "models": f"""
        lacie models list
        lacie models pull {_MODEL}
        lacie models info embedded
        """,
    "models list": """
        lacie models list
        lacie models list --json | jq -r '.[].ref'
        """,
    "models pull": f"""
        lacie models pull {_MODEL}
        lacie models pull hf.co/unsloth/Qwen3.5-4B-GGUF
        lacie models pull https://huggingface.co/ggml-org/gpt-oss-20b-GGUF
        """,
    "models info": """
        lacie models info embedded
        lacie models info ~/models/some.gguf --json
        """,
    "models remove": f"""
        lacie models remove {_MODEL}
        lacie models remove unsloth/Qwen3.5-4B-GGUF
        """,
    "settings": """
        lacie settings show                     # every option, what holds, and who says so
        lacie settings init                     # write the file, with every option explained in it
        lacie settings edit
        """,
    "settings path": """
        lacie settings path
        lacie settings path | xargs cat
        """,
    "settings show": """
        lacie settings show
        lacie settings show --preset precise --seed 7
        lacie settings show --json | jq .options.temperature
        """,
    "settings init": """
        lacie settings init
        lacie settings init --quiet
        """,
    "settings edit": """
        lacie settings edit
        lacie settings edit --quiet
        """,
    "history": """
        lacie history list
        lacie history search capital of Japan
        lacie history list "is:wrong" "sounds:>80" # wrong, and it sounded sure
        lacie history export 7q3 --out japan.md # an id, or the start of it
        """,
    "history list": """
        lacie history list
        lacie history list is:pinned model:qwen after:2026-01-31
        lacie history list "sounds:>80" "right:<40" --json
        lacie history list is:deleted           # what can be taken back
        """,
    "history search": """
        lacie history search capital of Japan
        lacie history search is:wrong "sounds:>80"
        lacie history search --json -- Japan -is:abstained
        """,
    "history show": """
        lacie history show 7q3                  # an id, or the start of it
        lacie history show 7q3 > japan.md
        """,
    "history export": """
        lacie history export 7q3 --out japan.md
        lacie history export 7q3 --out japan.html # one page, with the figures
        lacie history export 7q3 --format json --out japan.json
        """,
    "history import": """
        lacie history import japan.json
        cat japan.json | lacie history import -
        """,
    "history pin": """
        lacie history pin 7q3                   # an id, or the start of it
        lacie history pin 7q3h0v2k
        """,
    "history unpin": """
        lacie history unpin 7q3                 # an id, or the start of it
        lacie history unpin 7q3h0v2k
        """,
    "history duplicate": """
        lacie history duplicate 7q3             # prints the copy's id
        lacie history duplicate 7q3h0v2k
        """,
    "history delete": """
        lacie history delete 7q3                # lacie history restore 7q3 takes it back
        lacie history delete 7q3 --now --yes    # for good, without being asked
        """,
    "history restore": """
        lacie history restore 7q3               # lacie history list is:deleted shows which there are
        lacie history restore 7q3h0v2k
        """,
    "train": """
        lacie train run --recipe smoke          # every stage, in minutes, on a CPU
        lacie train run --recipe smollm2-135m-cpu --run runs/cpu
        lacie train evaluate --recipe smollm2-135m-cpu --run runs/cpu
        """,
    "train sample": """
        lacie train sample --recipe smoke --run runs/smoke
        lacie train sample --recipe smoke --run runs/smoke --set sample.max_new_tokens=24
        """,
    "train judge": """
        lacie train judge --recipe smoke --run runs/smoke
        lacie train judge --recipe mine.yaml
        """,
    "train pairs": """
        lacie train pairs --recipe smoke --run runs/smoke
        lacie train pairs --recipe smoke --run runs/smoke --set pairs.margin=0.1
        """,
    "train dpo": """
        lacie train dpo --recipe smoke --run runs/smoke
        lacie train dpo --recipe smoke --run runs/smoke --set dpo.steps=20
        """,
    "train evaluate": """
        lacie train evaluate --recipe smoke --run runs/smoke
        lacie train evaluate --recipe smoke --run runs/smoke --set evaluate.bootstrap=200
        """,
    "train check": """
        lacie train check --recipe smoke
        lacie train check --recipe mistral-7b --run runs/mistral-7b --gpus 2
        """,
    "train run": """
        lacie train run --recipe smoke
        lacie train run --recipe smoke --run runs/truthful --set objective=truthful_only --samples-of runs/smoke
        lacie train run --recipe mistral-7b --gpus 2
        lacie train run --recipe llama3-70b --launch fsdp
        """,
    "train mean": """
        lacie train mean runs/one runs/two --run runs/mean
        lacie train mean runs/one runs/two runs/three --run runs/mean
        """,
    "train figures": """
        lacie train figures --run runs/lacie --out table
        lacie train figures --run runs/lacie --truthful runs/truthful --out table
        """,
    "train listener": """
        lacie train listener --recipe listener --rated answers.jsonl --out runs/listener
        lacie train listener --recipe extractor --spans labelled.jsonl --out runs/extractor
        lacie train listener --recipe listener --composed-only --set epochs=1 --out runs/try
        """,
    "export": """
        lacie export run --run runs/cpu --out exported
        lacie export adapter --run runs/cpu --out exported
        """,
    "export merge": """
        lacie export merge --run runs/cpu --out exported
        lacie export merge --adapter my-adapter --base HuggingFaceTB/SmolLM2-135M-Instruct --out exported
        """,
    "export gguf": """
        lacie export gguf --run runs/cpu --out exported
        lacie export gguf --run runs/cpu --out exported --quant q4_k_m,q8_0
        """,
    "export adapter": """
        lacie export adapter --run runs/cpu --out exported
        lacie export adapter --run runs/cpu --out exported --lora-type f16 --with-base
        """,
    "export verify": """
        lacie export verify --run runs/cpu --out exported
        lacie export verify --run runs/cpu --out exported --file exported/mine-Q4_K_M.gguf
        """,
    "export run": """
        lacie export run --run runs/cpu --out exported
        lacie export run --run runs/cpu --out exported --quant q8_0 --push me/my-model
        """,
    "doctor": """
        lacie doctor
        lacie doctor --model ~/models/some.gguf --gpu-layers 0
        """,
    "completion": """
        lacie completion bash > ~/.local/share/bash-completion/completions/lacie
        lacie completion zsh > ~/.zfunc/_lacie  # with ~/.zfunc in your fpath
        lacie completion fish > ~/.config/fish/completions/lacie.fish
        """,
}
"""By the words after `lacie`."""


def lines_of(path: str) -> list[str]:
    """The examples of a command, as they are typed; none for one that is not in the table."""
    return [line.strip() for line in EXAMPLES.get(path, "").strip().splitlines()]


def with_examples(parser: argparse.ArgumentParser) -> None:
    """Give each parser its examples, below what it says itself."""
    for path, each in every_parser(parser):
        lines = lines_of(" ".join(path))
        if lines:
            examples = "\n".join(["examples:", *(f"  {line}" for line in lines)])
            each.epilog = "\n\n".join(filter(None, (each.epilog, examples)))
