"""Writes configs.json: what tokenizer_config.json and special_tokens_map.json change, as transformers loads small tokenizers."""

import json
import pathlib
import tempfile

from transformers import PreTrainedTokenizerFast

TEXTS = ["abc", "a<s>b</s>", " <pad> x", "<img>  <img> a", "a <s> b", "<new>a", "[X] a[X]", "b  <lt>c", "a .b ,c !"]


def added(token_id, content, **flags):
    token = {"id": token_id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return token | flags


def tokenizer(added_tokens, post_processor=None):
    characters = sorted(set("abcx <>/[]spadX.,!imgnewlt"))
    vocab = {c: i for i, c in enumerate(characters)} | {"<s>": len(characters), "</s>": len(characters) + 1}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
             "byte_fallback": False, "ignore_merges": False, "vocab": vocab, "merges": []}  # fmt: skip
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens, "normalizer": None, "pre_tokenizer": None,
            "post_processor": post_processor, "decoder": {"type": "Fuse"}, "model": model}  # fmt: skip


def template(name, token_id):
    return {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": name, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": [token_id], "tokens": [name]}}}  # fmt: skip


PLAIN = tokenizer([])
SPECIAL = tokenizer([added(20, "<s>"), added(21, "</s>"), added(22, "<img>", lstrip=True)])
START = SPECIAL["model"]["vocab"]["<s>"]
TEMPLATE = tokenizer([added(20, "<s>"), added(21, "</s>")], template("<s>", START))
DECODER = {"20": {"content": "<s>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False, "special": True},
           "30": {"content": "<new>", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False, "special": False},
           "31": {"content": "[X]", "special": True, "single_word": True}}  # fmt: skip

CASES = [
    (PLAIN, {}, None), (SPECIAL, {}, None), (TEMPLATE, {}, None),
    (PLAIN, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}, None),
    (PLAIN, {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True}, None),
    (SPECIAL, {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": True, "__type": "AddedToken"}, "add_bos_token": True, "add_eos_token": True}, None),
    (TEMPLATE, {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": False}, None),
    (TEMPLATE, {"bos_token": "<s>", "add_eos_token": None}, None),
    (TEMPLATE, {"add_bos_token": True}, None),
    (SPECIAL, {"eos_token": "</s>", "added_tokens_decoder": DECODER}, {"bos_token": "<s>"}),
    (SPECIAL, {"eos_token": "</s>", "unk_token": "<unk>"}, {"bos_token": "<s>", "eos_token": {"content": "<s>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}}),
    (SPECIAL, {"extra_special_tokens": ["<img>", "<lt>"]}, None),
    (SPECIAL, {"additional_special_tokens": ["<lt>", "[X]"], "clean_up_tokenization_spaces": True}, None),
    (SPECIAL, {"extra_special_tokens": {"image_token": "<img>", "left_token": "<lt>"}}, None),
    (SPECIAL, {"image_token": "<lt>", "bos_token": "<s>", "pad_token": "</s>"}, None),
]  # fmt: skip


def case(data, config, special_tokens_map):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "tokenizer.json").write_text(json.dumps(data))
        (path / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "PreTrainedTokenizerFast"}))
        if special_tokens_map is not None:
            (path / "special_tokens_map.json").write_text(json.dumps(special_tokens_map))
        loaded = PreTrainedTokenizerFast.from_pretrained(folder)
        results = []
        for text in TEXTS:
            ids = loaded.encode(text)
            results.append({"text": text, "ids": ids, "decoded": loaded.decode(ids), "skipped": loaded.decode(ids, skip_special_tokens=True),
                            "tokens": loaded.convert_ids_to_tokens(ids)})  # fmt: skip
        named = {name: getattr(loaded, f"{name}_token_id") for name in ["bos", "eos", "pad", "unk"]}
        return {"tokenizer": data, "config": config, "special_tokens_map": special_tokens_map, "named": named, "results": results}


def cases():
    return [case(*entry) for entry in CASES]


if __name__ == "__main__":
    path = pathlib.Path(__file__).parent / "configs.json"
    path.write_text(json.dumps(cases(), ensure_ascii=False, separators=(",", ":")) + "\n")
