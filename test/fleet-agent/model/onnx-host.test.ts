// Owns the proof that the ONNX host shares what is equal, names what went wrong, and survives models that hang or break its thread.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OnnxHost } from '../../../fleet-agent/src/model/onnx-host.ts';
import type { Tensor } from '../../../fleet-agent/src/model/tensor.ts';
import type { ModelFiles } from '../../../fleet-agent/src/record/slots.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import { constantClassifier, hungryModel } from '../../support/onnx-fixture.ts';
import { clock, oneRow, openHost } from '../device-world.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-host-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

  test('names a file that is no model "load", and a wrong shape "bad-shape"', async () => {
    await expect(host.load(modelFile(Buffer.alloc(64, 1)))).rejects.toMatchObject({ reason: 'load' });
    const model = await host.load(modelFile(constantClassifier(1)));
    const wrong: Tensor[] = [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: new Float32Array(3) }];
    await expect(model.run(wrong)).rejects.toMatchObject({ reason: 'bad-shape' });
    await expect(model.run([{ ...oneRow[0], name: 'z' } as Tensor])).rejects.toMatchObject({ reason: 'bad-shape' });
    await model.release();
  });

  test.each([1, 3, 8, 64])(
    'a model that wants %i GiB fails as "out-of-memory", and the others answer on',
    async (gibibytes) => {
      const good = await host.load(modelFile(constantClassifier(0)));
      const hungry = await host.load(modelFile(hungryModel(gibibytes)));
      await expect(hungry.run(oneRow)).rejects.toMatchObject({ reason: 'out-of-memory' });
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
