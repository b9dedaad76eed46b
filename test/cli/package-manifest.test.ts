// Laws of `slipway package --manifest`: what the files say nobody writes, what comes out is valid and the same each time, and nothing is half done.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeOnnx, type OnnxPort } from '../../examples/invoices/onnx-writer.ts';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { bomProblems } from '../support/cyclonedx.ts';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models']);
});
afterEach(() => session[Symbol.asyncDispose]());

const SCORES: readonly OnnxPort[] = [{ name: 'scores', shape: ['batch', 3] }];

function onnx(outputs: readonly OnnxPort[] = SCORES, name = 'g'): Buffer {
  const nodes = outputs.map((output) => ({ operator: 'Identity', inputs: ['x'], outputs: [output.name] }));
  return encodeOnnx({ name, inputs: [{ name: 'x', shape: ['batch', 3] }], outputs, tensors: [], nodes });
}

function put(file: string, content: Buffer | string = onnx()): void {
  session.write(file, '');
  writeFileSync(session.path(file), content);
}

const at = (version: string): string => `models/models/sorter/${version}.yaml`;
const text = (version: string): string => readFileSync(session.path(at(version)), 'utf8');
const manifest = (version: string) => parseManifest(Buffer.from(text(version)), at(version));
const pack = (version: string, ...args: string[]) => session.run(['package', '--manifest', at(version), ...args]);
const artifacts = (): string[] => {
  const folder = session.path('.slipway/publication/artifacts');
  return existsSync(folder) ? readdirSync(folder) : [];
};

test('a version is made of its file and its labels, signed and valid; the next one is numbered above it and takes over what people wrote', async () => {
  put('model.onnx');
  put('labels.txt', 'invoice\nreceipt\r\nother\n');
  const first = await pack('1.0.0', 'model.onnx', '--labels', 'labels.txt');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const hex = hexOf(digestOf(onnx()));
  expect(text('1.0.0')).toBe(`apiVersion: slipway.dev/v1alpha1
kind: ModelManifest
metadata:
  name: sorter
  version: "1.0.0"
  sequence: 1
spec:
  framework: onnx
  interface:
    inputs: [{ name: x, type: float32, shape: [-1, 3] }]
    outputs: [{ name: scores, type: float32, shape: [-1, 3], classes: [invoice, receipt, other] }]
  variants:
    - platform: any
      files:
        - role: model
          name: model.onnx
          digest: sha256:${hex}
          sizeBytes: ${onnx().length}
          url: artifacts/${hex}
`);
  expect(artifacts()).toEqual([hex]);
  expect(await session.run(['sign', at('1.0.0'), '--key', '.slipway-keys/ci.key'])).toMatchObject({ code: 0 });
  expect(manifest('1.0.0').metadata.sequence).toBe(1);

  const written = text('1.0.0').replace('  sequence', '  owner: team-paper\n  sequence').replace('1.0.0', '1.0.1');
  session.write(
    at('1.0.1'),
    `${written}  health: { errorRate: 2% }\n  metrics: { accuracy: 0.9 }\n`.replace('sequence: 1', 'sequence: 7'),
  );
  put('next.onnx', onnx(SCORES, 'next'));
  expect(await pack('1.1.0', 'next.onnx', '--from', at('1.0.1'))).toMatchObject({ code: 0 });
  const { metadata, spec } = manifest('1.1.0');
  expect(metadata).toEqual({ name: 'sorter', version: '1.1.0', sequence: 8, owner: 'team-paper' });
  expect(spec.health).toEqual({ errorRate: '2%' });
  expect(spec.metrics).toBeUndefined();
  expect(spec.interface.outputs[0]?.classes).toEqual(['invoice', 'receipt', 'other']);
  expect((await session.run(['validate', '--repo', 'models'])).code).toBe(0);
});

