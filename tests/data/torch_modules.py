"""Writes `torch_modules.safetensors`: state dicts of PyTorch's modules, with inputs and what PyTorch computes from them.

Run with PyTorch and safetensors installed: `python tests/data/torch_modules.py`. Names are `MODULE/PART`: the parts of
a state dict under PyTorch's own names, `in.N` and `out.N` for inputs and outputs, `grad.NAME` for the derivative of
`sum(out.0 * cotangent)` with respect to an input or parameter.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
tensors = {}


def record(name, module, inputs, call=None, eval_also=False):
    """Runs a module on inputs, and keeps its state from before the run."""
    for key, value in module.state_dict().items():
        tensors[f"{name}/{key}"] = value.clone()
    inputs = [x.requires_grad_() if x.is_floating_point() else x for x in inputs]
    outputs = call(module, *inputs) if call else module(*inputs)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for at, x in enumerate(inputs):
        tensors[f"{name}/in.{at}"] = x.detach().clone()
    for at, y in enumerate(outputs):
        tensors[f"{name}/out.{at}"] = y.detach().clone().contiguous()
    cotangent = torch.randn_like(outputs[0])
    tensors[f"{name}/cotangent"] = cotangent
    (outputs[0] * cotangent).sum().backward()
    for at, x in enumerate(inputs):
        if x.grad is not None:
            tensors[f"{name}/grad.in.{at}"] = x.grad.clone()
    for key, value in module.named_parameters():
        if value.grad is not None:
            tensors[f"{name}/grad.{key}"] = value.grad.clone()
    if eval_also:
        # Buffers as the training call left them, and the output that evaluation computes with them.
        for key, value in module.named_buffers():
            tensors[f"{name}/after.{key}"] = value.clone()
        tensors[f"{name}/out.eval"] = module.eval()(inputs[0]).detach()


def shaken(module):
    """Every parameter away from zeros and ones, so that each one matters."""
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return module


record("linear", nn.Linear(3, 4), [torch.randn(2, 5, 3)])
record("linear_without_bias", nn.Linear(3, 2, bias=False), [torch.randn(4, 3)])
record("layer_norm", shaken(nn.LayerNorm([3, 4])), [torch.randn(2, 3, 4)])

norm = shaken(nn.BatchNorm1d(3))
norm(torch.randn(6, 3) * 2 + 1)
record("batch_norm", norm, [torch.randn(4, 3, 2)], eval_also=True)
norm = shaken(nn.BatchNorm2d(2, eps=1e-3, momentum=None))
norm(torch.randn(3, 2, 2, 2) + 1)
record("batch_norm_2d", norm, [torch.randn(3, 2, 2, 3)], eval_also=True)

record("embedding", nn.Embedding(5, 3, padding_idx=1), [torch.tensor([[0, 1, 4], [4, 2, 0]])])

record("rnn", nn.RNN(3, 2), [torch.randn(4, 2, 3)])
record("rnn_relu", nn.RNN(3, 2, nonlinearity="relu", bias=False), [torch.randn(4, 3)])
run = lambda m, x, h: m(x, h)
record("gru", nn.GRU(3, 2), [torch.randn(4, 2, 3), torch.randn(1, 2, 2)], run)
record(
    "gru_deep",
    nn.GRU(2, 2, num_layers=2, bidirectional=True, batch_first=True),
    [torch.randn(2, 3, 2), torch.randn(4, 2, 2)],
    run,
)
flat = lambda m, x, h, c: (lambda y, s: (y, *s))(*m(x, (h, c)))
record("lstm", nn.LSTM(3, 2), [torch.randn(4, 2, 3), torch.randn(1, 2, 2), torch.randn(1, 2, 2)], flat)
record(
    "lstm_deep",
    nn.LSTM(2, 3, num_layers=2, bidirectional=True),
    [torch.randn(3, 2, 2), torch.randn(4, 2, 3), torch.randn(4, 2, 3)],
    flat,
)

attention = lambda **masks: lambda m, q, k, v: m(q, k, v, **masks)
record("attention", shaken(nn.MultiheadAttention(4, 2)), [torch.randn(3, 2, 4), *torch.randn(2, 5, 2, 4)], attention())
padding = torch.tensor([[False, False, False], [False, True, True]])
causal = torch.ones(3, 3, dtype=torch.bool).triu(1)
record(
    "attention_masked",
    shaken(nn.MultiheadAttention(4, 2, batch_first=True)),
    [torch.randn(2, 3, 4) for _ in range(3)],
    attention(key_padding_mask=padding, attn_mask=causal),
)

record("conv1d", nn.Conv1d(4, 2, 3, stride=2, padding=1, dilation=2, groups=2), [torch.randn(2, 4, 7)])
record("conv2d", nn.Conv2d(2, 3, (2, 3), padding="same", bias=False), [torch.randn(2, 2, 4, 3)])
pooled = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.AvgPool2d(2, stride=1, padding=1))
record("pooled", pooled, [torch.randn(2, 1, 4, 6)])

model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2))
record("sequential", model, [torch.randn(5, 3)])

save_file({name: x.contiguous() for name, x in tensors.items()}, Path(__file__).with_suffix(".safetensors"))

# The same in single precision, computed in single precision: what a user's file holds.
torch.manual_seed(8)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.LayerNorm(4), nn.BatchNorm1d(4), nn.Linear(4, 2)).float()
save_file(model.state_dict(), Path(__file__).with_name("torch_state_dict.safetensors"))
x = torch.randn(5, 3, dtype=torch.float32)
with torch.no_grad():
    save_file({"x": x, "y": model.eval()(x)}, Path(__file__).with_name("torch_state_dict_values.safetensors"))
