"""Checks that adapters open in Python's `peft` with the logits of this project.

    COLLAPSE=target/release/collapse python tests/python/check_adapters.py

opens the adapter that `make_adapter_fixture.py` made, and every adapter of models/storyteller/adapters, each on its base, with
`peft`; asks `collapse next --adapter ... --all --json` for the row after each prompt, and compares: logits may differ by at most
a ten-thousandth of the row's spread. Says what differs and exits with 1 where something does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# Everything is on the disk; nothing is to be looked up.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "crates/transformer/tests/fixtures"
STORYTELLER = ROOT / "models/storyteller"
PROMISE = 1e-4

PROMPTS = ["The fox", "I went to the hardware store to buy a hammer.", "Think of a number from 1 to 100."]


def fail(text: str) -> None:
    sys.exit(f"check_adapters: {text}")


def collapse(model: Path, adapter: Path, prompt: str) -> torch.Tensor:
    command = [os.environ["COLLAPSE"], "next", "--model", str(model), "--adapter", str(adapter), "--prompt", prompt]
    run = subprocess.run([*command, "--all", "--json"], capture_output=True, text=True, encoding="utf-8")
    if run.returncode != 0:
        fail(f"`{' '.join(command)}` ended with {run.returncode}:\n{run.stderr}")
    tokens = sorted(json.loads(run.stdout)["tokens"], key=lambda token: token["id"])
    return torch.tensor([token["logit"] for token in tokens], dtype=torch.float64)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max() / (theirs.max() - theirs.min()))


@torch.no_grad()
def check(model: Path, adapter: Path) -> float:
    base = AutoModelForCausalLM.from_pretrained(model, local_files_only=True, dtype=torch.float32).eval()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"))
    # Not through the texts' own special tokens: the text begins with the beginning-of-text token.
    encoded = [tokenizer(p)["input_ids"] for p in PROMPTS]
    plain = [base(torch.tensor([ids])).logits[0, -1].double() for ids in encoded]
    tuned = PeftModel.from_pretrained(base, adapter).eval()
    worst = 0.0
    for prompt, ids, before in zip(PROMPTS, encoded, plain):
        theirs = tuned(torch.tensor([ids])).logits[0, -1].double()
        if difference(before, theirs) < PROMISE:
            fail(f"{adapter}: the adapter changes nothing in peft after {prompt!r}")
        differs = difference(collapse(model, adapter, prompt), theirs)
        if not differs <= PROMISE:
            fail(f"{adapter}, after {prompt!r}: the logits differ by {differs:.2e} of their spread, {PROMISE:.0e} is promised")
        worst = max(worst, differs)
    return worst


def main() -> None:
    if "COLLAPSE" not in os.environ:
        fail("set COLLAPSE to the path of the `collapse` binary")
    pairs = [(FIXTURES / "grouped_tied_f16", FIXTURES / "grouped_tied_f16_adapter")]
    shipped = sorted(STORYTELLER.glob("adapters/*/adapter_config.json"))
    pairs += [(STORYTELLER, config.parent) for config in shipped]
    worst = max(check(model, adapter) for model, adapter in pairs)
    print(f"{len(pairs)} adapters, {len(PROMPTS)} prompts each: logits within {worst:.1e} of their spread")


if __name__ == "__main__":
    main()
