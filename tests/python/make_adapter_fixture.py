"""Makes an adapter with Python's `peft` that `crates/transformer` must open and compute exactly as `peft` does.

    pip install -r tests/python/requirements.txt
    python tests/python/make_adapter_fixture.py

writes `crates/transformer/tests/fixtures/grouped_tied_f16_adapter`, the same on every run: adapter_config.json and
adapter_model.safetensors as `save_pretrained` writes them, on the model of `make_llama_fixtures.py`, and

expected.json   logits of some token sequences under the adapter.
"""

import json
import shutil
from pathlib import Path

import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaForCausalLM

FIXTURES = Path(__file__).resolve().parents[2] / "crates/transformer/tests/fixtures"
BASE = FIXTURES / "grouped_tied_f16"
ADAPTER = FIXTURES / "grouped_tied_f16_adapter"


def base() -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(BASE, local_files_only=True, dtype=torch.float32).eval()


@torch.no_grad()
def main() -> None:
    shutil.rmtree(ADAPTER, ignore_errors=True)
    torch.manual_seed(5)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=3, lora_alpha=7, lora_dropout=0.1, target_modules=["q_proj", "v_proj", "up_proj", "down_proj"]
    )
    model = get_peft_model(base(), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero when fresh, which would hide an adapter that is left out
            parameter.data = 0.2 * torch.randn(parameter.shape)
    model.save_pretrained(ADAPTER)
    (ADAPTER / "README.md").unlink(missing_ok=True)
    path = ADAPTER / "adapter_config.json"
    written = json.loads(path.read_text())
    # The order of a set differs from run to run, and the path from machine to machine.
    written["target_modules"].sort()
    written["base_model_name_or_path"] = BASE.name
    path.write_text(json.dumps(written, indent=2) + "\n")
    # Through the files: what any reader of them should compute.
    opened = PeftModel.from_pretrained(base(), ADAPTER).eval()
    random = torch.Generator().manual_seed(3)
    sequences = [[1], torch.randint(opened.config.vocab_size, (9,), generator=random).tolist()]
    rows = [[[float(f"{z:.8g}") for z in row] for row in opened(torch.tensor([s])).logits[0].tolist()] for s in sequences]
    content = {"peft": peft.__version__, "sequences": [{"tokens": s, "last_rows": r} for s, r in zip(sequences, rows)]}
    (ADAPTER / "expected.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
