"""The tokenizers that are compared: real forms, with vocabularies small enough to keep."""

import ast
import collections
import gettext
import json
import pathlib
import tempfile

import mistral_common
import pycountry
from sentences import SENTENCES
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.integrations.mistral.tokenizer import MistralConverter
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX as QWEN

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")  # fmt: skip
TEKKEN_SIZE = 32768
TEKKEN_SPECIAL = 100
ALPHABET = 400  # characters of a small vocabulary
TEKKEN_NAMES = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] [IMG] <pad> "
    "[IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT] [ARGS] [CALL_ID] [THINK] "
    "[/THINK]"
).split()
QWEN_SPECIAL = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> <|quad_start|> "
    "<|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>"
).split()
QWEN_PLAIN = (
    "<tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> "
    "<tool_response> </tool_response> <think> </think>"
).split()
LLAMA3_SPECIAL = (
    "<|begin_of_text|> <|end_of_text|> <|reserved_special_token_0|> <|start_header_id|> <|end_header_id|> <|eom_id|> <|eot_id|> "
    "<|python_tag|>"
).split()


def corpus():
    """Python's own library, and names of languages and countries in many languages."""
    texts = SENTENCES * 20
    for path in sorted(pathlib.Path(ast.__file__).parent.glob("*.py"))[::2]:
        texts.append(path.read_text(encoding="utf-8"))
    for path in sorted((pathlib.Path(pycountry.__file__).parent / "locales").rglob("iso3166-1.mo"))[::3]:
        with path.open("rb") as file:
            texts += [text for key, text in gettext.GNUTranslations(file)._catalog.items() if key]
    return texts


def special(names, **flags):
    return [AddedToken(name, special=True, normalized=False, **flags) for name in names]


def tekken():
    source = json.loads((pathlib.Path(mistral_common.__file__).parent / "data/tekken_240911.json").read_text(encoding="utf-8"))
    source["config"] |= {"default_vocab_size": TEKKEN_SIZE, "default_num_special_tokens": TEKKEN_SPECIAL}
    source["special_tokens"] = [{"rank": i, "token_str": name, "is_control": True} for i, name in enumerate(TEKKEN_NAMES)]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tekken.json"
        path.write_text(json.dumps(source), encoding="utf-8")
        made = MistralConverter(str(path)).converted()
    return json.loads(made.to_str()), {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def byte_level(pattern, size):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    return made


def qwen():
    made = byte_level(QWEN, 9000)
    made.normalizer = normalizers.NFC()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    made.add_special_tokens(special(QWEN_SPECIAL))
    made.add_tokens([AddedToken(name, special=False, normalized=False) for name in QWEN_PLAIN])
    config = {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "bos_token": None}
    return json.loads(made.to_str()), config


def llama3():
    made = byte_level(LLAMA3, 6000)
    first = made.add_special_tokens(special(LLAMA3_SPECIAL)) and made.token_to_id(LLAMA3_SPECIAL[0])
    made.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=True),
         processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
                                       special_tokens=[("<|begin_of_text|>", first)])]
    )  # fmt: skip
    form = json.loads(made.to_str())
    form["model"]["ignore_merges"] = True
    merges = form["model"]["merges"]
    form["model"]["merges"] = [" ".join(merge) for i, merge in enumerate(merges) if i % 7 != 3]  # some words only as a whole
    return form, {"bos_token": "<|begin_of_text|>", "eos_token": {"__type": "AddedToken", "content": "<|eot_id|>"}}


def gpt2():
    """GPT-2's own pattern and a prefix space; the template on both sides."""
    made = byte_level(LLAMA3, 1500)
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.add_special_tokens(special(["<|endoftext|>"]))
    made.add_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=True)])
    ids = [(name, made.token_to_id(name)) for name in ("<|endoftext|>", "<mask>")]
    made.post_processor = processors.TemplateProcessing(single="<|endoftext|> $A <mask>", pair="$A $B", special_tokens=ids)
    return json.loads(made.to_str()), {"eos_token": "<|endoftext|>"}


def characters(size, tokens, **options):
    """A vocabulary of characters, without bytes."""
    made = Tokenizer(models.BPE(**options))
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    texts = corpus()
    counts = collections.Counter(character for text in texts for character in text if not character.isspace())
    alphabet = ["▁", *sorted(counts, key=lambda character: (-counts[character], character))][:ALPHABET]
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=tokens, initial_alphabet=alphabet,
                                                        limit_alphabet=ALPHABET, show_progress=False))  # fmt: skip
    return made


def llama2():
    """SentencePiece's form: spaces become marks, what is unknown becomes bytes."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made = characters(2500, tokens, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    form = json.loads(made.to_str())
    form["added_tokens"] = form["added_tokens"][:3]
    form["pre_tokenizer"] = None
    form["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}  # fmt: skip
    form["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}  # fmt: skip
    form["post_processor"] = {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}  # fmt: skip
    return form, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def metaspace(scheme, fuse):
    made = characters(1200, ["<unk>", "<s>"], unk_token="<unk>", fuse_unk=fuse)
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=True)
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme=scheme, split=True)
    return json.loads(made.to_str()), {"bos_token": "<s>", "unk_token": "<unk>"}


def flags():
    """Added tokens of every kind, over a normalizer that changes letters; a decoder that joins with spaces."""
    made = characters(800, ["<unk>"], unk_token="<unk>")
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "merged_with_previous"), pre_tokenizers.Split(Regex(r"[.,!?]+"), "removed"),
         pre_tokenizers.Split(Regex(r"\p{Lu}|\p{P}"), "merged_with_next"), pre_tokenizers.Split("a", "contiguous", invert=True),
         pre_tokenizers.Digits(individual_digits=True)]
    )  # fmt: skip
    number = 0
    for special_token in (False, True):
        for bits in range(16):
            chosen = {name: bool(bits >> i & 1) for i, name in enumerate(("single_word", "lstrip", "rstrip", "normalized"))}
            token = AddedToken(f"[T{number}]" if bits % 3 else f"Tok{number}", special=special_token, **chosen)
            (made.add_special_tokens if special_token else made.add_tokens)([token])
            number += 1
    made.add_tokens([AddedToken("ab", normalized=False), AddedToken("abc", normalized=False), AddedToken("ſtop", normalized=True)])
    return json.loads(made.to_str()), {"unk_token": "<unk>", "clean_up_tokenization_spaces": True}


MAIN = {"tekken": tekken, "qwen": qwen, "llama3": llama3}
SMALL = {"gpt2": gpt2, "llama2": llama2, "metaspace_first": lambda: metaspace("first", False),
         "metaspace_never": lambda: metaspace("never", True), "flags": flags}  # fmt: skip
