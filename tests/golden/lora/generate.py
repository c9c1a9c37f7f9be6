#!/usr/bin/env python3
"""Writes the golden files of this folder with PEFT, on the checkpoints of ../model, or checks an adapter.

    venv/bin/pip install peft==0.21.2          # into the venv of ../model/generate.py
    venv/bin/python tests/golden/lora/generate.py                  # writes graft/, decoder/
    venv/bin/python tests/golden/lora/generate.py --check MODEL ADAPTER FILE  # an adapter that artemis wrote

graft/ is an adapter on the graft ../model/base/checkpoint (all seven targets, the projector among
modules_to_save), decoder/ one on a bare Llama decoder that is written to decoder/checkpoint (two targets).
Each holds adapter/ as PEFT saves it, and expected.safetensors: input_ids, labels, loss, logits, and the
gradients of every A and B under "grad." + the name in the model.

--check opens an adapter that artemis wrote with PeftModel.from_pretrained and compares its logits (1e-4) with those
in FILE, which "artemis forward --model MODEL --adapter ADAPTER --messages ... --out FILE" wrote of a text.

Findings about PEFT 0.21.2 that the program follows:
* A tensor's name is "base_model.model." + the module's path in the wrapped model + ".lora_A.weight". The
  graft holds its decoder as `language_model`, so there it is base_model.model.language_model.model.layers...;
  a bare decoder's begins base_model.model.model.layers...
* modules_to_save lie in the same file under "base_model.model." + their own names.
* Of adapter_config.json, peft_type, r, lora_alpha, target_modules, task_type, bias and
  base_model_name_or_path suffice to open an adapter.
"""

import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging as hf_logging

from artemis_vlm import ArtemisVLMForConditionalGeneration

torch.set_num_threads(1)
hf_logging.set_verbosity_error()
hf_logging.disable_progress_bar()

HERE = Path(__file__).resolve().parent
GRAFT = HERE.parent / "model" / "base" / "checkpoint"
CASE = HERE.parent / "model" / "base" / "one_image.safetensors"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
OPTIONS = {
    "graft": dict(r=4, lora_alpha=6, target_modules=ALL, modules_to_save=["multi_modal_projector"]),
    "decoder": dict(r=3, lora_alpha=16, target_modules=["q_proj", "down_proj"]),
}


def write_decoder():
    torch.manual_seed(5)
    config = LlamaConfig(vocab_size=96, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=64,
                         initializer_range=0.2)
    LlamaForCausalLM(config).save_pretrained(HERE / "decoder" / "checkpoint")


def open_base(kind):
    if kind == "graft":
        return ArtemisVLMForConditionalGeneration.from_pretrained(GRAFT, dtype=torch.float32).eval()
    return LlamaForCausalLM.from_pretrained(HERE / "decoder" / "checkpoint", dtype=torch.float32).eval()


def inputs(kind):
    if kind == "decoder":
        ids = torch.arange(40).mul(7).remainder(96)[None]
        return {"input_ids": ids, "labels": ids}
    with safe_open(CASE, "pt") as case:
        batch = {name: case.get_tensor(name) for name in ("input_ids", "labels", "pixel_values", "image_grid_thw")}
    for name in ("input_ids", "labels"):
        batch[name] = batch[name][None]
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    return batch


def plain_name(name):
    return name.removeprefix("base_model.model.").replace(".default.", ".").replace(".modules_to_save.", ".")


def make(kind):
    folder = HERE / kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if kind == "decoder":
        write_decoder()
    model = get_peft_model(open_base(kind), LoraConfig(task_type="CAUSAL_LM", bias="none", **OPTIONS[kind]))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if "lora_" in name:
                p.copy_(0.3 * torch.randn(p.shape, generator=generator))
            elif p.requires_grad:  # a module that is saved whole
                p.add_(0.05 * torch.randn(p.shape, generator=generator))
    model.eval()
    batch = inputs(kind)
    result = model(**batch)
    result.loss.backward()
    out = {"input_ids": batch["input_ids"][0], "labels": batch["labels"][0], "loss": result.loss,
           "logits": result.logits[0]}
    out.update({"grad." + plain_name(n): p.grad for n, p in model.named_parameters() if p.grad is not None})
    save_file({k: v.detach().contiguous().clone() for k, v in out.items()}, folder / "expected.safetensors")
    model.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    settings = folder / "adapter" / "adapter_config.json"
    values = json.loads(settings.read_text())
    values["base_model_name_or_path"] = "base"  # not a path of the machine that made it
    values["target_modules"] = sorted(values["target_modules"])
    settings.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    with safe_open(folder / "adapter" / "adapter_model.safetensors", "pt") as file:
        print(kind, len(list(file.keys())), "tensors, the first:", sorted(file.keys())[0])


def check(base, adapter, file):
    graft = json.loads((Path(base) / "config.json").read_text())["model_type"] == "artemis_vlm"
    kind = ArtemisVLMForConditionalGeneration if graft else AutoModelForCausalLM
    model = kind.from_pretrained(base, dtype=torch.float32).eval()
    with safe_open(file, "pt") as written:
        tensors = {name: written.get_tensor(name) for name in written.keys()}
    batch = {"input_ids": tensors["input_ids"].reshape(1, -1).long()}
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])

    def gap():
        with torch.no_grad():
            logits = model(**batch).logits[0]
        return float((logits - tensors["logits"]).abs().max() / logits.abs().max())

    without = gap()
    model = PeftModel.from_pretrained(model, adapter).eval()
    print(f"logits differ by {gap():.2e} of the largest with the adapter, by {without:.2e} without it")
    sys.exit(0 if gap() <= 1e-4 < without else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(*sys.argv[2:5])
    for each in OPTIONS:
        make(each)