test('the same files make the same manifest, whatever came later; other files are refused under its name', async () => {
  put('model.onnx');
  await pack('1', 'model.onnx');
  const before = text('1');
  await pack('2', 'model.onnx');
  expect(manifest('2').metadata.sequence).toBe(2);
  expect(await pack('1', 'model.onnx')).toMatchObject({ code: 0 });
  expect(text('1')).toBe(before);
  put('other.onnx', onnx(SCORES, 'other'));
  expect(await pack('1', 'other.onnx')).toMatchObject({ code: 2, stderr: expect.stringContaining('PACKAGE_EXISTS') });
  expect(text('1')).toBe(before);
  expect(artifacts()).toHaveLength(1);
});

test('a bill of materials lies beside the manifest, which names its digest; a changed one is told', async () => {
  put('model.onnx');
  expect(await pack('1', 'model.onnx', '--bom')).toMatchObject({ code: 0 });
  const beside = session.path('models/models/sorter/1.cdx.json');
  const bill = readFileSync(beside, 'utf8');
  expect(bomProblems(bill)).toEqual([]);
  expect(manifest('1').spec.bom).toBe(digestOf(bill));
  expect(await pack('1', 'model.onnx', '--bom')).toMatchObject({ code: 0 });
  expect(readFileSync(beside, 'utf8')).toBe(bill);
  expect(await session.run(['validate', '--repo', 'models'])).toMatchObject({ code: 0 });
  writeFileSync(beside, `${bill} `);
  const changed = await session.run(['validate', '--repo', 'models']);
  expect(changed).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/MANIFEST_BOM {2}models\/sorter\/1\.yaml:\d/),
  });
  await pack('2', 'model.onnx', '--bom', 'elsewhere.json');
  expect(manifest('2').spec.bom).toBe(digestOf(readFileSync(session.path('elsewhere.json'))));
  expect(existsSync(session.path('models/models/sorter/2.cdx.json'))).toBe(false);
});

test('a dry run prints the manifest, needs no home, and writes and copies nothing', async () => {
  put('model.onnx');
  const dry = await pack('1', 'model.onnx', '--dry-run', '--home', 'nowhere');
  expect(dry).toMatchObject({ code: 0, stderr: expect.stringMatching(/^model\.onnx would go to .*nowhere/) });
  expect(existsSync(session.path(at('1')))).toBe(false);
  expect(artifacts()).toEqual([]);
  const { stdout } = await pack('1', 'model.onnx', '--json');
  expect(text('1')).toBe(dry.stdout);
  expect(JSON.parse(stdout)).toMatchObject({
    manifest: at('1'),
    digest: digestOf(text('1')),
    sequence: 1,
    onnx: { irVersion: 8, opset: 13 },
    artifacts: [{ file: 'model.onnx', digest: digestOf(onnx()), isNew: true }],
  });
  const again = await pack('1', 'model.onnx', '--dry-run');
  expect(again.stderr).toMatch(/^model\.onnx is in .*publication already/);
});

test('kinds say what outputs are; one that does not fit, or is not there, is refused', async () => {
  put(
    'model.onnx',
    onnx([
      { name: 'price', shape: ['batch', 1] },
      { name: 'vector', shape: ['batch', 8] },
    ]),
  );
  const kinds = ['--kind', 'price=scalar', '--kind', 'vector=embedding'];
  expect(await pack('1', 'model.onnx', ...kinds)).toMatchObject({ code: 0 });
  expect(manifest('1').spec.interface.outputs.map(({ kind }) => kind)).toEqual(['scalar', 'embedding']);
  for (const [args, problem] of [
    [['--kind', 'vector=scalar'], 'MANIFEST_OUTPUT_KIND'],
    [['--kind', 'prize=scalar'], 'It has price, vector'],
    [['--kind', 'vector=classes'], 'names no classes'],
    [['--kind', 'vector=number'], 'Allowed choices are'],
  ] as const)
    expect(await pack('2', 'model.onnx', ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(problem) });
  expect(existsSync(session.path(at('2')))).toBe(false);
});

