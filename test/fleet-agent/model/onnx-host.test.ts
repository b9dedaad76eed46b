// Owns the proof that the ONNX host shares what is equal, names what went wrong, and survives models that hang or break its thread.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OnnxHost } from '../../../fleet-agent/src/model/onnx-host.ts';
import type { Tensor } from '../../../fleet-agent/src/model/tensor.ts';
import type { ModelFiles, Port, Ports } from '../../../fleet-agent/src/record/slots.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import {
  constantClassifier,
  ELEMENT,
  echo,
  hungryModel,
  modelWithDataFile,
  modelWithSequence,
  recogniser,
} from '../../support/onnx-fixture.ts';
import { clock, oneRow, openHost } from '../device-world.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-host-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ports = (input?: Port, output?: Port): Ports => ({
  inputs: input === undefined ? [] : [input],
  outputs: output === undefined ? [] : [output],
});

function modelFile(bytes: Buffer | string): ModelFiles {
  const digest = digestOf(bytes);
  const file = path.join(folder, digest.slice(7, 20));
  writeFileSync(file, bytes);
  return { byRole: { model: { path: file, digest } } };
}

describe('with real models', () => {
  const host = openHost();
  afterAll(() => host.close());

  test('two users of equal content share one session; it lives until the last lets go', async () => {
    const files = modelFile(constantClassifier(2));
    const [one, two] = [await host.load(files), await host.load(files)];
    await one.release();
    await one.release();
    const [output] = await two.run(oneRow);
    expect(output).toMatchObject({ name: 'probabilities', datatype: 'FP32', shape: [1, 4] });
    await two.release();
    await expect(two.run(oneRow)).rejects.toMatchObject({ name: 'ModelError' });
  });

  test('names a file that is no model "load", and a wrong input "bad-shape"', async () => {
    await expect(host.load(modelFile(Buffer.alloc(64, 1)))).rejects.toMatchObject({ reason: 'load' });
    const model = await host.load(modelFile(constantClassifier(1)));
    await expect(model.run([{ ...oneRow[0], name: 'z' } as Tensor])).rejects.toMatchObject({ reason: 'bad-shape' });
    await model.release();
  });

  test.each<[string, Ports, RegExp]>([
    ['input datatype', ports({ name: 'x', datatype: 'INT64', shape: [-1, 4] }), /input "x" is float32.*says INT64/],
    ['number of dimensions', ports({ name: 'x', datatype: 'FP32', shape: [-1] }), /"x" is \[batch,4\].*says \[-1\]/],
    ['length', ports({ name: 'x', datatype: 'FP32', shape: [-1, 5] }), /"x" is \[batch,4\].*says \[-1,5\]/],
    [
      'output datatype',
      ports(undefined, { name: 'probabilities', datatype: 'BYTES', shape: [-1, 4] }),
      /output "probabilities" is float32/,
    ],
  ])('a manifest that promises another %s than the file has is refused in words', async (_, promised, message) => {
    const files = { ...modelFile(constantClassifier(3)), ports: promised };
    await expect(host.load(files)).rejects.toMatchObject({ reason: 'load', message: expect.stringMatching(message) });
  });

  test('a length that the manifest leaves open and the file does not is a refused request, and no error of the model', async () => {
    const any = { datatype: 'FP32', shape: [-1, -1] };
    const open = ports({ name: 'x', ...any }, { name: 'probabilities', ...any });
    const model = await host.load({ ...modelFile(constantClassifier(1)), ports: open });
    const wrong: Tensor[] = [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: new Float32Array(3) }];
    await expect(model.run(wrong)).rejects.toMatchObject({ name: 'CodedError', code: 'INFER_SHAPE' });
    await model.release();
  });

  test.each<[string, Tensor]>([
    ['float16', { name: 'x', datatype: 'FP16', shape: [3], data: Float32Array.of(0.5, -65_504, 2 ** -24) }],
    ['int64', { name: 'x', datatype: 'INT64', shape: [2], data: BigInt64Array.of(9007199254740993n, -(2n ** 63n)) }],
    ['uint64', { name: 'x', datatype: 'UINT64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
    ['bool', { name: 'x', datatype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) }],
    ['string', { name: 'x', datatype: 'BYTES', shape: [2], data: ['é', ''] }],
  ])('%s goes through a model without loss', async (type, tensor) => {
    const model = await host.load(modelFile(echo(ELEMENT[type as keyof typeof ELEMENT])));
    expect(await model.run([tensor])).toEqual([{ ...tensor, name: 'y' }]);
    await model.release();
  });

  test('weights in a file beside the model are read under the name that the model has for them', async () => {
    const weights = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
    const file = path.join(folder, 'weights');
    writeFileSync(file, weights);
    const data = [{ name: 'model.onnx.data', path: file, digest: digestOf(weights) }];
    const files = modelFile(modelWithDataFile('model.onnx.data'));
    const model = await host.load({ ...files, data });
    expect(await model.run(oneRow)).toMatchObject([{ name: 'y', data: Float32Array.of(1, 2, 3, 4) }]);
    await expect(host.load(files)).rejects.toMatchObject({ reason: 'load' });
    await model.release();
  });

  test('an output that is no tensor is left alone where the manifest does not name it, and refused where it does', async () => {
    const files = modelFile(modelWithSequence());
    const [x, y, z, list] = ['x', 'y', 'z', 'list'].map((name) => ({ name, datatype: 'FP32', shape: [-1, 4] }));
    for (const given of [{ ...files, ports: ports(x, y) }, files]) {
      const model = await host.load(given);
      expect(await model.run(oneRow)).toMatchObject([{ name: 'y' }]);
      await model.release();
    }
    await expect(host.load({ ...files, ports: ports(x, list) })).rejects.toMatchObject({
      reason: 'load',
      message: expect.stringContaining('a sequence or a map'),
    });
    await expect(host.load({ ...files, ports: ports(z, y) })).rejects.toMatchObject({
      reason: 'load',
      message: expect.stringContaining('no input "z"; it has x'),
    });
  });

  test('an answer that is too long is refused before it is passed on, and the next is given', async () => {
    const model = await host.load(modelFile(recogniser(6625)));
    const ask = (steps: number) =>
      model.run([{ name: 'x', datatype: 'FP32', shape: [8, steps, 4], data: new Float32Array(32 * steps) }]);
    await expect(ask(160)).rejects.toMatchObject({
      ...{ name: 'CodedError', code: 'INFER_ANSWER_LENGTH' },
      message: expect.stringContaining('8480000 values'),
    });
    expect(await ask(4)).toMatchObject([{ shape: [8, 4, 6625] }]);
    await model.release();
  });

  test.each([1, 3, 8, 64])(
    'a model that wants %i GiB fails as "out-of-memory", and the others answer on',
    async (gibibytes) => {
      const good = await host.load(modelFile(constantClassifier(0)));
      const hungry = await host.load(modelFile(hungryModel(gibibytes)));
      // Below what WebAssembly can address the ceiling refuses it; without one the runtime writes beyond its memory.
      const message = expect.stringContaining(gibibytes === 1 ? 'bad_alloc' : '');
      await expect(hungry.run(oneRow)).rejects.toMatchObject({ reason: 'out-of-memory', message });
      await expect(good.run(oneRow)).resolves.toHaveLength(1);
      await hungry.release();
      await good.release();
    },
  );
});

