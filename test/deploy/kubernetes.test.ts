// Proves the manifests for Kubernetes and the file of the image: their types, their rights, and that what they pass and ask is what the real service has.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { StatefulSet } from 'kubernetes-types/apps/v1.d.ts';
import type { Container } from 'kubernetes-types/core/v1.d.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { CliSession } from '../cli/cli-session.ts';
import { isThere } from '../support/systemd.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
const FOLDER = path.join(ROOT, 'deploy/kubernetes');
const HEALTH_CHECK = path.join(ROOT, 'deploy/container/health-check.mjs');
const IMAGE = readFileSync(path.join(ROOT, 'deploy/container/Containerfile'), 'utf8');
const temporary = mkdtempSync(path.join(tmpdir(), 'slipway-kubernetes-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const read = (file: string) => parse(readFileSync(path.join(FOLDER, file), 'utf8'), { merge: true });
const kustomization = read('kustomization.yaml');
const documents: {
  readonly file: string;
  readonly text: string;
  readonly value: { kind: string; apiVersion: string };
}[] = kustomization.resources.map((file: string) => {
  const text = readFileSync(path.join(FOLDER, file), 'utf8');
  return { file, text, value: read(file) };
});
const set: StatefulSet = read('stateful-set.yaml');
const pod = set.spec?.template.spec;
const container = pod?.containers[0] as Container;
const variables = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? '']));
const mounts = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);

/** A document as a literal of its type, as the schema of the API has it: an unknown field is an error, too. */
function typed({ value }: (typeof documents)[number], i: number): string {
  const group = value.apiVersion === 'v1' ? 'core/v1' : value.apiVersion.replace('.k8s.io', '');
  const type = `import('kubernetes-types/${group}').${value.kind}`;
  return `export const document${i}: ${type} = ${JSON.stringify(value, null, 2)};\n`;
}