test('labels come as lines or as JSON; those that fit no output, or several, are refused; a great many stay in their file', async () => {
  const twin = (width: number): Buffer =>
    onnx([
      { name: 'a', shape: ['batch', width] },
      { name: 'b', shape: ['batch', width] },
    ]);
  put('model.onnx', twin(2));
  put('labels.json', '["yes", "no"]');
  const several = await pack('1', 'model.onnx', '--labels', 'labels.json');
  expect(several).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Several outputs may have a score for each of the 2'),
  });
  await pack('1', 'model.onnx', '--labels', 'labels.json', '--kind', 'b=classes');
  expect(manifest('1').spec.interface.outputs[1]).toMatchObject({ kind: 'classes', classes: ['yes', 'no'] });
  put('three.txt', 'a\nb\nc\n');
  const none = await pack('2', 'model.onnx', '--labels', 'three.txt');
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('No output has a score') });
  put('many/model.onnx', onnx([{ name: 'scores', shape: ['batch', 1001] }]));
  put('many/labels.txt', Array.from({ length: 1001 }, (_, i) => `class ${i}`).join('\n'));
  await pack('2', 'many');
  expect(manifest('2').spec.interface.outputs[0]).toMatchObject({ classCount: 1001 });
  expect(manifest('2').spec.variants[0]?.files.map(({ role }) => role)).toEqual(['model', 'labels']);
});

test('each folder is a variant of the platform it is named for, the most specific first, with all its files', async () => {
  for (const folder of ['any', 'linux-arm64', 'linux-arm64+npu+int8', 'linux-arm-v7'])
    put(`build/${folder}/model.onnx`, onnx(SCORES, folder));
  put('build/any/preprocess.json', '{}');
  put('build/any/words.json', '[]');
  const unknown = await pack('1', 'build');
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('--role words.json=preprocess') });
  expect(artifacts()).toEqual([]);
  expect(await pack('1', 'build', '--role', 'words.json=postprocess')).toMatchObject({ code: 0 });
  const { variants } = manifest('1').spec;
  expect(variants.map(({ platform, capabilities, precision }) => [platform, capabilities, precision])).toEqual([
    ['linux/arm64', ['npu'], 'int8'],
    ['linux/arm/v7', undefined, undefined],
    ['linux/arm64', undefined, undefined],
    ['any', undefined, undefined],
  ]);
  expect(variants[3]?.files.map(({ role, name }) => `${role} ${name}`)).toEqual([
    'model model.onnx',
    'preprocess preprocess.json',
    'postprocess words.json',
  ]);
  put('build/any/model.onnx', onnx([{ name: 'other', shape: [1] }]));
  const differ = await pack('2', 'build', '--role', 'words.json=postprocess');
  expect(differ).toMatchObject({ code: 2, stderr: expect.stringContaining('has other inputs or outputs than') });
});

test('another format has its interface from a manifest; a damaged model, and a file that is none, are refused by name', async () => {
  put('model.onnx');
  await pack('1', 'model.onnx');
  put('model.tflite', 'TFL3');
  const alone = await pack('2', 'model.tflite');
  expect(alone).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Pass a manifest that has them with --from'),
  });
  put('cut.onnx', onnx().subarray(0, 40));
  expect(await pack('2', 'cut.onnx')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/ONNX_DAMAGED\s+cut\.onnx/),
  });
  for (const file of ['models/models/sorter', 'models/models.yaml', 'repository/models/1.yaml']) {
    const unnamed = await session.run(['package', 'model.onnx', '--manifest', file]);
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining('is no name of a manifest') });
  }
  expect(await pack('2', 'gone.onnx')).toMatchObject({ code: 2, stderr: expect.stringContaining('gone.onnx') });
  session.write('tflite.yaml', text('1').replace('framework: onnx', 'framework: tflite'));
  expect(await pack('2', 'model.tflite', '--from', 'tflite.yaml')).toMatchObject({ code: 0 });
  expect(manifest('2').spec).toMatchObject({ framework: 'tflite', interface: manifest('1').spec.interface });
});

