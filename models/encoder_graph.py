"""How does the encoder compute? BERT, the mean over word pieces and unit length, as one ONNX graph.

The graph takes inputs of equal length without padding, so it needs no attention mask, and it uses only operations
whose result for one row does not depend on the other rows: a text gets the same bytes alone or among others, on
one thread or on four. The mean is therefore a matrix product: ``ReduceMean`` over the pieces adds up in another
order when it is given one text than when it is given many (onnxruntime 1.32).

int8: weights with one scale an output channel, activations with one scale a word piece, both symmetric. One scale
for a whole batch, as ``DynamicQuantizeLinear`` chooses it, makes a text depend on its neighbours and costs more
likeness. Weights take 7 bits, so that the products of processors without VNNI, which add pairs in 16 bits, cannot
overflow: integers give the same sums everywhere.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from models.encoder_weights import Architecture, Published

Precision = Literal["float32", "int8"]

OPSET = 20
IR_VERSION = 9
WEIGHT_LEVELS = 63
ACTIVATION_LEVELS = 127
ACTIVATION_ZERO = 128
SMALLEST_SCALE = 1e-12
INPUT, OUTPUT = "ids", "embedding"


@dataclass(frozen=True, slots=True)
class _Graph:
    """Nodes and constants in the order in which they were added."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, values: npt.ArrayLike, kind: type[np.generic] = np.float32) -> str:
        """Add an array; returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(np.asarray(values, dtype=kind))
        self.constants.append(numpy_helper.from_array(array.reshape(np.shape(values)), name))
        return name

    def integers(self, *values: int) -> str:
        """Add a list of whole numbers, as shapes and axes are given."""
        return self.constant(values, np.int64)

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation; returns the name of its result."""
        return self.add_many(operation, 1, *inputs, **attributes)[0]

    def add_many(self, operation: str, n_outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add an operation with several results."""
        from onnx import helper

        names = [f"value_{len(self.nodes)}_{k}" for k in range(n_outputs)]
        self.nodes.append(helper.make_node(operation, list(inputs), names, **attributes))
        return names


def build_graph(published: Published, *, precision: Precision) -> bytes:
    """The ONNX model: ``ids`` (n, length) of int64 -> ``embedding`` (n, hidden_size), float32 of unit length.

    The same weights give the same bytes.
    """
    graph = _Graph()
    rows = _embed(graph, published)
    for layer in range(published.architecture.n_layers):
        rows = _transform(graph, published, f"encoder.layer.{layer}", rows, precision)
    _pool(graph, rows, published.architecture)
    return _serialise(graph, published.architecture)


def _embed(graph: _Graph, published: Published) -> str:
    """Word, position and type of each piece, as rows (n * length, hidden)."""
    weights = published.weights
    places = weights["embeddings.position_embeddings.weight"][: published.architecture.window]
    kind = weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Shape", INPUT, start=1, end=2)
    positions = graph.add(
        "Slice", graph.constant(places + kind), graph.integers(0), length, graph.integers(0)
    )
    words = graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), INPUT)
    placed = graph.add("Add", words, positions)
    rows = graph.add("Reshape", placed, graph.integers(-1, published.architecture.hidden_size))
    return _normalise(graph, published, "embeddings.LayerNorm", rows)


def _transform(graph: _Graph, published: Published, prefix: str, rows: str, precision: Precision) -> str:
    """One layer: attention, then the two dense steps, each added to what came in."""
    dense = functools.partial(_dense, graph, precision=precision)
    weights = published.weights
    attended = _attend(graph, published, f"{prefix}.attention.self", rows, precision)
    output = f"{prefix}.attention.output"
    mixed = dense(attended, weights[f"{output}.dense.weight"], weights[f"{output}.dense.bias"])
    rows = _normalise(graph, published, f"{output}.LayerNorm", graph.add("Add", rows, mixed))
    inner = f"{prefix}.intermediate.dense"
    wide = graph.add("Gelu", dense(rows, weights[f"{inner}.weight"], weights[f"{inner}.bias"]))
    output = f"{prefix}.output"
    narrow = dense(wide, weights[f"{output}.dense.weight"], weights[f"{output}.dense.bias"])
    return _normalise(graph, published, f"{output}.LayerNorm", graph.add("Add", rows, narrow))


def _attend(graph: _Graph, published: Published, prefix: str, rows: str, precision: Precision) -> str:
    """Scaled dot-product attention of every head (Vaswani et al. 2017, eq. 1); query, key, value in one product."""
    shape, weights = published.architecture, published.weights
    size = shape.hidden_size // shape.n_heads
    scales = {"query": np.float32(1 / np.sqrt(size)), "key": np.float32(1), "value": np.float32(1)}
    stacked = np.concatenate([weights[f"{prefix}.{part}.weight"] * scale for part, scale in scales.items()])
    biases = np.concatenate([weights[f"{prefix}.{part}.bias"] * scale for part, scale in scales.items()])
    joint = _dense(graph, rows, stacked, biases, precision=precision)
    target = graph.add("Concat", graph.add("Shape", INPUT), graph.integers(3, shape.n_heads, size), axis=0)
    heads = graph.add("Transpose", graph.add("Reshape", joint, target), perm=[2, 0, 3, 1, 4])
    parts = graph.add_many("Split", 3, heads, graph.integers(1, 1, 1), axis=0)
    query, key, value = (graph.add("Squeeze", part, graph.integers(0)) for part in parts)
    scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    ordered = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
    return graph.add("Reshape", ordered, graph.integers(-1, shape.hidden_size))


def _dense(
    graph: _Graph,
    rows: str,
    weight: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    *,
    precision: Precision,
) -> str:
    """rows @ weight.T + bias; weight: (n_out, n_in)."""
    if precision == "float32":
        product = graph.add("MatMul", rows, graph.constant(weight.T))
        return graph.add("Add", product, graph.constant(bias))
    scales = np.maximum(np.abs(weight).max(axis=1) / WEIGHT_LEVELS, SMALLEST_SCALE)
    whole = np.rint(weight / scales[:, None]).T
    levels, steps = _quantise(graph, rows)
    sums = graph.add(
        "MatMulInteger", levels, graph.constant(whole, np.int8), graph.constant(ACTIVATION_ZERO, np.uint8)
    )
    scaled = graph.add("Mul", graph.add("Cast", sums, to=1), graph.constant(scales))
    return graph.add("Add", graph.add("Mul", scaled, steps), graph.constant(bias))


def _quantise(graph: _Graph, rows: str) -> tuple[str, str]:
    """Rows as whole numbers around ACTIVATION_ZERO, and the step of each row (n, 1)."""
    last = graph.integers(-1)
    largest = graph.add("ReduceMax", graph.add("Abs", rows), last, keepdims=0)
    steps = graph.add("Mul", largest, graph.constant(1 / ACTIVATION_LEVELS))
    steps = graph.add("Max", steps, graph.constant(SMALLEST_SCALE))
    zeros = graph.add("Expand", graph.constant(ACTIVATION_ZERO, np.uint8), graph.add("Shape", steps))
    levels = graph.add("QuantizeLinear", rows, steps, zeros, axis=0)
    return levels, graph.add("Unsqueeze", steps, last)


def _normalise(graph: _Graph, published: Published, name: str, rows: str) -> str:
    weight, bias = published.weights[f"{name}.weight"], published.weights[f"{name}.bias"]
    return graph.add(
        "LayerNormalization",
        rows,
        graph.constant(weight),
        graph.constant(bias),
        axis=-1,
        epsilon=published.architecture.epsilon,
    )


def _pool(graph: _Graph, rows: str, shape: Architecture) -> None:
    """Sum over the pieces, then unit length, which makes the sum and the mean the same."""
    from onnx import helper

    size = graph.integers(shape.hidden_size)
    pieces = graph.add("Reshape", rows, graph.add("Concat", graph.add("Shape", INPUT), size, axis=0))
    length = graph.add("Shape", INPUT, start=1, end=2)
    ones = graph.add("Expand", graph.constant(1.0), graph.add("Concat", graph.integers(1, 1), length, axis=0))
    total = graph.add("Squeeze", graph.add("MatMul", ones, pieces), graph.integers(1))
    norm = graph.add("ReduceL2", total, graph.integers(1), keepdims=1)
    graph.nodes.append(helper.make_node("Div", [total, norm], [OUTPUT]))


def _serialise(graph: _Graph, shape: Architecture) -> bytes:
    from onnx import TensorProto, checker, helper

    ids = helper.make_tensor_value_info(INPUT, TensorProto.INT64, ["n", "length"])
    embedding = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", shape.hidden_size])
    whole = helper.make_graph(graph.nodes, "sentence_encoder", [ids], [embedding], graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    return cast(bytes, model.SerializeToString(deterministic=True))
