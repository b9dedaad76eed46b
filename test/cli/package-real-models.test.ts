// Holds the law that other people's models go through `package`, `sign` and `validate` with nothing written by hand but labels and kinds.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { bomProblems } from '../support/cyclonedx.ts';
import { findModels, PAPER_MODELS, SPEECH_MODELS, VOICE_MODELS } from '../support/npm-models.ts';
import { page } from '../support/pages.ts';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

const folders = await findModels([VOICE_MODELS, PAPER_MODELS, SPEECH_MODELS]);
const [voices = '', papers = '', speech = ''] = folders ?? [];

let session: CliSession;
beforeAll(async () => {
  session = new CliSession();
  await session.run(['init', 'models']);
});
afterAll(() => session[Symbol.asyncDispose]());

const at = (model: string): string => `models/models/${model}/1.0.0.yaml`;
const manifest = (model: string) => parseManifest(readFileSync(session.path(at(model))), at(model));
const spread = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 7) % 11) / 10 - 0.5);

function put(name: string, content: Buffer): string {
  writeFileSync(session.path(name), content);
  return name;
}

/** As `numpy.save` writes float32. */
function npy(shape: readonly number[]): Buffer {
  const data = Buffer.from(new Float32Array(spread(shape.reduce((product, size) => product * size, 1))).buffer);
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`.padEnd(117);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${header}\n`), data]);
}

/** A number without dimensions. */
function rate(): Buffer {
  const file = npy([1]);
  file.writeFloatLE(16_000, file.length - 4);
  file.write('()  ', file.indexOf('(1,)'), 'latin1');
  return file;
}

async function release(model: string, file: string, ...more: readonly string[]) {
  const packed = await session.run(['package', file, '--manifest', at(model), '--bom', ...more]);
  expect(packed).toMatchObject({ code: 0 });
  expect(bomProblems(readFileSync(session.path(at(model).replace('.yaml', '.cdx.json')), 'utf8'))).toEqual([]);
  expect(await session.run(['sign', at(model), '--key', '.slipway-keys/ci.key'])).toMatchObject({ code: 0 });
  return { packed, spec: manifest(model).spec };
}

describe.skipIf(folders === undefined)('real models', () => {
  test('a voice activity detector of three inputs, one of them a scalar, has its state in the example', async () => {
    const inputs = { input: spread(512), state: spread(256), sr: [16_000] };
    session.write('voice.json', JSON.stringify({ inputs, shapes: { input: [1, 512], state: [2, 1, 128] } }));
    const file = path.join(voices, 'dist/silero_vad_v6.onnx');
    const { spec } = await release('voice-v6', file, '--kind', 'output=scalar', '--example', 'voice.json');
    expect(spec.framework).toBe('onnx');
    expect(spec.interface.inputs.map(({ name, shape }) => [name, shape])).toContainEqual(['sr', []]);
    // The file leaves each dimension of the state open: the answer says them.
    expect(spec.examples?.[0]?.shapes).toEqual({ input: [1, 512], state: [2, 1, 128], stateN: [2, 1, 128] });
    expect(Object.keys(spec.examples?.[0]?.expect.outputs ?? {})).toEqual(['output', 'stateN']);
  });

  test('a detector of three inputs takes the command of the page, with a NumPy file for each', async () => {
    put('vad.onnx', readFileSync(path.join(voices, 'dist/silero_vad_v5.onnx')));
    put('wave.npy', npy([1, 512]));
    put('state.npy', npy([2, 1, 128]));
    put('rate.npy', rate());
    const [block] = page('docs/how-to/package-a-model.md', ['test/cli/package-real-models.test.ts']);
    const words = block?.commands[0]?.command.replace('…', at('voice-v5')).split(' ').slice(1) ?? [];
    expect(await session.run(words)).toMatchObject({ code: 0 });
    expect(await session.run(['sign', at('voice-v5'), '--key', '.slipway-keys/ci.key'])).toMatchObject({ code: 0 });
    expect(manifest('voice-v5').spec.examples?.[0]).toMatchObject({
      ...{ name: 'wave', shapes: { input: [1, 512], state: [2, 1, 128] } },
    });
  });

  test('a detector of four inputs takes a NumPy file for each', async () => {
    const args = [
      `input=${put('wave.npy', npy([1, 512]))}`,
      `h=${put('h.npy', npy([2, 1, 64]))}`,
      `c=${put('c.npy', npy([2, 1, 64]))}`,
      `sr=${put('sr.npy', rate())}`,
    ];
    const file = path.join(voices, 'dist/silero_vad_legacy.onnx');
    const { spec } = await release(
      'legacy',
      file,
      '--kind',
      'output=scalar',
      ...args.flatMap((one) => ['--example', one]),
    );
    expect(spec.examples?.[0]).toMatchObject({
      name: 'wave',
      shapes: { input: [1, 512], h: [2, 1, 64] },
    });
  });

  test('a classifier of pictures of any size needs its labels alone', async () => {
    session.write('directions.txt', '0 degrees\n180 degrees\n');
    put('picture.npy', npy([1, 3, 48, 48]));
    const file = path.join(papers, 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
    const { spec } = await release('direction', file, '--labels', 'directions.txt', '--example', 'picture.npy');
    expect(spec.interface.outputs[0]?.classes).toEqual(['0 degrees', '180 degrees']);
    expect(spec.examples?.[0]?.expect.class).toMatch(/degrees$/);
  });

  test('a reader of text, whose answer is too long to be kept, is run by its example all the same', async () => {
    put('line.npy', npy([1, 3, 48, 64]));
    const file = path.join(papers, 'assets/ch_PP-OCRv4_rec_infer.onnx');
    const { spec } = await release('reader', file, '--kind', 'softmax_11.tmp_0=text', '--example', 'line.npy');
    expect(spec.interface.outputs[0]).toMatchObject({ kind: 'text', shape: [-1, -1, 6625] });
    expect(spec.examples?.[0]?.expect).toEqual({ outputs: {} });
  });

  test('a detector whose answer is a map has no kind that fits, and the command says so', async () => {
    const file = path.join(papers, 'assets/ch_PP-OCRv4_det_infer.onnx');
    const wrong = await session.run([
      'package',
      file,
      '--manifest',
      at('finder'),
      '--kind',
      'sigmoid_0.tmp_0=detections',
    ]);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('is no detections') });
    const { packed } = await release('finder', file);
    expect(packed.stderr).toMatch(/Note: devices sum up nothing.*--kind sigmoid_0.tmp_0=/);
  });

  test('an embedding of speech and the spectrogram before it', async () => {
    put('frames.npy', npy([1, 76, 32, 1]));
    const embedding = path.join(speech, 'models/embedding_model.onnx');
    const { spec } = await release('embedding', embedding, '--kind', 'conv2d_19=embedding', '--example', 'frames.npy');
    expect(spec.examples?.[0]?.expect.outputs?.conv2d_19).toHaveLength(96);
    put('sound.npy', npy([1, 1280]));
    const spectrogram = await release(
      'spectrogram',
      path.join(speech, 'models/melspectrogram.onnx'),
      '--example',
      'sound.npy',
    );
    expect(spectrogram.spec.examples?.[0]?.shapes).toEqual({ input: [1, 1280], output: [1, 1, 5, 32] });
  });

  test('the repository that holds them all is valid, and each signature verifies', async () => {
    const valid = await session.run(['validate', '--repo', 'models', '--trust', '.slipway/trust-policy.yaml']);
    expect(valid).toMatchObject({ code: 0, stdout: expect.stringContaining('8 model versions') });
  });
});