test('the answer to an example is worked out in the runtime of devices; a variant that answers otherwise is refused', async () => {
  put('build/any/model.onnx');
  put('build/any/labels.txt', 'invoice\nreceipt\nother\n');
  session.write('one.json', '{ "inputs": { "x": [0.1, 0.7, 0.2] } }');
  expect(await pack('1', 'build', '--example', 'one.json')).toMatchObject({ code: 0, stderr: '' });
  const [first] = manifest('1').spec.examples!;
  expect(first).toEqual({ name: 'one', inputs: { x: [0.1, 0.7, 0.2] }, expect: { class: 'receipt' } });
  put('price.onnx', onnx([{ name: 'price', shape: ['batch', 3] }]));
  session.write('two.json', '{ "inputs": { "x": [0.5, 0.25, 8] } }');
  await pack('2', 'price.onnx', '--example', 'two.json');
  expect(manifest('2').spec.examples?.[0]?.expect).toEqual({ outputs: { price: [0.5, 0.25, 8] } });

  const negated = encodeOnnx({
    name: 'g',
    inputs: [{ name: 'x', shape: ['batch', 3] }],
    outputs: SCORES,
    tensors: [],
    nodes: [
      { operator: 'Neg', inputs: ['x'], outputs: ['less'] },
      { operator: 'Softmax', inputs: ['less'], outputs: ['scores'], attributes: { axis: 1 } },
    ],
  });
  put('build/linux-arm64/model.onnx', negated);
  const differ = await pack('3', 'build', '--example', 'one.json');
  expect(differ).toMatchObject({ code: 2, stderr: expect.stringContaining('expected class "receipt", got "invoice"') });
  put('build/linux-arm64/labels.txt', 'receipt\ninvoice\nother\n');
  expect(await pack('3', 'build')).toMatchObject({ code: 2, stderr: expect.stringContaining('has other labels than') });
  session.write('short.json', '{ "inputs": { "x": [0.1] } }');
  session.write('none.json', '[]');
  for (const [file, problem] of [
    ['short.json', 'MANIFEST_EXAMPLE'],
    ['none.json', 'is no JSON with `inputs`'],
  ] as const)
    expect(await pack('3', 'build/any', '--example', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(problem),
    });
  expect(existsSync(session.path(at('3')))).toBe(false);
});

test('weights beside the model are found by the name that it gives them; weights elsewhere, pointers and empty files are refused', async () => {
  const field = (number: number, content: Buffer | string): Buffer =>
    Buffer.concat([Buffer.from([number * 8 + 2, content.length]), Buffer.from(content)]);
  const outside = (location: string): Buffer => {
    const entry = Buffer.concat([field(1, 'location'), field(2, location)]);
    // A second message of the graph's field would be another graph: this one goes into it, at its end.
    const whole = onnx();
    const start = whole.indexOf(Buffer.from([7 * 8 + 2]), 4);
    const length = whole[start + 1]!;
    const more = field(5, Buffer.concat([field(8, 'w'), field(13, entry)]));
    const graph = Buffer.concat([whole.subarray(start + 2, start + 2 + length), more]);
    return Buffer.concat([
      whole.subarray(0, start),
      Buffer.from([7 * 8 + 2, (graph.length % 128) + 128, graph.length >> 7]),
      graph,
      whole.subarray(start + 2 + length),
    ]);
  };
  put('model.onnx', outside('model.data'));
  expect(await pack('1', 'model.onnx')).toMatchObject({ code: 2, stderr: expect.stringContaining('model.data') });
  put('model.data', 'weights');
  expect(await pack('1', 'model.onnx')).toMatchObject({ code: 0 });
  expect(manifest('1').spec.variants[0]?.files.map(({ role, name }) => `${role} ${name}`)).toEqual([
    'model model.onnx',
    'data model.data',
  ]);
  for (const [content, problem] of [
    [outside('../../etc/passwd'), 'which is not beside it'],
    [Buffer.alloc(0), 'is empty'],
    [Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n'), 'is a pointer of Git LFS'],
  ] as const) {
    put('odd.onnx', content);
    expect(await pack('2', 'odd.onnx')).toMatchObject({ code: 2, stderr: expect.stringContaining(problem) });
  }
});
