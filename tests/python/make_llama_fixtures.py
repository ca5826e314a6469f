"""Makes the small models that `crates/transformer` must open and compute exactly as Hugging Face's `transformers` does.

    pip install -r tests/python/requirements.txt
    python tests/python/make_llama_fixtures.py

writes one folder a model under `crates/transformer/tests/fixtures`, the same on every run: config.json, tokenizer.json and
model.safetensors as `save_pretrained` writes them, and

expected.json   logits of some token sequences, the tokens of a greedy continuation, and the ids (without special tokens) of
                texts that tokenizers trip over.
"""

import json
import shutil
from pathlib import Path

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).resolve().parents[2] / "crates/transformer/tests/fixtures"

STORY = """Once upon a time there was a little fox. The fox lived in the woods near a big, blue lake.
"Hello," said the owl. "Don't you want to play?" The fox wanted to play. They played all day, and then it was night.
One day the fox found a red ball. It was not his ball; it was Anna's ball! "Thank you," said Anna. They were happy.
"""

TEXTS = [
    "Once upon a time",
    " a leading space",
    "two  spaces   three",
    "a line\nand another\n\nand an empty one\n",
    "tab\tand\r\nreturn",
    "Don't! \"Quotes\" — dashes… 3 + 4 = 7",
    "café naïve Zoë",
    "cafe\u0301 combined",
    "狐狸 and лиса and ثعلب",
    "🦊👩‍👩‍👧 emoji",
    "nbsp\u00a0zero\u200bwidth",
    "trailing space ",
    "\x00\x7f control",
    "",
]


# --- tokenizers ------------------------------------------------------------------------------------------------------------


def byte_level(size: int) -> Tokenizer:
    """As GPT-2's, and as this project's own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = [AddedToken("<|endoftext|>", special=True)]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([STORY], trainer)
    return tokenizer


def sentence_piece(size: int) -> Tokenizer:
    """As Llama 2's: spaces are U+2581, one stands before every text, and unknown letters fall back to bytes."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    learner.train_from_iterator([STORY], trainers.BpeTrainer(vocab_size=size - 259, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = sorted(learned["vocab"], key=learned["vocab"].get)[: size - len(first)]
    vocabulary = {piece: index for index, piece in enumerate(first + pieces)}
    merges = [tuple(pair) for pair in learned["merges"] if "".join(pair) in vocabulary]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in first[:3]])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    return tokenizer


def letters() -> Tokenizer:
    """Lower-case letters and little else, one token each."""
    known = ["<unk>", "<s>", "</s>", "▁", *"abcdefghijklmnopqrstuvwxyz", *".,!?'\"\n", "th", "he", "the"]
    merges = [("t", "h"), ("h", "e"), ("th", "e")]
    tokenizer = Tokenizer(models.BPE({piece: index for index, piece in enumerate(known)}, merges, unk_token="<unk>"))
    tokenizer.add_special_tokens(known[:3])
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


# --- models ----------------------------------------------------------------------------------------------------------------

SIZES = dict(
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=64,
    initializer_range=0.3,
    pad_token_id=None,
)

MODELS = {
    # As this project's own models: grouped queries, tied head, half precision.
    "grouped_tied_f16": dict(
        tokenizer=byte_level(320),
        dtype=torch.float16,
        config=dict(SIZES, num_key_value_heads=2, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0),
    ),
    # As Llama 1: a key head for each query head, a head of its own, full precision. Its tokenizer knows 40 of 64 ids.
    "plain_untied_f32": dict(
        tokenizer=letters(),
        dtype=torch.float32,
        config=dict(SIZES, vocab_size=64, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2),
    ),
    # Odd sizes, heads wider than their share of the stream, another base, and brain floats.
    "odd_untied_bf16": dict(
        tokenizer=sentence_piece(300),
        dtype=torch.bfloat16,
        config=dict(
            SIZES,
            hidden_size=30,
            intermediate_size=27,
            num_hidden_layers=1,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=12,
            tie_word_embeddings=False,
            rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
            bos_token_id=1,
            eos_token_id=[2, 0],
        ),
    ),
}


@torch.no_grad()
def expected(model: LlamaForCausalLM, tokenizer: Tokenizer) -> dict:
    random = torch.Generator().manual_seed(3)
    size = model.config.vocab_size
    sequences = [[1], torch.randint(size, (7,), generator=random).tolist()]
    rows = [[[float(f"{z:.8g}") for z in row] for row in model(torch.tensor([s])).logits[0].tolist()] for s in sequences]
    # The whole context, of which the last row has seen everything.
    long = torch.randint(size, (model.config.max_position_embeddings,), generator=random).tolist()
    sequences.append(long)
    rows.append([[float(f"{z:.8g}") for z in model(torch.tensor([long])).logits[0, -1].tolist()]])
    greedy = model.generate(
        torch.tensor([sequences[1]]),
        attention_mask=torch.ones(1, len(sequences[1]), dtype=torch.long),
        generation_config=GenerationConfig(do_sample=False, max_new_tokens=24),
    )
    return {
        "transformers": transformers.__version__,
        "sequences": [{"tokens": s, "last_rows": r} for s, r in zip(sequences, rows)],
        "greedy": {"prompt": sequences[1], "tokens": greedy[0, len(sequences[1]) :].tolist()},
        "texts": [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False).ids} for t in TEXTS],
    }


def write(name: str, tokenizer: Tokenizer, dtype: torch.dtype, config: dict) -> None:
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(11)
    config = dict(config)
    config.setdefault("vocab_size", tokenizer.get_vocab_size())
    model = LlamaForCausalLM(LlamaConfig(**config)).eval().to(dtype)
    for parameter_name, parameter in model.named_parameters():
        if "norm" in parameter_name:  # all ones when fresh, which would hide a norm that is left out
            parameter.data = (1 + 0.3 * torch.randn(parameter.shape)).to(dtype)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    # Through the files, in f32: what any reader of them should compute.
    opened = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    content = expected(opened, tokenizer)
    (folder / "expected.json").write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    for name, model in MODELS.items():
        write(name, **model)
