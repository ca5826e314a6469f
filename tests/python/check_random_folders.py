"""Checks that random folders of `transformers`, and random adapters of PEFT, have the logits of this project or are refused by name.

    COLLAPSE=target/release/collapse python tests/python/check_random_folders.py [SEED]

makes a hundred tiny Llamas with `save_pretrained` and a hundred LoRA adapters with PEFT, all of random settings, some of which ask for
what this project does not compute. Each must give the ids and logits that `transformers` and PEFT give for the same folder (to a
ten-thousandth of the row's spread), or be refused by the field that asks for more. Says what differs and exits with 1 where something
does.
"""

import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

COUNT = 100
PROMISE = 1e-4
PROMPT = "ab <|end|> cZ"

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def fail(text: str) -> None:
    sys.exit(f"check_random_folders: {text}")


def collapse(model: Path, adapter: Path | None = None) -> dict[int, float] | str:
    """Logits by id, or the refusal."""
    command = [os.environ["COLLAPSE"], "next", "--model", str(model), "--prompt", PROMPT, "--all", "--json"]
    if adapter:
        command += ["--adapter", str(adapter)]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if run.returncode == 1:
        return run.stderr
    if run.returncode != 0:
        fail(f"`{' '.join(command)}` ended with {run.returncode}:\n{run.stderr}")
    return {token["id"]: token["logit"] for token in json.loads(run.stdout)["tokens"]}


def judge(name: str, ours: dict[int, float] | str, theirs: torch.Tensor, odd: list[str]) -> bool:
    """Whether it opened. `odd` are names, one of which a refusal must say."""
    if isinstance(ours, str):
        if not any(f"`{field}`" in ours for field in odd):
            fail(f"{name} is refused, and not by one of {odd}:\n{ours}")
        return False
    rows = torch.tensor([ours[index] for index in range(len(theirs))], dtype=torch.float64)
    difference = float((rows - theirs).abs().max() / (theirs.max() - theirs.min()))
    if not difference <= PROMISE:
        fail(f"{name} opens with logits that differ by {difference:.1e} of the spread; asked for: {odd or 'nothing odd'}")
    return True


# --- models ----------------------------------------------------------------------------------------------------------------


def tokenizer(dice: random.Random, odd: list[str]) -> PreTrainedTokenizerFast:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<|begin|>", "<|end|>", *letters, "ab"])}
    made = Tokenizer(models.BPE(vocabulary, [("a", "b")]))
    made.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in ("<|begin|>", "<|end|>")])
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=dice.random() < 0.3)
    made.decoder = decoders.ByteLevel()
    single = dice.choice(["<|begin|> $A"] * 4 + ["$A"] * 2 + ["<|begin|> <|begin|> $A", "<|begin|> $A <|end|>"])
    if single.endswith("<|end|>"):
        odd.append("post_processor")
    special = [("<|begin|>", 0), ("<|end|>", 1)]
    if dice.random() < 0.9:
        made.post_processor = processors.TemplateProcessing(single=single, pair=f"{single} $B", special_tokens=special)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<|begin|>", eos_token="<|end|>")


def config(dice: random.Random, odd: list[str]) -> LlamaConfig:
    heads = dice.choice([1, 2, 4, 6])
    keys = dice.choice([number for number in (1, 2, 3, 6) if heads % number == 0])
    head = dice.choice([2, 4, 8, 10])
    settings = dict(
        vocab_size=dice.choice([259, 260, 300]),
        hidden_size=heads * dice.choice([4, 6, 8]),
        intermediate_size=dice.choice([8, 20, 33]),
        num_hidden_layers=dice.choice([1, 2, 3]),
        num_attention_heads=heads,
        num_key_value_heads=keys,
        head_dim=head,
        max_position_embeddings=dice.choice([32, 64, 4096]),
        rms_norm_eps=dice.choice([1e-5, 1e-6, 1e-3]),
        tie_word_embeddings=dice.random() < 0.5,
        bos_token_id=dice.choice([0, None]),
        eos_token_id=dice.choice([1, [1, 2], None]),
        pad_token_id=dice.choice([None, 0]),
        hidden_act="silu",
        initializer_range=0.4,
        attention_dropout=dice.choice([0.0, 0.1]),
    )
    theta = dice.choice([10_000.0, 500_000.0, 100.0])
    rope = {"rope_type": "default", "rope_theta": theta}
    match dice.randrange(12):
        case 0:
            rope = {"rope_type": "linear", "factor": 2.0, "rope_theta": theta}
            odd += ["rope_scaling", "rope_parameters.rope_type"]
        case 1:
            rope = {
                "rope_type": "llama3", "factor": 8.0, "rope_theta": theta, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16,
            }  # fmt: skip
            odd += ["rope_scaling", "rope_parameters.rope_type"]
        case 2:
            settings["hidden_act"] = "gelu"
            odd.append("hidden_act")
        case 3:
            settings["attention_bias"] = True
            odd.append("attention_bias")
        case 4:
            settings["mlp_bias"] = True
            odd.append("mlp_bias")
        case 5:
            settings["hidden_act"] = "swish"
    settings["rope_parameters"] = rope
    return LlamaConfig(**settings)


def respell(folder: Path, dice: random.Random) -> None:
    """Writes config.json as an older version or another program would: the same model."""
    path = folder / "config.json"
    text = json.loads(path.read_text())
    rope = text.get("rope_parameters", {})
    match dice.randrange(5):
        case 0 if rope.get("rope_type") == "default":
            text["rope_theta"] = rope["rope_theta"]
            del text["rope_parameters"]
            text["rope_scaling"] = dice.choice([None, {}, {"type": "default"}, {"rope_type": "default"}])
        case 1:
            text["torch_dtype"] = text.pop("dtype", "float32")
        case 2:
            text["use_cache"], text["_name_or_path"] = False, "somewhere/else"
    path.write_text(json.dumps(text))