async function complaints(text: string): Promise<string> {
  writeFileSync(path.join(temporary, 'documents.ts'), text);
  const paths = { 'kubernetes-types/*': [path.join(ROOT, 'node_modules/kubernetes-types/*')] };
  const compilerOptions = { strict: true, noEmit: true, skipLibCheck: true, module: 'esnext', types: [], paths };
  const settings = { compilerOptions: { ...compilerOptions, moduleResolution: 'bundler' }, files: ['documents.ts'] };
  writeFileSync(path.join(temporary, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const ran = await run(process.execPath, [tsc, '--project', temporary], { cwd: temporary }).catch((failed) => failed);
  return ran.stdout;
}

describe('the manifests for Kubernetes', () => {
  test('are of the types of the API, to the last field', async () => {
    for (const { file, text } of documents) expect([file, parseAllDocuments(text).length]).toEqual([file, 1]);
    expect(await complaints(documents.map(typed).join(''))).toBe('');
    const misspelt = documents.map(typed).join('').replaceAll('"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"');
    expect(await complaints(misspelt), 'a check that can fail').toContain('readOnlyRootFileSystem');
  });

  test.skipIf(!isThere('kubectl', ['version', '--client']))(
    'are what kustomize makes one application of (where kubectl is here)',
    async () => {
      const { stdout } = await run('kubectl', ['kustomize', FOLDER]);
      const kinds = parseAllDocuments(stdout).map((one) => one.get('kind'));
      expect(kinds.toSorted()).toEqual([...documents.map(({ value }) => value.kind), 'ConfigMap'].toSorted());
      expect(stdout).toContain('image: registry.example/slipway:0.1.0');
    },
  );

  test('run one pod of few rights, with the store on a volume and secrets as files', () => {
    expect([set.spec?.replicas, set.spec?.volumeClaimTemplates?.length, pod?.automountServiceAccountToken]).toEqual([
      1,
      1,
      false,
    ]);
    const user = Number(/^USER (\d+):\d+$/m.exec(IMAGE)?.[1]);
    expect(pod?.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: user,
      fsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const one of [container, ...(pod?.initContainers ?? [])]) {
      expect(one.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect([one.image, one.resources?.limits?.memory]).toEqual(['slipway', expect.any(String)]);
      expect(one.env?.every(({ name }) => !/(TOKEN|SECRET|KEY)$/.test(name)) ?? true).toBe(true);
    }
    const volumes = [
      ...(pod?.volumes ?? []),
      ...(set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata),
    ];
    expect(container.volumeMounts?.map(({ name }) => name).toSorted()).toEqual(
      volumes.map((one) => one?.name).toSorted(),
    );
    const [settings] = kustomization.configMapGenerator;
    expect(pod?.volumes).toContainEqual({ name: 'settings', configMap: { name: settings.name } });
    const [key, file] = settings.files[0].split('=');
    expect([key, existsSync(path.join(FOLDER, file))]).toEqual([path.basename(container.args?.at(-1) ?? ''), true]);
  });

  test('name one port, and paths that are on volumes', () => {
    const port = container.ports?.[0];
    expect(variables.SLIPWAY_LISTEN).toBe(`0.0.0.0:${port?.containerPort}`);
    expect(IMAGE).toContain(`SLIPWAY_LISTEN=${variables.SLIPWAY_LISTEN} `);
    expect(IMAGE).toContain(`\nEXPOSE ${port?.containerPort}\n`);
    expect(IMAGE).toContain(`SLIPWAY_HOME=${variables.SLIPWAY_HOME} `);
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    expect(new Set(probes.map((probe) => probe?.httpGet?.port))).toEqual(new Set([port?.name]));
    expect(read('service.yaml').spec.ports[0].targetPort).toBe(port?.name);
    expect(read('network-policy.yaml').spec.ingress[0].ports[0].port).toBe(port?.name);
    const waits = `${pod?.initContainers?.[0]?.args?.[0]}`;
    expect(waits).toContain(`${variables.SLIPWAY_HOME}/trust-policy.yaml`);
    const paths = [...Object.values(variables), ...(container.args ?? [])].filter((one) => one.startsWith('/'));
    for (const one of paths) expect([one, mounts.some((mount) => one.startsWith(`${mount}/`))]).toEqual([one, true]);
  });

  test('start the real service with each argument, variable and setting, and its probes hear it', async () => {
    await using session = new CliSession();
    await session.run(['init', 'models', '--example']);
    // Each path of the pod, below a folder of this test.
    const inPod = (text: string): string =>
      mounts.reduce((one, mount) => one.replace(`${mount}/`, session.path(`pod${mount}/`)), text);
    const args = (container.args ?? []).map(inPod);
    const environment = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, inPod(value)]));
    cpSync(session.path('.slipway'), environment.SLIPWAY_HOME ?? '', { recursive: true });
    const settings = args.at(-1) ?? '';
    for (const file of [settings, environment.SLIPWAY_GIT_TOKEN_FILE ?? ''])
      mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(environment.SLIPWAY_GIT_TOKEN_FILE ?? '', 'token\n', { mode: 0o440 });
    cpSync(path.join(FOLDER, 'settings.yaml'), settings);
    expect(args[0]).toBe('run');

    const asked = await session.run([...args, '--print-config', '--json'], environment);
    expect([asked.code, asked.stderr]).toEqual([0, '']);
    const { settings: rows, secrets } = JSON.parse(asked.stdout);
    const sources = [...rows, ...secrets].map(({ from }: { from: string | null }) => from);
    expect(sources).toEqual(expect.arrayContaining(Object.keys(variables)));
    for (const name of Object.keys(read('settings.yaml')))
      expect(rows).toContainEqual(expect.objectContaining({ name, from: expect.stringContaining(settings) }));

    const local = { ...environment, SLIPWAY_REPO: session.path('models') };
    await using service = await session.serve(args.slice(1), local);
    const { port } = new URL(service.url);
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      await until(async () => (await fetch(`${service.url}${probe?.httpGet?.path}`)).status === 200, service.log);
    const check = () => run(process.execPath, [HEALTH_CHECK], { env: { SLIPWAY_LISTEN: `0.0.0.0:${port}` } });
    await check();
    await service[Symbol.asyncDispose]();
    await expect(check()).rejects.toMatchObject({ code: 1 });
  });
});

test('the file of the image takes what a release makes, and drops root', () => {
  expect(IMAGE).toMatch(/^COPY dist\/release-\$\{VERSION\}\/slipway_\$\{VERSION\}_\$\{TARGETARCH\}\.deb /m);
  expect(IMAGE).toContain('ENTRYPOINT ["/usr/bin/slipway"]');
  expect(IMAGE.indexOf('\nUSER 65532:65532')).toBeGreaterThan(IMAGE.lastIndexOf('\nRUN '));
  for (const [, file] of IMAGE.matchAll(/^COPY .*?(deploy\/\S+)/gm))
    expect([file, existsSync(path.join(ROOT, file ?? ''))]).toEqual([file, true]);
});
