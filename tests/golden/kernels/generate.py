"""Golden values of the operations: outputs and gradients from PyTorch and transformers, in f32 and bf16.

    python -m venv oracle && oracle/bin/pip install artemis-vlm torch transformers safetensors
    oracle/bin/python generate.py

Writes operations.safetensors beside this file. Names are OPERATION.DTYPE.TENSOR; gradients are d_TENSOR, each under
the random d_out that stands beside it. Shapes are those of src/artemis/kernels/*.h.
"""

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers.activations import ACT2FN
from transformers.models.ministral3.modeling_ministral3 import Ministral3RMSNorm
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb_vision
from transformers.vision_utils import get_vision_interpolation_indices_and_weights

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
tensors = {}


def keep(operation, dtype, **values):
    for name, value in values.items():
        tensors[f"{operation}.{dtype}.{name}"] = value.detach().clone().contiguous()


def normal(dtype, *shape, scale=1.0):
    return (torch.randn(*shape) * scale).to(dtype)


def differentiate(operation, name, function, inputs, dtype, **constants):
    """Keeps inputs, out = function(inputs), a random d_out and the gradients of all inputs."""
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    out = function(**leaves)
    d_out = normal(dtype, *out.shape)
    out.backward(d_out)
    gradients = {f"d_{key}": leaf.grad for key, leaf in leaves.items()}
    keep(operation, name, out=out, d_out=d_out, **inputs, **gradients, **constants)


def norms(name, dtype):
    def rms(x, weight):
        layer = Ministral3RMSNorm(x.shape[1], eps=1e-5)
        del layer.weight
        layer.weight = weight
        return layer(x)

    x, weight, bias = normal(dtype, 6, 72, scale=3.0) + 1, normal(dtype, 72), normal(dtype, 72)
    differentiate("rms_norm", name, rms, {"x": x, "weight": weight}, dtype)
    differentiate("layer_norm", name, lambda x, weight, bias: F.layer_norm(x, (72,), weight, bias, 1e-6),
                  {"x": x, "weight": weight, "bias": bias}, dtype)


def activations(name, dtype):
    edges = torch.tensor([0.0, -0.0, 1e-3, -1e-3, 20.0, -20.0, 90.0, -90.0, 1.0, -1.0, 5.0, -5.0], dtype=dtype)
    x = torch.cat([edges, normal(dtype, 84, scale=2.0)]).reshape(4, 24)
    up = normal(dtype, 4, 24)
    for activation in ("gelu", "gelu_pytorch_tanh", "silu", "relu", "quick_gelu"):
        function = ACT2FN[activation]
        differentiate(activation, name, lambda x: function(x), {"x": x}, dtype)
        differentiate(f"gated_{activation}", name, lambda gate, up: function(gate) * up, {"gate": x, "up": up}, dtype)


def rotary(name, dtype):
    tokens, heads, head_dim = 5, 3, 16
    angles = torch.rand(tokens, head_dim // 2) * 100
    cos, sin = angles.cos(), angles.sin()

    def turn(x):
        both = apply_rotary_pos_emb_vision(x.view(tokens, heads, head_dim), x.view(tokens, heads, head_dim),
                                           torch.cat([cos, cos], -1), torch.cat([sin, sin], -1))
        return both[0].reshape(tokens, heads * head_dim)

    differentiate("rotary", name, turn, {"x": normal(dtype, tokens, heads * head_dim)}, dtype, cos=cos, sin=sin)


def rows(name, dtype):
    grid = torch.tensor([[1, 6, 10], [1, 4, 2]])
    index, weight = get_vision_interpolation_indices_and_weights(
        grid, num_grid_per_side=5, mode="bilinear", align_corners=True, spatial_merge_size=2)
    table = normal(dtype, 25, 24)
    differentiate("interpolate", name, lambda table: (F.embedding(index, table) * weight[:, :, None]).sum(1).to(dtype),
                  {"table": table}, dtype, index=index.to(torch.int32), weight=weight)
    ids = torch.tensor([3, 0, 3, 24, 7, 3])
    differentiate("gather", name, lambda table: F.embedding(ids, table), {"table": table}, dtype,
                  index=ids.to(torch.int32))


def cross_entropy(name, dtype):
    logits, labels = normal(dtype, 6, 203, scale=6.0), torch.randint(0, 203, (6,))
    labels[0] = logits[0].argmax()
    leaf = logits.clone().requires_grad_()
    loss = F.cross_entropy(leaf.float(), labels, reduction="none")
    (loss.sum() * 0.375).backward()
    keep("cross_entropy", name, logits=logits, labels=labels.to(torch.int32), loss=loss, d_logits=leaf.grad,
         lse=logits.float().logsumexp(-1))


def adamw():
    """Twenty steps with a rate, a gradient's magnitude and zeros that change."""
    parameter = torch.nn.Parameter(normal(torch.float32, 96))
    start = parameter.detach().clone()
    optimizer = torch.optim.AdamW([parameter], lr=1.0, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    rates, gradients, path = [], [], []
    for step in range(20):
        gradient = normal(torch.float32, 96, scale=10.0 ** ((step % 5) - 3))
        gradient[step::20] = 0.0
        rates.append(torch.tensor(1e-2 * (20 - step) / 20).item())  # exact in f32, as stored
        optimizer.param_groups[0]["lr"] = rates[-1]
        parameter.grad = gradient.clone()
        optimizer.step()
        gradients.append(gradient)
        path.append(parameter.detach().clone())
    state = optimizer.state[parameter]
    keep("adamw", "f32", start=start, rates=torch.tensor(rates), gradients=torch.stack(gradients),
         path=torch.stack(path), first=state["exp_avg"], second=state["exp_avg_sq"])


torch.set_num_threads(1)
torch.manual_seed(20240607)
for name, dtype in DTYPES.items():
    norms(name, dtype)
    activations(name, dtype)
    rotary(name, dtype)
    rows(name, dtype)
    cross_entropy(name, dtype)
adamw()
save_file(tensors, pathlib.Path(__file__).with_name("operations.safetensors"))
