"""What a GGUF is, by its header: a model to chat with, or one of the many other things that come in such files.

llama.cpp loads most of them without a word and then aborts the whole process at the first answer (an embedding model
has no logits), or says that it doesn't know the architecture. So whoever takes a file from a user asks here first; a
list of files names them for what they are. The architectures are those of llama.cpp's src/llama-arch.cpp, the image
models those that its format is used for elsewhere.
"""

from dataclasses import dataclass

from lacie_chat.gguf_header import Header

_ENCODERS = frozenset(
    "bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert "
    "gemma-embedding llama-embed t5encoder".split()
)
_SPEECH = frozenset("wavtokenizer-dec qwen3tts pockettts".split())
_DIFFUSION = frozenset("dream llada llada-moe rnd1".split())
_DRAFTS = frozenset("eagle3 dflash gemma4-assistant".split())
_IMAGES = frozenset("flux sd1 sdxl sd3 aura hidream cosmos ltxv hyvid wan lumina2 qwen_image".split())
_RANK = 4  # enum llama_pooling_type; 0 is none


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is. `name`: a word for lists ("model", "adapter", "embedding model" …); `phrase`: as part of a
    sentence after its path; `instead`: what to do with it, or why it can't answer, empty for a model.
    """

    name: str
    phrase: str
    instead: str = ""

    @property
    def chats(self) -> bool:
        """Whether it is a model that can be asked."""
        return self.name == "model"

    @property
    def line(self) -> str:
        """ "is an embedding model (bert): it can't chat"; to be put after the file's path."""
        return f"{self.phrase}: {self.instead}"


MODEL = Kind("model", "is a model")
ADAPTER = Kind("adapter", "is an adapter, not a model", "load it together with its base model")


def kind_of(header: Header) -> Kind:
    """What the file with this header is; a model, where nothing says otherwise. One read without tensors will do."""
    keys = header.keys
    architecture, told = str(keys.get("general.architecture", "")), keys.get("general.type")
    if told == "adapter" or "adapter.type" in keys:
        return ADAPTER
    if told == "mmproj" or architecture == "clip":
        return Kind(
            "mmproj",
            "is the part of a model that sees or hears (mmproj)",
            "only text can be asked here; name the model's own file",
        )
    if told == "imatrix" or "imatrix.chunk_count" in keys:
        return Kind("imatrix", "is an importance matrix (imatrix)", "it helps to quantise a model and can't chat")
    if architecture == "controlvector":
        return Kind("control vector", "is a control vector", "it steers a model and is none itself")
    if architecture in _IMAGES:
        return Kind("image model", f"is a model that makes pictures or films ({architecture})", "it can't chat")
    if architecture in _SPEECH:
        return Kind("speech model", f"is a model that makes speech ({architecture})", "it can't chat")
    if architecture in _DRAFTS:
        return Kind(
            "draft model", f"only guesses ahead for another model ({architecture})", "name that model's own file"
        )
    if architecture in _DIFFUSION:
        return Kind(
            "diffusion model",
            f"is a language model that writes by diffusion ({architecture})",
            "only those that write token by token can be asked here",
        )
    if architecture == "t5":
        return Kind(
            "encoder-decoder model",
            f"is an encoder-decoder model ({architecture})",
            "it rewrites one text into another and can't chat",
        )
    pooling = keys.get(f"{architecture}.pooling_type", 0)
    labels = f"{architecture}.classifier.output_labels" in header.places
    if pooling == _RANK or (labels and architecture in _ENCODERS):
        return Kind("reranker", f"is a reranker ({architecture})", "it gives texts a score and can't chat")
    if architecture in _ENCODERS or pooling or keys.get(f"{architecture}.attention.causal") is False:
        return Kind("embedding model", f"is an embedding model ({architecture})", "it can't chat")
    if header.tensor_count == 0 and "tokenizer.ggml.model" in keys and "split.count" not in keys:
        return Kind(
            "vocabulary", f"holds only a vocabulary ({architecture})", "there are no weights in it; name a whole model"
        )
    return MODEL
