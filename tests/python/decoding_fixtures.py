"""Makes the fixtures that `crates/decoding` must agree with, out of Hugging Face's `transformers`.

    pip install -r tests/python/requirements.txt
    python tests/python/decoding_fixtures.py

writes `crates/decoding/tests/fixtures/{shaping,beam}.json`, the same on every run:

shaping.json  rows of logits, and for each case the knobs, the history and the probabilities after the logits processors that
              `generate` itself puts together (so their order is checked too), in float64.
beam.json     a tiny Llama written out as a table, one row of logits for every continuation of a fixed prompt, and the outcome of
              `generate`'s beam search on it.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).resolve().parents[2] / "crates/decoding/tests/fixtures"


def tiny_llama(vocabulary: int) -> LlamaForCausalLM:
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        initializer_range=0.5,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    return LlamaForCausalLM(config).eval()


# --- shaping ---------------------------------------------------------------------------------------------------------------


def rows() -> dict[str, list[float]]:
    random = np.random.default_rng(1)
    normal = random.normal(0, 2, 64)
    table = {
        "broad": normal,
        "peaked": 4 * normal - 30,
        "narrow": 0.1 * random.normal(0, 1, 64) + 3,
        # Zipf's law with noise: the shape of a language model's row.
        "zipf": -1.1 * np.log(random.permutation(100) + 1) + random.normal(0, 0.3, 100),
        # Many ties. Where top-p cuts through a tie, transformers leaves the choice to an unstable sort, so no case does both.
        "tied": np.round(random.normal(0, 2, 64)),
    }
    return {name: [float(np.float32(logit)) for logit in row] for name, row in table.items()}


def settings() -> list[dict]:
    """Knobs by their names in the project's settings; a missing one is neutral."""
    alone = {
        "temperature": [0.1, 0.5, 0.7, 1.3, 2.0, 10.0],
        "logit_scale": [0.5, 3.0],
        "top_k": [1, 5, 40, 1000],
        "top_p": [0.05, 0.5, 0.9, 0.99],
        "min_p": [0.01, 0.1, 0.5, 1.0],
        "typical": [0.1, 0.5, 0.9, 0.99],
        "repetition_penalty": [0.7, 1.2, 3.0],
    }
    combined = [
        {"temperature": 0.7, "top_k": 20, "top_p": 0.9},
        {"temperature": 1.5, "top_p": 0.95, "min_p": 0.05},
        {"temperature": 1.2, "logit_scale": 0.8, "top_k": 30, "typical": 0.9},
        {"temperature": 2.0, "top_p": 0.8, "typical": 0.5},
        {"temperature": 0.8, "min_p": 0.02, "typical": 0.7, "repetition_penalty": 1.3},
        {"temperature": 3.0, "min_p": 0.1, "repetition_penalty": 0.8},
        {
            "temperature": 1.4,
            "logit_scale": 1.1,
            "top_k": 25,
            "top_p": 0.9,
            "min_p": 0.03,
            "typical": 0.8,
            "repetition_penalty": 1.2,
        },
    ]
    return [{}] + [{knob: value} for knob, values in alone.items() for value in values] + combined


def shaped(model: LlamaForCausalLM, logits: list[float], history: list[int], knobs: dict) -> list[float]:
    config = GenerationConfig(
        do_sample=True,
        # A logit scale s is a temperature of 1 / s.
        temperature=float(knobs.get("temperature", 1.0) / knobs.get("logit_scale", 1.0)),
        top_k=knobs.get("top_k", 0),
        top_p=knobs.get("top_p", 1.0),
        min_p=knobs.get("min_p"),
        typical_p=knobs.get("typical", 1.0),
        repetition_penalty=knobs.get("repetition_penalty", 1.0),
        num_beams=1,
    )
    processors = model._get_logits_processor(generation_config=config, input_ids_seq_length=len(history))
    scores = processors(torch.tensor([history]), torch.tensor([logits], dtype=torch.float64))
    return scores.softmax(dim=-1)[0].tolist()


def shaping() -> dict:
    model = tiny_llama(8)
    history = [3, 7, 7, 12, 40, 3]
    cases = []
    for name, logits in rows().items():
        for knobs in settings():
            if name == "tied" and "top_p" in knobs:
                continue
            probabilities = [float(f"{p:.9g}") for p in shaped(model, logits, history, knobs)]
            cases.append({"row": name, "knobs": knobs, "probabilities": probabilities})
    return {"transformers": transformers.__version__, "history": history, "rows": rows(), "cases": cases}


# --- beam search -----------------------------------------------------------------------------------------------------------

VOCABULARY, LENGTH, PROMPT = 6, 4, [1, 4]


@torch.no_grad()
def next_logits(model: LlamaForCausalLM, continuation: tuple[int, ...]) -> list[float]:
    return model(torch.tensor([PROMPT + list(continuation)])).logits[0, -1].tolist()


@torch.no_grad()
def beam_search(model: LlamaForCausalLM, width: int, end: int | None) -> list[dict]:
    found = model.generate(
        torch.tensor([PROMPT]),
        attention_mask=torch.ones(1, len(PROMPT), dtype=torch.long),
        generation_config=GenerationConfig(
            do_sample=False,
            num_beams=width,
            num_return_sequences=width,
            max_new_tokens=LENGTH,
            early_stopping="never",
            length_penalty=0.0,
            eos_token_id=end,
            pad_token_id=end,
            output_scores=True,
            return_dict_in_generate=True,
        ),
    )
    hypotheses = []
    for sequence, score in zip(found.sequences.tolist(), found.sequences_scores.tolist()):
        tokens = sequence[len(PROMPT) :]
        if end in tokens:
            tokens = tokens[: tokens.index(end) + 1]
        hypotheses.append({"tokens": tokens, "log_probability": float(f"{score:.7g}")})
    return hypotheses


def beam() -> dict:
    model = tiny_llama(VOCABULARY)
    continuations = [c for n in range(LENGTH) for c in itertools.product(range(VOCABULARY), repeat=n)]
    table = [{"after": list(c), "logits": [float(f"{z:.7g}") for z in next_logits(model, c)]} for c in continuations]
    cases = [
        {"width": width, "end": end, "hypotheses": beam_search(model, width, end)}
        for width in (2, 3, 4)  # a width of 1 is greedy search there, which reports no scores
        for end in (None, *range(VOCABULARY))
    ]
    return {"transformers": transformers.__version__, "length": LENGTH, "table": table, "cases": cases}


def write(name: str, content: dict) -> None:
    """One line for each row and case, so that a change shows as a few lines of difference."""
    parts = []
    for key, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines = ",\n".join("  " + json.dumps(item, separators=(",", ":")) for item in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, separators=(",", ":"))}')
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    write("shaping.json", shaping())
    write("beam.json", beam())
