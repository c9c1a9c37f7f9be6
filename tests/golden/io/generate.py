"""Safetensors files, good and bad, with the verdict of the reference library.

    python -m venv oracle && oracle/bin/pip install safetensors numpy torch transformers
    oracle/bin/python generate.py

Writes beside this file: verdicts.json, a list of {name, file (base64), accepted, message, tensors}, where tensors (of an
accepted file) gives for each name its dtype, shape and bytes (base64); reference.safetensors, written by the library; and
sharded/, a small model as transformers 5 saves it in shards, with order.json, the names in the order of its state dict.
"""

import base64
import json
import pathlib
import struct

import numpy
import safetensors
import torch
import transformers
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent


def raw(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def one(data=b"\1", **changes):
    entry = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    entry.update(changes)
    entry = {key: value for key, value in entry.items() if value is not None}
    return raw(json.dumps({"a": entry}), data)


def two(first, second, data):
    return raw(json.dumps({"a": {"dtype": "U8", "shape": [first[1] - first[0]], "data_offsets": list(first)},
                           "b": {"dtype": "U8", "shape": [second[1] - second[0]], "data_offsets": list(second)}}), data)


def cases():
    big = 2**64 - 1
    yield "good", one()
    yield "empty header object", raw("{}")
    yield "empty file", b""
    yield "seven bytes", b"\0" * 7
    yield "length alone", struct.pack("<Q", 0)
    yield "length past the end", raw("{}", length=3)
    yield "length of all ones", raw("{}", length=big)
    yield "length of 2^63", raw("{}", length=2**63)
    yield "length over the limit", raw("{}", length=100_000_001)
    yield "header is a list", raw("[]")
    yield "header is a number", raw("7")
    yield "header is text", raw('"x"')
    yield "header is null", raw("null")
    yield "header is cut", raw('{"a":{"dtype":"U8"')
    yield "header with a trailing zero", raw('{}\0')
    yield "header with trailing spaces", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   ', b"\1")
    yield "header with leading spaces", raw('  {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "header with a second value", raw('{}{}')
    yield "header is no UTF-8", raw(b'{"\xff":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "header with a comment", raw('{/* */}')
    yield "header with a trailing comma", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},}', b"\1")
    yield "tensor is null", raw('{"a":null}')
    yield "tensor is a number", raw('{"a":1}')
    yield "tensor is a list", raw('{"a":["U8",[1],[0,1]]}', b"\1")
    yield "tensor is a list of two", raw('{"a":["U8",[1]]}', b"\1")
    yield "no dtype", one(dtype=None)
    yield "no shape", one(shape=None)
    yield "no offsets", one(data_offsets=None)
    yield "unknown field", one(extra=3)
    yield "dtype in small letters", one(dtype="u8")
    yield "dtype unknown", one(dtype="F128")
    yield "dtype is a number", one(dtype=3)
    yield "shape is a number", one(shape=1)
    yield "shape of fractions", raw('{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}', b"\1")
    yield "shape of text", one(shape=["1"])
    yield "negative extent", one(shape=[-1])
    yield "extent past 64 bits", raw('{"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]}}', b"\1")
    yield "nested shape", one(shape=[[1]])
    yield "one offset", one(data_offsets=[0])
    yield "three offsets", one(data_offsets=[0, 1, 2])
    yield "negative offset", one(data_offsets=[-1, 0])
    yield "offsets of text", one(data_offsets=["0", "1"])
    yield "offsets reversed", one(data_offsets=[1, 0])
    yield "second offsets reversed", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                         '"b":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}}', b"\1")
    yield "offset past the end", one(data_offsets=[0, 2], shape=[2])
    yield "offset far past the end", one(data_offsets=[0, 2**40], shape=[2**40])
    yield "offset of all ones", one(data_offsets=[0, big], shape=[big])
    yield "shape larger than its bytes", one(shape=[2])
    yield "shape smaller than its bytes", one(data_offsets=[0, 2], data=b"\1\2")
    yield "dtype wider than its bytes", one(dtype="F32")
    yield "shape product overflows", one(shape=[2**32, 2**32, 2])
    yield "shape product overflows to zero", one(shape=[2**32, 2**32], data_offsets=[0, 0], data=b"")
    yield "bits overflow", one(dtype="F64", shape=[2**61], data_offsets=[0, 0], data=b"")
    yield "zero before a large extent", one(shape=[0, big], data_offsets=[0, 0], data=b"")
    yield "zero behind an overflow", one(shape=[big, 3, 0], data_offsets=[0, 0], data=b"")
    yield "trailing bytes", one(data=b"\1\2")
    yield "trailing bytes without tensors", raw("{}", b"\1")
    yield "hole at the start", one(data_offsets=[1, 2], data=b"\0\1")
    yield "hole between", two((0, 1), (2, 3), b"\1\2\3")
    yield "overlap", two((0, 2), (1, 3), b"\1\2\3")
    yield "same bytes twice", two((0, 1), (0, 1), b"\1")
    yield "out of order", two((1, 2), (0, 1), b"\1\2")
    yield "empty tensors", two((0, 0), (0, 0), b"")
    yield "scalar", one(shape=[])
    yield "empty name", raw('{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "escaped name", raw('{"\\u00e9\\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "half a surrogate", raw('{"\\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "metadata", raw('{"__metadata__":{"a":"b"}}')
    yield "metadata null", raw('{"__metadata__":null}')
    yield "metadata of numbers", raw('{"__metadata__":{"a":1}}')
    yield "metadata nested", raw('{"__metadata__":{"a":{"b":"c"}}}')
    yield "metadata is a list", raw('{"__metadata__":[]}')
    yield "metadata twice", raw('{"__metadata__":{},"__metadata__":{}}')
    yield "dtype twice", raw('{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "tensor twice", raw('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
                              '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "tensor twice, the first unsound", raw('{"a":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "tensor twice, the last with a hole", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                                    '"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"\1\2")
    yield "unknown field twice", raw('{"a":{"dtype":"U8","x":1,"x":2,"shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "unknown field out of range", raw('{"a":{"dtype":"U8","x":1e999,"shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "unknown field of thirty digits", raw('{"a":{"dtype":"U8","x":%s,"shape":[1],"data_offsets":[0,1]}}'
                                                % ("1234567890" * 3), b"\1")
    for depth in (124, 125, 126):
        yield f"unknown field {depth} deep", one(extra=json.loads("[" * depth + "]" * depth))
    yield "metadata entry twice", raw('{"__metadata__":{"dtype":"b","dtype":"c"}}')
    yield "metadata null twice", raw('{"__metadata__":null,"__metadata__":null}')
    yield "metadata entry twice, the first no text", raw('{"__metadata__":{"a":null,"a":"c"}}')
    yield "metadata entry twice, the first a list", raw('{"__metadata__":{"a":["b"],"a":"c"}}')
    yield "metadata entry null", raw('{"__metadata__":{"a":null}}')
    yield "metadata behind a tensor", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                          '"__metadata__":{"shape":"x"}}', b"\1")
    yield "metadata as a tensor", raw('{"__metadata__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "dtype in a tag", one(dtype={"U8": None})
    yield "dtype in a tag with a value", one(dtype={"U8": []})
    yield "dtype in two tags", one(dtype={"U8": None, "U16": None})
    yield "dtype in a tag twice", raw('{"a":{"dtype":{"U8":null,"U8":null},"shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "dtype in a tag twice, in a list", raw('{"a":[{"U8":null,"U8":null},[1],[0,1]]}', b"\1")
    yield "dtype in a tag, in a list", raw('{"a":[{"U8":null},[1],[0,1]]}', b"\1")
    yield "dtype escaped", raw('{"a":{"dtype":"\\u00558","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "dtype null", raw('{"a":{"dtype":null,"shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "shape null", raw('{"a":{"dtype":"U8","shape":null,"data_offsets":[0,1]}}', b"\1")
    yield "offsets are an object", one(data_offsets={"0": 0, "1": 1})
    yield "minus zero", raw('{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}')
    yield "leading zero", raw('{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}', b"\1")
    yield "exponent", raw('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0e0,0]}}')
    yield "tensor is a list of four", raw('{"a":["U8",[1],[0,1],1]}', b"\1")
    yield "byte order mark", raw(b"\xef\xbb\xbf{}")
    yield "header with trailing white space", raw("{}\n\t\r ")
    yield "header with a form feed", raw("{}\f")
    yield "name with a control character", raw('{"a\nb":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "name with a zero", raw('{"\\u0000":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "name with a second half surrogate", raw('{"\\udc00":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "name with a surrogate pair", raw('{"\\ud83d\\ude00":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "name in overlong UTF-8", raw(b'{"\xc0\x80":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "name with an encoded surrogate", raw(b'{"\xed\xa0\x80":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\1")
    yield "empty tensor between", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                      '"z":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},'
                                      '"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"\1\2")
    yield "empty tensor inside another", raw('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
                                             '"z":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}', b"\1\2")
    yield "extent of 2^63 behind a zero", one(shape=[0, 2**63], data_offsets=[0, 0], data=b"")
    yield "four-bit overflow", one(dtype="F4", shape=[2**62], data_offsets=[0, 0], data=b"")
    yield "six-bit pair", one(dtype="F6_E3M2", shape=[2], data_offsets=[0, 2], data=b"\1\2")
    yield "four-bit pair", one(dtype="F4", shape=[2])
    yield "four-bit single", one(dtype="F4", shape=[1])
    yield "six-bit four", one(dtype="F6_E2M3", shape=[4], data_offsets=[0, 3], data=b"\1\2\3")
    for dtype, size in (("BOOL", 1), ("I8", 1), ("F8_E5M2", 1), ("F8_E4M3", 1), ("F8_E8M0", 1), ("F8_E4M3FNUZ", 1),
                        ("F8_E5M2FNUZ", 1), ("I16", 2), ("U16", 2), ("F16", 2), ("BF16", 2), ("I32", 4), ("U32", 4),
                        ("F32", 4), ("C64", 8), ("F64", 8), ("I64", 8), ("U64", 8)):
        yield "dtype " + dtype, one(dtype=dtype, data_offsets=[0, size], data=bytes(range(size)))


def verdict(name, blob):
    row = {"name": name, "file": base64.b64encode(blob).decode()}
    try:
        tensors = safetensors.deserialize(blob)
    except Exception as error:
        return row | {"accepted": False, "message": str(error)}
    found = {key: {"dtype": value["dtype"], "shape": value["shape"],
                   "bytes": base64.b64encode(bytes(value["data"])).decode()} for key, value in tensors}
    return row | {"accepted": True, "tensors": dict(sorted(found.items()))}


def save_sharded(folder):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(vocab_size=20, hidden_size=8, intermediate_size=12, num_hidden_layers=1,
                                      num_attention_heads=2, num_key_value_heads=1)
    model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(folder, max_shard_size=600)  # two of the tensors are larger
    (folder / "order.json").write_text(json.dumps(list(model.state_dict()), indent=0) + "\n")
    for name in ("config.json", "generation_config.json"):
        (folder / name).unlink()


def main():
    save_sharded(HERE / "sharded")
    rows = [verdict(name, blob) for name, blob in cases()]
    (HERE / "verdicts.json").write_text(json.dumps(rows, indent=0) + "\n")
    save_file({"wide": numpy.arange(6, dtype=numpy.int64).reshape(2, 3), "narrow": numpy.arange(5, dtype=numpy.uint8),
               "b.real": numpy.linspace(-1, 1, 7, dtype=numpy.float32), "a.half": numpy.ones((1, 2), numpy.float16),
               "none": numpy.zeros((0, 4), numpy.float32), "scalar": numpy.array(3.5, numpy.float32)},
              HERE / "reference.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
