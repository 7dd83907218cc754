"""The network in PyTorch, for training, and its way into ONNX with 8 bits. Needs torch and onnx."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from reviews.classification.e5 import Teacher
from reviews.classification.model import COLUMNS
from reviews.classification.network import PADDING, PLACES

WIDTH, HEADS, MIDDLE = 384, 12, 1536
# The upper two of the teacher's twelve layers make vectors for search: they help no cause and cost time.
LAYERS = 10
# Ways of looking at the pieces beside their mean.
LOOKS = 4
SEED = 7
MASKED = -1e4


class Layer(nn.Module):  # type: ignore[misc]
    """One layer of a BERT-like encoder; the teacher's shape unless told otherwise."""

    def __init__(
        self,
        width: int = WIDTH,
        heads: int = HEADS,
        middle: int = MIDDLE,
        bend: Callable[[Any], Any] = F.gelu,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        self.width, self.heads, self.bend = width, heads, bend
        self.qkv, self.ao = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fi, self.fo = nn.Linear(width, middle), nn.Linear(middle, width)
        self.aln, self.oln = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)

    def forward(self, x: Any, mask: Any) -> Any:
        """Let pieces look at each other; shape (rows, pieces, width)."""
        rows, size, _ = x.shape
        head = self.width // self.heads
        q, k, v = self.qkv(x).view(rows, size, 3, self.heads, head).permute(2, 0, 3, 1, 4)
        # Written out: torch's own attention is many times slower on CPUs for texts this short.
        looks = torch.softmax(torch.matmul(q, k.transpose(-1, -2)) * head**-0.5 + mask, -1)
        seen = torch.matmul(looks, v).transpose(1, 2).reshape(rows, size, self.width)
        x = self.aln(x + self.ao(seen))
        return self.oln(x + self.fo(self.bend(self.fi(x))))


class Encoder(nn.Module):  # type: ignore[misc]
    """The teacher's encoder, its vocabulary cut."""

    def __init__(self, pieces: int, layers: int) -> None:
        super().__init__()
        self.word, self.pos = nn.Embedding(pieces, WIDTH), nn.Embedding(PLACES, WIDTH)
        self.eln = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))

    def forward(self, numbers: Any, present: Any) -> Any:
        """Read piece numbers, shape (rows, pieces)."""
        x = self.eln(self.word(numbers) + self.pos.weight[: numbers.shape[1]])
        mask = ((1 - present.to(x.dtype)) * MASKED)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x


class Net(nn.Module):  # type: ignore[misc]
    """The encoder and what turns its pieces into columns of scores."""

    def __init__(self, pieces: int, layers: int, columns: int) -> None:
        super().__init__()
        self.enc = Encoder(pieces, layers)
        self.att, self.out = nn.Linear(WIDTH, LOOKS), nn.Linear((1 + LOOKS) * WIDTH, columns)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, numbers: Any) -> Any:
        """Give the raw scores, shape (rows, columns)."""
        present = numbers != PADDING
        x = self.enc(numbers, present)
        there = present.to(x.dtype)[..., None]
        mean = (x * there).sum(1) / there.sum(1)
        looks = torch.softmax((self.att(x) + (1 - there) * MASKED).float(), 1).to(x.dtype)
        seen = torch.matmul(looks.transpose(1, 2), x).flatten(1)
        return self.out(F.dropout(torch.cat([mean, seen], 1), 0.1, self.training)).float()


def from_teacher(teacher: Teacher, kept: Sequence[int], layers: int = LAYERS, columns: int = COLUMNS) -> Net:
    """Make a network of the teacher's lower layers and the kept pieces of its vocabulary."""
    torch.manual_seed(SEED)  # what the teacher lacks starts by chance
    net = Net(len(kept), layers, columns)
    found = {name: torch.from_numpy(value) for name, value in teacher.tensors.items()}
    with torch.no_grad():
        net.enc.word.weight.copy_(found["emb.word"][list(kept)])
        places = found["emb.pos"].view(-1, WIDTH)[:PLACES] + found["emb.type"].view(-1, WIDTH)[0]
        net.enc.pos.weight.copy_(places)
        _fill(net.enc.eln, found["emb.ln.w"], found["emb.ln.b"])
        for number, layer in enumerate(net.enc.layers):
            part = {name: found[f"l{number}.{name}"] for name in _names()}
            _fill(layer.qkv, *(torch.cat([part[f"{one}.{kind}"] for one in "qkv"]) for kind in "wb"))
            for name in ("ao", "fi", "fo", "aln", "oln"):
                _fill(getattr(layer, name), part[f"{name}.w"], part[f"{name}.b"])
    return net


def _names() -> list[str]:
    """Name the tensors of one layer."""
    return [f"{one}.{kind}" for one in ("q", "k", "v", "ao", "fi", "fo", "aln", "oln") for kind in "wb"]


def _fill(module: Any, weight: Any, bias: Any) -> None:
    """Set the weights of a module."""
    module.weight.copy_(weight)
    module.bias.copy_(bias)


def export(net: Net, path: Path) -> None:
    """Write a network as ONNX with weights of 8 bits, scaled column by column."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_suffix(".whole")
    torch.onnx.export(
        net.eval().float(),
        (torch.tensor([[0, 5, 6, 2], [0, 7, 2, PADDING]]),),
        str(whole),
        input_names=["pieces"],
        output_names=["scores"],
        dynamic_axes={"pieces": {0: "rows", 1: "size"}, "scores": {0: "rows"}},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(whole, path, per_channel=True, weight_type=QuantType.QInt8)
    whole.unlink()
