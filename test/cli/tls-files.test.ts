// Laws of TLS: what can't be used is refused by its own code at the start and changes nothing later; a renewal drops no report.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { FileWatcher } from '../../src/cli/file-watcher.ts';
import { serviceSettings } from '../../src/cli/settings.ts';
import { meterTls, openTls } from '../../src/cli/tls-files.ts';
import { enrolDevice, startService } from '../fleet-api/service.ts';
import { TestAuthority } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { CliSession } from './cli-session.ts';

const authority = new TestAuthority();
const [first, second] = [authority.issue(), authority.issue()];
setDefaultCACertificates([...getCACertificates('default'), authority.ca.cert]);
afterAll(() => rmSync(authority.folder, { recursive: true }));

const DAY_MS = 86_400_000;
const clock = new SystemClock();
/** A slow look never comes: a renewal is seen because the file system tells of it. */
const sleepy = Object.assign(new SystemClock(), {
  sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms < 5_000 ? ms : 2 ** 30, signal),
});
const at = (shiftMs: number) => Object.assign(new SystemClock(), { now: () => clock.now() + shiftMs });
const refusal = (cert: string, key: string, shiftMs = 0) =>
  openTls(authority.write('tried', { cert, key }), at(shiftMs)).then(
    () => null,
    (error) => [error.code, error.message, error.remedy !== undefined],
  );