@torch.no_grad()
def check_models(dice: random.Random, home: Path) -> tuple[int, int]:
    opened = 0
    for number in range(COUNT):
        odd: list[str] = []
        folder = home / f"model-{number}"
        torch.manual_seed(dice.randrange(1 << 30))
        model = LlamaForCausalLM(config(dice, odd))
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(-1.5, 1.5)
        model = model.to(dice.choice([torch.float32, torch.float16, torch.bfloat16]))
        made = tokenizer(dice, odd)
        model.save_pretrained(folder, max_shard_size=dice.choice(["5GB", "5GB", "20KB"]))
        made.save_pretrained(folder)
        respell(folder, dice)
        ids = AutoTokenizer.from_pretrained(folder, local_files_only=True)(PROMPT)["input_ids"]
        again = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
        theirs = again(torch.tensor([ids])).logits[0, -1].double()
        opened += judge(f"model {number} ({folder})", collapse(folder), theirs, odd)
    return opened, COUNT - opened


# --- adapters --------------------------------------------------------------------------------------------------------------

NAMES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def lora(dice: random.Random, odd: list[str]) -> LoraConfig:
    chosen = dice.sample(NAMES, dice.randint(1, 7))
    targets: list[str] | str = chosen
    match dice.randrange(4):
        case 0:
            targets = rf".*\.({'|'.join(chosen)})"
        case 1:
            part = {name: "mlp" if name in NAMES[4:] else "self_attn" for name in chosen}
            targets = [f"model.layers.{layer}.{part[name]}.{name}" for name in chosen for layer in (0, 1, 2)]
    settings = dict(
        r=dice.choice([1, 2, 4]),
        lora_alpha=dice.choice([1, 4, 16]),
        target_modules=targets,
        use_rslora=dice.random() < 0.3,
        task_type=dice.choice(["CAUSAL_LM", None]),
        lora_dropout=dice.choice([0.0, 0.1]),
        init_lora_weights=dice.choice([True, False, "gaussian"]),
    )
    if dice.random() < 0.3:
        settings["rank_pattern"] = {dice.choice([chosen[0], rf"layers\.[01]\..*\.{chosen[0]}"]): 3}
    if dice.random() < 0.3:
        settings["alpha_pattern"] = {dice.choice([chosen[-1], rf"layers.1.*{chosen[-1]}"]): 32}
    if targets is chosen and dice.random() < 0.3:
        settings["layers_to_transform"] = dice.choice([1, [0, 2]])
    if targets is chosen and len(chosen) > 1 and dice.random() < 0.2:
        settings["exclude_modules"] = [chosen[1]]
    match dice.randrange(10):
        case 0:
            settings["use_dora"] = True
            odd.append("use_dora")
        case 1:
            settings["bias"] = dice.choice(["all", "lora_only"])
            odd.append("bias")
        case 2:
            settings["modules_to_save"] = ["lm_head"]
            odd.append("modules_to_save")
        case 3 if targets is chosen:
            settings["target_modules"] = [*chosen, dice.choice(["embed_tokens", "lm_head"])]
            odd.append("target_modules")
        case 4:
            settings["init_lora_weights"] = "pissa"
            settings.pop("rank_pattern", None)
            odd.append("init_lora_weights")
    return LoraConfig(**settings)


@torch.no_grad()
def check_adapters(dice: random.Random, home: Path) -> tuple[int, int]:
    base = home / "base"
    torch.manual_seed(1)
    sizes = dict(vocab_size=260, hidden_size=24, intermediate_size=20, num_hidden_layers=3, num_attention_heads=4)
    model = LlamaForCausalLM(LlamaConfig(**sizes, num_key_value_heads=2, initializer_range=0.4, bos_token_id=0, eos_token_id=1))
    model.save_pretrained(base)
    made = tokenizer(random.Random(0), [])
    made.save_pretrained(base)
    ids = torch.tensor([AutoTokenizer.from_pretrained(base, local_files_only=True)(PROMPT)["input_ids"]])
    opened = 0
    for number in range(COUNT):
        odd: list[str] = []
        folder = home / f"adapter-{number}"
        fresh = AutoModelForCausalLM.from_pretrained(base, local_files_only=True, dtype=torch.float32)
        tuned = get_peft_model(fresh, lora(dice, odd))
        for name, parameter in tuned.named_parameters():
            if "lora_" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
        tuned.save_pretrained(folder)
        fresh = AutoModelForCausalLM.from_pretrained(base, local_files_only=True, dtype=torch.float32)
        again = PeftModel.from_pretrained(fresh, folder).eval()
        theirs = again(ids).logits[0, -1].double()
        opened += judge(f"adapter {number} ({folder})", collapse(base, folder), theirs, odd)
    return opened, COUNT - opened


def main() -> None:
    if "COLLAPSE" not in os.environ:
        fail("set COLLAPSE to the path of the `collapse` binary")
    dice = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        for kind, check in (("models", check_models), ("adapters", check_adapters)):
            opened, refused = check(dice, Path(home))
            if opened < COUNT // 3 or refused < 3:
                fail(f"{opened} {kind} opened and {refused} were refused: too few of one for a check")
            print(f"{kind}: {opened} agree within {PROMISE:.0e} of the row's spread, {refused} are refused by the field that asks for more")


if __name__ == "__main__":
    main()
