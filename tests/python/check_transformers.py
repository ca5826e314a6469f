"""Checks that models/storyteller is a plain Llama to Hugging Face's `transformers`, with the logits of this project.

    COLLAPSE=target/release/collapse python tests/python/check_transformers.py

opens the folder with AutoTokenizer and AutoModelForCausalLM, asks `collapse next --all --json` for the row after each prompt,
and compares: the same ids, the same text for every token, and logits that differ by at most a ten-thousandth of the row's
spread. Says what differs and exits with 1 where something does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = Path(__file__).resolve().parents[2] / "models/storyteller"
PROMISE = 1e-4

PROMPTS = [
    "Once upon a time",
    "Once upon a time, there was a little girl named Lily. She",
    "",
    " ",
    'The fox said, "Hello!"\n\nThen',
    "Zoë's café — naïve 狐狸 🦊 said",
    "two  spaces and a trailing one ",
    "Tom and Anna went to the wood. " * 40,
]


def fail(text: str) -> None:
    sys.exit(f"check_transformers: {text}")


def collapse(prompt: str) -> dict[int, dict]:
    command = [os.environ["COLLAPSE"], "next", "--model", str(MODEL), "--prompt", prompt, "--all", "--json"]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if run.returncode != 0:
        fail(f"`{' '.join(command)}` ended with {run.returncode}:\n{run.stderr}")
    tokens = json.loads(run.stdout)["tokens"]
    by_id = {token["id"]: token for token in tokens}
    if len(by_id) != len(tokens):
        fail(f"`collapse next` prints {len(tokens) - len(by_id)} ids twice after {prompt!r}")
    return by_id


def open_model() -> tuple:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        if not (MODEL / name).is_file():
            fail(f"{MODEL / name} does not exist; `collapse pretrain models/storyteller/training.toml` writes it")
    tokenizer = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)
    model, report = AutoModelForCausalLM.from_pretrained(
        MODEL, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    if type(model).__name__ != "LlamaForCausalLM":
        fail(f"transformers opens the model as {type(model).__name__}, not as a plain LlamaForCausalLM")
    troubles = {kind: sorted(found) for kind, found in report.items() if found}
    if troubles:
        fail(f"transformers does not find the tensors that it expects: {troubles}")
    return tokenizer, model.eval()


@torch.no_grad()
def main() -> None:
    if "COLLAPSE" not in os.environ:
        fail("set COLLAPSE to the path of the `collapse` binary")
    tokenizer, model = open_model()
    worst = 0.0
    for prompt in PROMPTS:
        ids = tokenizer(prompt)["input_ids"]
        if ids[0] != tokenizer.bos_token_id:
            fail(f"the tokenizer's template does not put the beginning-of-text token before {prompt!r}")
        theirs = model(torch.tensor([ids])).logits[0, -1].double()
        tokens = collapse(prompt)
        if sorted(tokens) != list(range(len(theirs))):
            fail(f"`collapse next` prints {len(tokens)} tokens, transformers has {len(theirs)}")
        ours = torch.tensor([tokens[index]["logit"] for index in range(len(theirs))], dtype=torch.float64)
        difference = float((ours - theirs).abs().max() / (theirs.max() - theirs.min()))
        if not difference <= PROMISE:
            where = int((ours - theirs).abs().argmax())
            fail(
                f"after {prompt[:60]!r} ({len(ids)} tokens) the logits differ by {difference:.2e} of their spread, "
                f"at most {PROMISE:.0e} is promised; token {where}: {ours[where]:.6f} here, {theirs[where]:.6f} in transformers"
            )
        worst = max(worst, difference)
    for index, token in tokens.items():
        if token["text"] != tokenizer.decode([index]):
            fail(f"token {index} is {token['text']!r} here and {tokenizer.decode([index])!r} in transformers")
    print(f"{len(PROMPTS)} prompts: logits within {worst:.1e} of their spread, {len(tokens)} tokens with the same text")


if __name__ == "__main__":
    main()
