#!/usr/bin/env python3
"""Writes the golden files of this folder from the public Python package artemis-vlm.

Make a venv and run (one thread, a few minutes, no GPU):

    python3 -m venv venv
    venv/bin/pip install --extra-index-url <the CPU index of PyTorch> torch torchvision
    venv/bin/pip install artemis-vlm==0.1.4 transformers==5.24.0 tokenizers safetensors scikit-image
    venv/bin/python tests/golden/model/generate.py            # everything
    venv/bin/python tests/golden/model/generate.py base odd   # these configurations alone

Everything is drawn from fixed seeds on one thread, so that a second run with the same package
versions writes the same bytes. README.md says what each file holds.

Findings about the reference that shaped this file (artemis-vlm 0.1.4 with transformers 5.24.0):

* `generate()` with pictures. transformers 5.24 calls the KV cache `cache`; the package's
  `prepare_inputs_for_generation` still asks `past_key_values is None`, which is then always true.
  So pictures are passed again with every later token, and the run ends with "Image placeholder
  tokens (0) != image features (N)" at the second token. For that reason generate.json comes from
  a greedy loop of our own that runs the whole sequence again for each token, without a cache.
  `probe_generate` runs the package's own generate and writes what it did into generate.json.
* A decoder with tied embeddings. Its checkpoint holds no lm_head.weight (as for any tied model), but
  the package declares no tied keys, so its own from_pretrained leaves the head freshly random. The
  golden files tie the head again after loading, which is what the text checkpoint means.
* bf16 models are opened with from_pretrained(dtype=bfloat16): `.to(bfloat16)` on a live model would
  round the rotary frequencies (non-persistent buffers) as well. `from_a2_and_vision` does exactly
  that to the tower: a graft just made in bf16 runs its tower with bf16 frequencies until it is saved
  and opened again, and then with f32 ones. The files here always come from opened checkpoints.
"""

import argparse
import hashlib
import json
import math
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from skimage import data as photographs
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    get_cosine_schedule_with_warmup,
)
from transformers.utils import logging as hf_logging

from conversations import BOTH, ONE, TEXT, THREE, all_cases, cases_of, said, user

from artemis_vlm import (
    ArtemisDataCollator,
    ArtemisVLMConfig,
    ArtemisVLMForConditionalGeneration,
    ArtemisVLMProcessor,
)

torch.set_num_threads(1)
hf_logging.set_verbosity_error()
hf_logging.disable_progress_bar()

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"

# ---------------------------------------------------------------------------------------------
# Pictures: crops of scikit-image's public-domain photographs, of odd sizes and modes.
# name: (photograph, left, top, width, height, mode)
# ---------------------------------------------------------------------------------------------
PICTURES = {
    "face.png": ("astronaut", 190, 60, 77, 50, "RGB"),
    "cup.png": ("coffee", 240, 130, 97, 61, "RGB"),
    "cat.png": ("chelsea", 120, 60, 47, 33, "RGB"),
    "strip.png": ("coffee", 60, 190, 150, 37, "RGB"),
    "gray.png": ("chelsea", 180, 70, 51, 70, "L"),
    "palette.png": ("astronaut", 10, 20, 65, 64, "PA"),
}


def photograph(name):
    return Image.fromarray(getattr(photographs, name)()).convert("RGB")


def crop(spec):
    name, left, top, width, height, mode = spec
    picture = photograph(name).crop((left, top, left + width, top + height))
    if mode == "L":
        return picture.convert("L")
    if mode == "PA":  # a palette with an alpha value per entry
        alpha = np.linspace(0, 255, width, dtype=np.uint8)[None, :].repeat(height, 0)
        rgba = picture.convert("RGBA")
        rgba.putalpha(Image.fromarray(alpha))
        return rgba.quantize(64, method=Image.Quantize.FASTOCTREE)
    return picture


def write_pictures():
    IMAGES.mkdir(exist_ok=True)
    for name, spec in PICTURES.items():
        crop(spec).save(IMAGES / name, optimize=True)


def load_picture(path):
    with Image.open(path) as picture:
        picture.load()
        return picture


