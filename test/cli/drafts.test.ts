// Laws of drafts: a version may be registered before its files exist, nothing runs it, and `package` makes a manifest of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeOnnx } from '../../examples/invoices/onnx-writer.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models']);
});
afterEach(() => session[Symbol.asyncDispose]());

const FILE = 'models/models/sorter/1.0.0.yaml';
const DRAFT = `apiVersion: slipway.dev/v1alpha1
kind: ModelDraft
metadata: { name: sorter, version: "1.0.0", state: training, owner: team-paper }
spec:
  lineage: { data: invoices-2026-11, code: 4f2c1e9 }
  metrics: { accuracy: 0.97 }
`;
const validate = () => session.run(['validate', '--repo', 'models', '--trust', '.slipway/trust-policy.yaml']);

test('a draft is valid, needs no signature and gets none, and a rollout that asks for it is refused at the line', async () => {
  session.write(FILE, DRAFT);
  expect(await validate()).toMatchObject({ code: 0, stdout: expect.stringContaining('1 draft') });
  const signed = await session.run(['sign', FILE, '--key', '.slipway-keys/ci.key']);
  expect(signed).toMatchObject({ code: 2, stderr: expect.stringContaining('SIGN_KIND') });
  expect(() => parseManifest(Buffer.from(DRAFT), '1.0.0.yaml')).toThrow();
  for (const version of ['"1.0.0"', 'latest']) {
    session.write(
      'models/rollouts/sorter-eu.yaml',
      `apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: sorter-eu }\nspec:\n  model: sorter\n  version: ${version}\n  target: region:eu-west\n`,
    );
    const { code, stdout, stderr } = await validate();
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/REFERENCE_DRAFT {2}rollouts\/sorter-eu\.yaml:6:/);
  }
});

test('packaging the version puts the manifest in its place, with what was registered; from then on it never changes', async () => {
  session.write(FILE, DRAFT);
  const graph = { inputs: [{ name: 'x', shape: ['batch', 3] }], outputs: [{ name: 'scores', shape: ['batch', 3] }] };
  const nodes = [{ operator: 'Identity', inputs: ['x'], outputs: ['scores'] }];
  writeFileSync(session.path('model.onnx'), encodeOnnx({ name: 'g', ...graph, tensors: [], nodes }));
  session.write('labels.txt', 'a\nb\nc\n');
  const pack = (...more: string[]) => session.run(['package', 'model.onnx', '--manifest', FILE, ...more]);
  expect(await pack('--labels', 'labels.txt')).toMatchObject({ code: 0 });
  const { metadata, spec } = parseManifest(readFileSync(session.path(FILE)), 'sorter/1.0.0.yaml');
  expect(metadata).toEqual({ name: 'sorter', version: '1.0.0', sequence: 1, owner: 'team-paper' });
  expect(spec.lineage).toEqual({ data: 'invoices-2026-11', code: '4f2c1e9' });
  expect(spec.metrics).toEqual({ accuracy: 0.97 });
  session.write('labels.txt', 'a\nb\nd\n');
  expect(await pack('--labels', 'labels.txt')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('PACKAGE_EXISTS'),
  });
});