test('each certificate or key that can’t be used is refused by its own code, with a remedy', async () => {
  const between = authority.issue({ isAuthority: true });
  const chained = authority.issue({ by: between });
  expect(await refusal(first.cert, first.key)).toBeNull();
  expect(await refusal(chained.cert, chained.key)).toBeNull();
  const [leaf = '', issuer = ''] = chained.cert.split(/(?=-----BEGIN)/);
  expect(await refusal(issuer + leaf, chained.key)).toEqual([
    'TLS_MISMATCH',
    expect.stringContaining('certificate 2'),
    true,
  ]);
  expect(await refusal(leaf + second.cert, chained.key)).toEqual(['TLS_CHAIN', expect.any(String), true]);
  expect(await refusal(first.cert, second.key)).toEqual(['TLS_MISMATCH', expect.any(String), true]);
  expect(await refusal(first.cert, first.key, 2 * DAY_MS)).toEqual(['TLS_EXPIRED', expect.any(String), true]);
  expect(await refusal(first.cert, first.key, -2 * DAY_MS)).toEqual(['TLS_NOT_YET_VALID', expect.any(String), true]);
  expect(await refusal('', first.key)).toEqual(['TLS_CERTIFICATE', expect.stringContaining('no certificate'), true]);
  expect(await refusal(first.key, first.key)).toEqual(['TLS_CERTIFICATE', expect.any(String), true]);
  expect(await refusal(first.cert.replace(/\n.{20}/, '\n'), first.key)).toEqual([
    'TLS_CERTIFICATE',
    expect.any(String),
    true,
  ]);
  expect(await refusal(first.cert, '')).toEqual(['TLS_KEY', expect.any(String), true]);
  expect(await refusal(first.cert, first.cert)).toEqual(['TLS_KEY', expect.any(String), true]);
  const { key } = authority.write('plain', first);
  const locked = execFileSync('openssl', ['pkey', '-in', key, '-aes256', '-passout', 'pass:secret']).toString();
  expect(await refusal(first.cert, locked)).toEqual(['TLS_KEY', expect.stringContaining('encrypted'), true]);
  const missing = openTls({ cert: path.join(authority.folder, 'none'), key }, clock);
  await expect(missing).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('a certificate without a key, or a key without a certificate, is refused', () => {
  for (const given of [{ tlsCert: 'a' }, { tlsKey: 'a' }])
    expect(() => serviceSettings({ repo: '.', ...given })).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
});

/** A service that follows files as `slipway run` does. */
async function follow(files: { readonly cert: string; readonly key: string }) {
  const tls = await openTls(files, clock);
  const service = await startService({ tls: tls.value });
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const logger = createLogger({ least: 'info', pretty: false, now: () => 0, write });
  const metrics = new Metrics();
  meterTls(metrics, tls);
  const [end, watcher] = [new AbortController(), new FileWatcher(logger)];
  const taken: string[] = [];
  const onChange = (renewed: typeof tls.value): void => {
    taken.push(renewed.cert);
    service.api.replaceTls(renewed);
  };
  const done = tls.follow(onChange, { watcher, clock: sleepy, logger, signal: end.signal });
  const secure = { ...service, url: service.url.replace('http:', 'https:') };
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port: service.port, host: '127.0.0.1' }, () => {
        resolve(socket.getPeerX509Certificate()?.subject ?? '');
        socket.destroy();
      });
      socket.on('error', reject);
    });
  return {
    ...{ tls, service: secure, lines, metrics, taken, shown },
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await done;
      await watcher[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

const sum = (statuses: ReadonlyMap<string, number>): number =>
  [...statuses.values()].reduce((total, count) => total + count, 0);

test('no report is dropped while certificates are renewed, over open connections and new ones', async () => {
  const files = authority.write('renewed', first);
  await using run = await follow(files);
  const device = await enrolDevice(run.service, 'till-1');
  let isOver = false;
  const statuses = new Map<string, number>();
  const note = (status: string) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const reporter = async (headers: Record<string, string>) => {
    for (let sequence = 1; !isOver; sequence++) {
      const body = JSON.stringify([device.sign({ sequence })]);
      await fetch(`${run.service.url}/v1/reports`, { method: 'POST', body, headers }).then(
        async (answer) => {
          await answer.text();
          note(String(answer.status));
        },
        (error) => note(String(error.cause ?? error)),
      );
      await clock.sleep(20);
    }
  };
  const reporters = [reporter({}), reporter({ connection: 'close' }), reporter({ connection: 'close' })];
  for (const next of [second, first]) {
    const before = run.taken.length;
    // As renewal tools do: one file, then the other, each rewritten in place.
    writeFileSync(files.cert, next.cert.slice(0, 100));
    await clock.sleep(100);
    writeFileSync(files.cert, next.cert);
    await clock.sleep(100);
    writeFileSync(files.key, next.key);
    await until(
      () => run.taken.length > before,
      () => run.lines,
    );
    const answered = sum(statuses);
    await until(
      () => sum(statuses) >= answered + 20,
      () => [...statuses],
    );
  }
  isOver = true;
  await Promise.all(reporters);
  expect([...statuses.keys()]).toEqual(['200']);
  expect(run.taken).toEqual([second.cert, first.cert]);
  expect(run.lines.filter((line) => line.includes('"error"'))).toEqual([]);
});

test('a renewal that can’t be used changes nothing, and is told in the log, in the metrics and by its code', async () => {
  const files = authority.write('broken', first);
  await using run = await follow(files);
  const subject = await run.shown();
  writeFileSync(files.cert, second.cert);
  await until(() => run.tls.problem !== null, 'a problem');
  expect(run.tls.problem).toMatchObject({ code: 'TLS_MISMATCH', message: expect.stringContaining('stays in force') });
  expect(await run.shown()).toBe(subject);
  expect(run.metrics.write()).toMatch(/slipway_tls_renewal_refused 1\n/);
  expect(run.lines.join()).toContain('TLS_MISMATCH');
  writeFileSync(files.key, second.key);
  await until(() => run.taken.length === 1, 'the whole pair');
  expect([run.tls.problem, await run.shown()]).toEqual([null, expect.not.stringMatching(subject)]);
  expect(run.metrics.write()).toMatch(/slipway_tls_renewal_refused 0\n/);
  expect(run.metrics.write()).toMatch(/slipway_tls_certificate_expiry_timestamp_seconds \d{10}\n/);
});

test.each(['..data of Kubernetes', 'links of certbot'])('a renewal by %s is taken at once', async (how) => {
  const folder = path.join(authority.folder, how.replaceAll(/\W/g, '-'));
  const put = (name: string, { cert, key }: typeof first): void => {
    mkdirSync(path.join(folder, name), { recursive: true });
    writeFileSync(path.join(folder, name, 'tls.crt'), cert);
    writeFileSync(path.join(folder, name, 'tls.key'), key);
  };
  const link = (target: string, place: string): void => {
    symlinkSync(target, path.join(folder, `${place}.new`));
    renameSync(path.join(folder, `${place}.new`), path.join(folder, place));
  };
  const isKubernetes = how.startsWith('..data');
  const relink = (name: string): void => {
    if (isKubernetes) link(name, '..data');
    else for (const file of ['tls.crt', 'tls.key']) link(path.join(name, file), file);
  };
  put('..first', first);
  relink('..first');
  if (isKubernetes) for (const file of ['tls.crt', 'tls.key']) link(path.join('..data', file), file);
  await using run = await follow({ cert: path.join(folder, 'tls.crt'), key: path.join(folder, 'tls.key') });
  const subject = await run.shown();
  put('..second', second);
  relink('..second');
  await until(() => run.taken.length === 1, 'the renewed pair');
  expect(await run.shown()).not.toBe(subject);
});

test('nothing below TLS 1.2 is spoken, before a renewal and after it', async () => {
  await using run = await follow(authority.write('old', first));
  const speak = (maxVersion: 'TLSv1.1' | 'TLSv1.2') =>
    new Promise<string>((resolve) => {
      const versions = { minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      const socket = connect({ port: run.service.port, host: '127.0.0.1', ...versions }, () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    });
  for (const _ of ['before', 'after']) {
    expect([await speak('TLSv1.1'), await speak('TLSv1.2')]).toEqual([expect.not.stringContaining('TLSv1'), 'TLSv1.2']);
    run.service.api.replaceTls(second);
  }
});

test('`run` refuses to start with a wrong pair, and serves HTTPS with a right one, which `doctor` sees expire', async () => {
  await using session = new CliSession();
  expect((await session.run(['init', 'repo', '--home', 'home'])).code).toBe(0);
  const wrong = authority.write('wrong', { cert: first.cert, key: second.key });
  const args = ['run', '--home', 'home', '--repo', 'repo', '--listen', '127.0.0.1:0'];
  const refused = await session.run([...args, '--tls-cert', wrong.cert, '--tls-key', wrong.key]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('TLS_MISMATCH')]);
  await using run = await follow(authority.write('seen', first));
  const look = async (env: Record<string, string>) => {
    const { stdout } = await session.run(['doctor', '--json', '--server', run.service.url], env);
    return JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'certificate');
  };
  expect(await look({})).toMatchObject({ finding: 'bad', text: expect.stringContaining('does not accept') });
  expect(await look({ NODE_EXTRA_CA_CERTS: authority.caFile })).toMatchObject({ finding: 'warn' });
});