# ---------------------------------------------------------------------------------------------
# Tokenizer: byte-level BPE with Tekken's split pattern and the marks at their A-series ids.
# ---------------------------------------------------------------------------------------------
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "<pad>", "[PREFIX]", "[MIDDLE]", "[SUFFIX]",
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>",
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
    "<|im_start|>", "<|im_end|>", "<SPECIAL_26>", "<SPECIAL_27>", "<SPECIAL_28>", "<SPECIAL_29>",
    "<SPECIAL_30>", "<SPECIAL_31>",
]
VOCABULARY = 448
IM_END, EOS, BOS, PAD = 25, 2, 1, 10


def build_tokenizer(add_bos):
    tokenizer = Tokenizer(models.BPE(unk_token=None, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(TEKKEN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    corpus = ["system\n", "user\n", "assistant\n"] * 50 + CAPTIONS * 2
    for case in all_cases():
        for message in case["messages"]:
            content = message.get("content") or ""
            parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
            corpus += parts * 4
    tokenizer.train_from_iterator(corpus, trainer)
    if add_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", BOS)]
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="<|im_end|>",
        pad_token="<pad>", padding_side="right", clean_up_tokenization_spaces=False,
        model_max_length=131072, model_input_names=["input_ids", "attention_mask"],
    )
    fast.chat_template = (HERE / "chat_template.jinja").read_text().rstrip("\n")
    for i, token in enumerate(SPECIAL):
        assert fast.convert_tokens_to_ids(token) == i, token
    assert len(fast) == VOCABULARY, len(fast)
    return fast


# ---------------------------------------------------------------------------------------------
# Configurations
# ---------------------------------------------------------------------------------------------
def vision(**k):
    return dict(dict(in_channels=3, spatial_merge_size=2, temporal_patch_size=2, patch_size=16,
                     hidden_act="gelu_pytorch_tanh"), **k)


def text(kind, theta, **k):
    k.setdefault("rope_parameters", {"rope_type": "default", "rope_theta": theta})
    return dict(dict(model_type=kind, vocab_size=VOCABULARY, max_position_embeddings=2048, hidden_act="silu",
                     bos_token_id=BOS, eos_token_id=IM_END, pad_token_id=PAD, tie_word_embeddings=False), **k)


CONFIGS = {
    # GQA 2, head_dim != hidden/heads, Mistral-Nemo's theta
    "base": dict(
        seed=11, projector="gelu", bos=False,
        vision=vision(depth=2, hidden_size=32, num_heads=2, intermediate_size=64, out_hidden_size=40,
                      num_position_embeddings=36, deepstack_visual_indexes=[0]),
        text=text("mistral", 1e6, hidden_size=32, intermediate_size=72, num_hidden_layers=2,
                  num_attention_heads=4, num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-5, sliding_window=None)),
    # heads of 20 in tower and decoder, no GQA, patch 14, odd sides, tanh projector
    "odd": dict(
        seed=12, draw=dict(gain=0.6), projector="gelu_pytorch_tanh", bos=False,
        vision=vision(depth=3, hidden_size=40, num_heads=2, intermediate_size=52, out_hidden_size=28,
                      num_position_embeddings=49, deepstack_visual_indexes=[1], patch_size=14),
        text=text("mistral", 5e4, hidden_size=36, intermediate_size=60, num_hidden_layers=3,
                  num_attention_heads=3, num_key_value_heads=3, head_dim=20, rms_norm_eps=1e-6, sliding_window=None)),
    # sliding window shorter than every sequence, GQA 4, patch 8, no DeepStack mergers, silu projector
    "window": dict(
        seed=13, projector="silu", bos=False,
        vision=vision(depth=2, hidden_size=64, num_heads=4, intermediate_size=96, out_hidden_size=48,
                      num_position_embeddings=16, deepstack_visual_indexes=[], patch_size=8),
        text=text("mistral", 1e4, hidden_size=24, intermediate_size=56, num_hidden_layers=3,
                  num_attention_heads=4, num_key_value_heads=1, head_dim=24, rms_norm_eps=1e-3, sliding_window=12)),
    # Llama class: tied head, llama3 scaling, biases in attention and MLP
    "llama": dict(
        seed=102, draw=dict(gain=0.8, embedding=0.03, bias=0.03), projector="gelu", bos=False,
        vision=vision(depth=4, hidden_size=32, num_heads=4, intermediate_size=48, out_hidden_size=24,
                      num_position_embeddings=400, deepstack_visual_indexes=[1]),
        text=text("llama", 0, hidden_size=40, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, head_dim=32, rms_norm_eps=1e-5, tie_word_embeddings=True,
                  attention_bias=True, mlp_bias=True,
                  rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                                   "high_freq_factor": 4.0, "original_max_position_embeddings": 64})),
    # sharded; the tokenizer prepends <s>; several DeepStack mergers; six tower heads
    "bos": dict(
        seed=15, draw=dict(gain=0.6), projector="gelu", bos=True, shard="120KB",
        vision=vision(depth=3, hidden_size=24, num_heads=6, intermediate_size=40, out_hidden_size=32,
                      num_position_embeddings=25, deepstack_visual_indexes=[0, 1, 2]),
        text=text("mistral", 1e6, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=8,
                  num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-5, sliding_window=40)),
}


def draw(model, seed, gain=0.8, embedding=0.8, bias=0.2):
    """Weights large enough that every part shows in the output: spread norms, live biases."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() == 1:
                is_norm = "norm" in name and name.endswith("weight")
                p.copy_(1 + 0.25 * noise if is_norm else (bias if name.startswith("language_model") else 0.2) * noise)
            elif name.endswith("embed_tokens.weight"):
                p.copy_(embedding * noise)
            elif name.endswith("pos_embed.weight"):
                p.copy_(0.7 * noise)
            else:
                p.copy_(noise * gain / math.sqrt(p[0].numel()))


def generation_config():
    return GenerationConfig(bos_token_id=BOS, eos_token_id=[IM_END, EOS], pad_token_id=PAD, do_sample=False)


def make_checkpoint(name, spec, folder):
    torch.manual_seed(spec["seed"])
    config = ArtemisVLMConfig(vision_config=dict(spec["vision"]), text_config=dict(spec["text"]),
                              projector_hidden_act=spec["projector"])
    model = ArtemisVLMForConditionalGeneration(config).float()
    draw(model, spec["seed"], **spec.get("draw", {}))
    model.generation_config = generation_config()
    model.save_pretrained(folder, max_shard_size=spec.get("shard", "5GB"))
    build_tokenizer(spec["bos"]).save_pretrained(folder)
    return model


def open_checkpoint(folder, dtype=torch.float32):
    model = ArtemisVLMForConditionalGeneration.from_pretrained(folder, dtype=dtype)
    if model.config.text_config.tie_word_embeddings:  # see the findings at the top
        model.language_model.lm_head.weight = model.language_model.model.embed_tokens.weight
    return model.eval()


# ---------------------------------------------------------------------------------------------
# One configuration
# ---------------------------------------------------------------------------------------------
def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def readable(folder):
    """save_pretrained and save_file write for the owner alone; a repository wants plain modes."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)


def contiguous(tensors):
    return {k: v.detach().contiguous().clone() for k, v in tensors.items()}


def gradients(model, batch):
    model.zero_grad(set_to_none=True)
    model(**batch).loss.backward()
    found = {"grad." + n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return contiguous(found)


def greedy(model, batch, steps):
    """Argmax, whole sequence again for every token, no end token. Also the smallest lead of the winner.

    Features are spliced into the prompt alone: a picture mark that the model itself says keeps its embedding."""
    embed = model.get_input_embeddings()
    said_ids, lead = [], float("inf")
    with torch.no_grad():
        states = embed(batch["input_ids"])
        if "pixel_values" in batch:
            marks = batch["input_ids"] == model.config.image_token_id
            features = model.get_image_features(batch["pixel_values"], batch["image_grid_thw"])
            assert int(marks.sum()) == features.shape[0]
            states = states.masked_scatter(marks[..., None].expand_as(states), features)
            whole = model(**batch).logits
            assert torch.equal(whole, model(inputs_embeds=states, attention_mask=batch["attention_mask"]).logits)
        for _ in range(steps):
            top = model(inputs_embeds=states).logits[0, -1].topk(2)
            lead = min(lead, float(top.values[0] - top.values[1]))
            said_ids.append(int(top.indices[0]))
            states = torch.cat([states, embed(top.indices[:1][None])], dim=1)
    return said_ids, lead


def probe_generate(model, batch):
    try:
        out = model.generate(**batch, max_new_tokens=8, do_sample=False, eos_token_id=None)
        return {"ids": out[0, batch["input_ids"].shape[1]:].tolist()}
    except Exception as error:  # the finding itself
        return {"error": f"{type(error).__name__}: {error}"}


def make_config(name, spec):
    folder = HERE / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    checkpoint = folder / "checkpoint"
    drawn = make_checkpoint(name, spec, checkpoint)
    model = open_checkpoint(checkpoint)
    for (n, a), (_, b) in zip(drawn.state_dict().items(), model.state_dict().items()):
        assert torch.equal(a, b), f"{name}: {n} changed by save and load"
    count = sum(p.numel() for p in model.parameters())
    half = open_checkpoint(checkpoint, torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    processor = ArtemisVLMProcessor(tokenizer, model.config.vision_config)
    collate = ArtemisDataCollator(processor)

    listed = []
    for case in cases_of(name):
        images = [load_picture(IMAGES / f) for f in case["images"]]
        row = {"messages": case["messages"], "images": images}
        batch = collate([row])
        out = {"input_ids": batch["input_ids"][0], "labels": batch["labels"][0]}
        with torch.no_grad():
            if images:
                out["pixel_values"] = batch["pixel_values"].float()
                out["image_grid_thw"] = batch["image_grid_thw"]
                out["image_features"] = model.get_image_features(batch["pixel_values"], batch["image_grid_thw"])
            result = model(**batch)
            out["logits"], out["loss"] = result.logits[0], result.loss
            if case["bf16"]:
                if images:
                    out["image_features_bf16"] = half.get_image_features(
                        batch["pixel_values"], batch["image_grid_thw"]).float()
                out["logits_bf16"] = half(**batch).logits[0].float()
                gap = float((out["logits_bf16"] - out["logits"]).abs().max() / out["logits"].abs().max())
                print(f"{name}/{case['name']}: bf16 differs by {gap:.4f}")
        entry = {"name": case["name"], "messages_file": f"{case['name']}.messages.json", "images": case["images"],
                 "bf16": case["bf16"], "tokens": int(out["input_ids"].numel())}
        if case["bf16"]:  # how far the reference's own bf16 logits lie from its f32 ones
            entry["bf16_gap"] = round(gap, 5)
        if case["name"] == "three_images":
            entry["gradients"] = "all"
            model.set_training_stage("stage2", unfreeze_vision_top_n=spec["vision"]["depth"])
            for p in model.parameters():
                p.requires_grad = True
            out.update(gradients(model, batch))
        if case["name"] == "one_image":
            entry["gradients"] = "stage1"
            model.set_training_stage("stage1")
            out.update(gradients(model, batch))
        save_file(contiguous(out), folder / f"{case['name']}.safetensors")
        write_json(folder / f"{case['name']}.messages.json", case["messages"])
        listed.append(entry)
    write_json(folder / "cases.json", listed)

    # a collated batch of three mixed rows
    rows = [("text", []), ("one_image", ["gray.png"]), ("two_images", ["cat.png", "face.png"])]
    spoken = {"text": TEXT, "one_image": ONE, "two_images": BOTH}
    batch = collate([{"messages": spoken[n], "images": [load_picture(IMAGES / f) for f in files]} for n, files in rows])
    model.set_training_stage("stage1")
    with torch.no_grad():
        result = model(**batch)
    out = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"], "labels": batch["labels"],
           "image_grid_thw": batch["image_grid_thw"], "loss": result.loss}
    out.update(gradients(model, batch))
    save_file(contiguous(out), folder / "batch.safetensors")
    write_json(folder / "batch.json", [{"messages": spoken[n], "images": files} for n, files in rows])

    # greedy generation
    runs, smallest = [], float("inf")
    for prompt, messages, files in (
        ("text", TEXT[:1], []),
        ("one_image", ONE[:1], ["cup.png"]),
        ("three_images", THREE[:3], ["face.png", "gray.png", "cat.png"]),
    ):
        write_json(folder / f"generate_{prompt}.messages.json", messages)
        for thinking in (True, False):
            rendered = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True,
                                                     enable_thinking=thinking)
            batch = dict(processor(text=rendered, images=[load_picture(IMAGES / f) for f in files] or None))
            batch = {k: v for k, v in batch.items() if k in ("input_ids", "attention_mask", "pixel_values", "image_grid_thw")}
            ids, lead = greedy(model, batch, 64)
            smallest = min(smallest, lead)
            runs.append({"name": prompt, "messages_file": f"generate_{prompt}.messages.json", "images": files,
                         "enable_thinking": thinking, "prompt_ids": batch["input_ids"][0].tolist(), "ids": ids,
                         "text": tokenizer.decode(ids), "smallest_lead": round(lead, 6),
                         "package_generate": probe_generate(model, batch)})
    write_json(folder / "generate.json", runs)
    readable(folder)
    print(f"{name}: {count} parameters, smallest lead of a greedy winner {smallest:.5f}")


# ---------------------------------------------------------------------------------------------
# Captions for the Stage 1 run
# ---------------------------------------------------------------------------------------------
CAPTIONS = [
    "A woman in an orange suit looks at us.", "A flag behind a face.", "The face of a woman.", "An orange sleeve.",
    "A cup of coffee on a table.", "A spoon near a white cup.", "Dark wood, and a saucer.", "The rim of a cup.",
    "A cat with green eyes.", "The nose of a cat.", "Soft fur, in gray and brown.", "The ear of the cat.",
    "A model of a rocket.", "White cloth with a badge.", "Short hair, and a smile.", "A dark corner.",
    "Coffee seen from above.", "The table is brown.", "A shadow on wood.", "A bright spot on china.",
    "Whiskers, very near.", "A cat looks to the side.", "One green eye.", "Fur and light.",
]


# ---------------------------------------------------------------------------------------------
# Fifty optimizer steps of Stage 1
# ---------------------------------------------------------------------------------------------
TRAIN = dict(  # a small decoder that listens to its pictures: soft embeddings, many image tokens
    seed=16, draw=dict(gain=1.2, embedding=0.25), projector="gelu", bos=False,
    vision=vision(depth=2, hidden_size=16, num_heads=2, intermediate_size=32, out_hidden_size=32,
                  num_position_embeddings=36, deepstack_visual_indexes=[0], patch_size=8),
    text=text("mistral", 1e6, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-5, sliding_window=None))
STEPS, MICRO, ACCUMULATION = 50, 2, 2
LEARNING_RATE, WARMUP, DECAY, CLIP = 1e-3, 0.1, 0.01, 0.3
SCENES = (("astronaut", 170, 20, 160, 130), ("coffee", 200, 100, 200, 150), ("chelsea", 110, 50, 180, 130))


def train_pictures(folder):
    """24 crops of 33 to 70 pixels, in the order of CAPTIONS (4 a scene, then the next; 8 each)."""
    generator = np.random.default_rng(7)
    names = []
    for i in range(len(CAPTIONS)):
        scene, left, top, width, height = SCENES[(i // 4) % 3]
        w, h = (int(generator.integers(33, 71)) for _ in range(2))
        x, y = left + int(generator.integers(0, width - w)), top + int(generator.integers(0, height - h))
        mode = "L" if i == 10 else "RGB"
        crop((scene, x, y, w, h, mode)).save(folder / f"{i:02d}.png", optimize=True)
        names.append(f"images/{i:02d}.png")
    return names


def make_training():
    folder = HERE / "train"
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "images").mkdir(parents=True)
    rows = [{"image": f, "caption": c} for f, c in zip(train_pictures(folder / "images"), CAPTIONS)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    generator = torch.Generator().manual_seed(42)
    order = []
    while len(order) < STEPS * MICRO * ACCUMULATION:
        order += torch.randperm(len(rows), generator=generator).tolist()
    order = order[: STEPS * MICRO * ACCUMULATION]
    write_json(folder / "order.json", order)

    checkpoint = folder / "checkpoint"
    make_checkpoint("train", TRAIN, checkpoint)
    model = open_checkpoint(checkpoint)
    collate = ArtemisDataCollator(
        ArtemisVLMProcessor(AutoTokenizer.from_pretrained(checkpoint), model.config.vision_config))
    model.set_training_stage("stage1")
    model.train()
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    skip = ("bias", "layer_norm.weight", "LayerNorm.weight")
    optimizer = torch.optim.AdamW(
        [{"params": [p for n, p in named if not any(s in n for s in skip)], "weight_decay": DECAY},
         {"params": [p for n, p in named if any(s in n for s in skip)], "weight_decay": 0.0}],
        lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    schedule = get_cosine_schedule_with_warmup(optimizer, int(STEPS * WARMUP), STEPS)

    features = [
        {"images": [load_picture(folder / r["image"])],
         "messages": [user(..., "Describe this image."), said(r["caption"])]} for r in rows]
    log = []
    for step in range(STEPS):
        losses = []
        for micro in range(ACCUMULATION):
            start = (step * ACCUMULATION + micro) * MICRO
            loss = model(**collate([features[i] for i in order[start: start + MICRO]])).loss
            (loss / ACCUMULATION).backward()
            losses.append(float(loss.detach()))
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in named], CLIP)
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        log.append({"step": step + 1, "loss": sum(losses) / len(losses), "micro_losses": losses,
                    "gradient_norm": float(norm), "learning_rate": rate})
    write_json(folder / "losses.json", {
        "checkpoint": "train/checkpoint", "instruction": "Describe this image.", "steps": STEPS,
        "batch": MICRO, "accumulation": ACCUMULATION, "learning_rate": LEARNING_RATE,
        "warmup_steps": int(STEPS * WARMUP), "weight_decay": DECAY, "no_decay": list(skip), "clip": CLIP,
        "betas": [0.9, 0.999], "eps": 1e-8, "log": log})
    save_file(contiguous(dict(named)), folder / "final.safetensors")
    readable(folder)
    print(f"train: loss {log[0]['loss']:.4f} -> {log[-1]['loss']:.4f}, "
          f"norms {min(x['gradient_norm'] for x in log):.3f} .. {max(x['gradient_norm'] for x in log):.3f}")


# ---------------------------------------------------------------------------------------------
# A graft: two checkpoints in, what the package makes of them
# ---------------------------------------------------------------------------------------------
def make_graft():
    folder = HERE / "graft"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    torch.manual_seed(21)
    config = MistralConfig(**{k: v for k, v in text(
        "mistral", 1e6, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-5, sliding_window=None).items() if k != "model_type"})
    decoder = MistralForCausalLM(config)
    draw(decoder, 21)
    decoder.generation_config = generation_config()
    decoder.to(torch.bfloat16).save_pretrained(folder / "text")
    build_tokenizer(False).save_pretrained(folder / "text")

    seer = Qwen3VLForConditionalGeneration(Qwen3VLConfig(
        vision_config=vision(depth=2, hidden_size=24, num_heads=2, intermediate_size=32, out_hidden_size=16,
                             num_position_embeddings=36, deepstack_visual_indexes=[0], patch_size=8),
        text_config=dict(vocab_size=64, hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                         num_attention_heads=2, num_key_value_heads=1, head_dim=8, max_position_embeddings=256,
                         rope_parameters={"rope_type": "default", "rope_theta": 5e6, "mrope_section": [2, 1, 1],
                                          "mrope_interleaved": True}),
        image_token_id=60, video_token_id=61, vision_start_token_id=62, vision_end_token_id=63))
    draw(seer, 22)
    seer.to(torch.bfloat16).save_pretrained(folder / "vision")

    torch.manual_seed(23)
    tower = Qwen3VLForConditionalGeneration.from_pretrained(folder / "vision", dtype=torch.bfloat16).model.visual
    graft = ArtemisVLMForConditionalGeneration.from_a2_and_vision("graft/text", vision_model=tower)
    kept = folder / "expected"
    graft.save_pretrained(kept)
    tensors = {}
    with safe_open(kept / "model.safetensors", "pt") as f:
        for key in sorted(f.keys()):
            t = f.get_tensor(key)
            tensors[key] = {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape)}
            if not key.startswith("multi_modal_projector."):  # the projector is random
                tensors[key]["sha256"] = hashlib.sha256(t.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
    write_json(kept / "tensors.json", tensors)
    # The projector's law: uniform in +-1/sqrt(fan_in), then bf16.
    for layer in (graft.multi_modal_projector.fc1, graft.multi_modal_projector.fc2):
        bound = 1 / math.sqrt(layer.in_features)
        assert max(layer.weight.abs().max(), layer.bias.abs().max()) <= bound * 1.01
    (kept / "model.safetensors").unlink()
    readable(folder)
    print(f"graft: {len(tensors)} tensors, tower rotary frequencies are {graft.visual.rotary_pos_emb.inv_freq.dtype}"
          " in memory after grafting")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help="configurations, 'train', 'graft'; nothing means all")
    parts = parser.parse_args().parts or [*CONFIGS, "train", "graft"]
    os.chdir(HERE)  # config.json keeps the path of a grafted text model: let it be a relative one
    write_pictures()
    for name in parts:
        if name in CONFIGS:
            make_config(name, CONFIGS[name])
        elif name == "train":
            make_training()
        elif name == "graft":
            make_graft()
        else:
            sys.exit(f"unknown part: {name}")


if __name__ == "__main__":
    main()