describe('with a thread that misbehaves', () => {
  const open = () => new OnnxHost({ clock, threadFile: new URL('./stub-thread.ts', import.meta.url), timeoutMs: 1500 });
  const run = (name: string): Tensor[] => [{ name, datatype: 'FP32', shape: [0], data: new Float32Array(0) }];

  test('a model that never answers is stopped, blamed with "timeout", and the requests behind it are answered', async () => {
    const host = open();
    const [bad, good] = [await host.load(modelFile('hang')), await host.load(modelFile('fine'))];
    const hanging = bad.run(run('now'));
    const behind = Array.from({ length: 20 }, () => good.run(run('now')));
    await expect(hanging).rejects.toMatchObject({ reason: 'timeout' });
    await expect(Promise.all(behind)).resolves.toHaveLength(20);
    await expect(bad.run(run('later'))).resolves.toEqual([]);
    await host.close();
  });

  test('a model that ends the thread is blamed, and the requests behind it are answered', async () => {
    const host = open();
    const [bad, good] = [await host.load(modelFile('die')), await host.load(modelFile('fine'))];
    const dying = bad.run(run('now'));
    const behind = good.run(run('now'));
    await expect(dying).rejects.toMatchObject({ reason: 'runtime' });
    await expect(behind).resolves.toEqual([]);
    await host.close();
  });

  test('a model that broke the thread has one of its own from then on: the others are not loaded again when it breaks again', async () => {
    const host = open();
    const [bad, fine] = [modelFile('die'), modelFile('fine')];
    const [dying, good] = [await host.load(bad), await host.load(fine)];
    const loads = (of: ModelFiles): string => readFileSync(`${of.byRole.model?.path}.loads`, 'utf8');
    const before = loads(fine).length;
    await expect(dying.run(run('now'))).rejects.toMatchObject({ reason: 'runtime' });
    await good.run(run('now'));
    const after = loads(fine).length;
    expect(after).toBe(before + 1);
    for (let i = 0; i < 3; i++) {
      const broken = expect(dying.run(run('now'))).rejects.toMatchObject({ reason: 'runtime' });
      await good.run(run('now'));
      await broken;
    }
    expect(loads(fine)).toHaveLength(after);
    await expect(dying.run(run('later'))).resolves.toEqual([]);
    await dying.release();
    await host.close();
  });

  test.each(['fail-at-second-load', 'hang-at-second-load'])(
    'a model that could not be loaded again (%s) answers from its next run on, and the others meanwhile',
    async (what) => {
      const host = open();
      const [dying, sick, good] = [
        await host.load(modelFile('die')),
        await host.load(modelFile(what)),
        await host.load(modelFile('fine')),
      ];
      await expect(dying.run(run('now'))).rejects.toMatchObject({ reason: 'runtime' });
      await sick.run(run('now')).catch(() => undefined);
      await expect(Promise.all([sick.run(run('now')), sick.run(run('now'))])).resolves.toEqual([[], []]);
      await expect(good.run(run('now'))).resolves.toEqual([]);
      await sick.release();
      await expect(sick.run(run('now'))).rejects.toMatchObject({ name: 'ModelError' });
      await host.close();
    },
  );

  test('a model that hangs while it is loaded is not loaded again by itself', async () => {
    const host = open();
    const good = await host.load(modelFile('fine'));
    const bad = modelFile('hang-at-load');
    await expect(host.load(bad)).rejects.toMatchObject({ reason: 'timeout' });
    await expect(good.run(run('now'))).resolves.toEqual([]);
    expect(readFileSync(`${bad.byRole.model?.path}.loads`, 'utf8')).toBe('x');
    await host.close();
  });
});
