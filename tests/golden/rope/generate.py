"""Inverse frequencies and attention factors of rotary embeddings, from transformers' own functions.

    python -m venv oracle && oracle/bin/pip install artemis-vlm torch transformers
    oracle/bin/python generate.py

Writes frequencies.json beside this file: a list of {config, inverse_frequencies, attention_factor}, where config holds
the keys of a text config that the frequencies depend on.
"""

import json
import pathlib

import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

ROPES = [
    {"rope_type": "default", "rope_theta": 10000.0},
    {"rope_type": "default", "rope_theta": 1000000.0},
    {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
    {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
     "original_max_position_embeddings": 8192},
    {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 2.0,
     "original_max_position_embeddings": 64},
    {"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 16.0, "original_max_position_embeddings": 4096},
    {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "beta_fast": 16.0, "beta_slow": 2.0,
     "original_max_position_embeddings": 2048},
    {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "attention_factor": 0.75,
     "original_max_position_embeddings": 1024},
    {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 40.0, "mscale": 1.0, "mscale_all_dim": 0.5,
     "original_max_position_embeddings": 4096},
]


def frequencies(rope, head_dim):
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=4 * head_dim, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, head_dim=head_dim, max_position_embeddings=65536, rope_parameters=dict(rope))
    if rope["rope_type"] == "default":
        from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
        rotary = LlamaRotaryEmbedding(config)
        return rotary.inv_freq, rotary.attention_scaling
    return ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, device="cpu")


def main():
    rows = []
    for rope in ROPES:
        for head_dim in (16, 20, 128):
            inverse, factor = frequencies(rope, head_dim)
            rows.append({"rope_parameters": rope, "head_dim": head_dim,
                         "inverse_frequencies": [float(value) for value in inverse], "attention_factor": float(factor)})
    target = pathlib.Path(__file__).parent / "frequencies.json"
    target.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
