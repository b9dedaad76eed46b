// Owns the world in which pages are typed: a person in a folder with what `slipway init` made, a bucket, a Sigstore, a host that takes files,
// and short programs in the place of those that would take root, a KMS, or the whole day.
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { runPages } from '../../.ci/run-pages.ts';
import { CliSession, type RunningCommand } from '../cli/cli-session.ts';
import { BuiltAgent } from '../fleet-agent/agent-process.ts';
import { type MockSigstore, startMockSigstore } from '../support/mock-sigstore.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { filledIn, inWords, page } from '../support/pages.ts';
import { PrivateBucket } from '../support/private-bucket.ts';
import { PutServer } from '../support/put-server.ts';

export const ROOT = path.join(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'src/cli/main.ts');
const AGENT = path.join(ROOT, 'fleet-agent/src/main.ts');
const THIS = 'test/docs/page-world.test.ts';

/** What would run on until Ctrl-C gets that as soon as it has logged the message. */
const untilIt = (logs: string, program: string): string => `: > run.log
${program} 2>> run.log &
until grep -q '"message":"${logs}"' run.log; do
  kill -0 $! 2> /dev/null || { cat run.log >&2; exit 1; }
  sleep 0.1
done
kill $! && wait $!`;

const PROGRAMS: Readonly<Record<string, string>> = {
  slipway: `[ "$1" = run ] || exec "$NODE" "${MAIN}" "$@"\n${untilIt('serving', `"$NODE" "${MAIN}" "$@" --listen 127.0.0.1:0`)}`,
  'slipway-agent': untilIt('started', `"$NODE" "${AGENT}" "$@"`),
  node: 'exec "$NODE" "$@"',
  sudo: 'case "$*" in *--dry-run*) exec env "$@" ;; *) echo "only dry runs here" >&2; exit 1 ;; esac',
  'kms-sign': `exec ${ROOT}/examples/signer-openssl.sh ci.key`,
};

export interface TypedPage {
  /** What the page leaves to the reader, and the reader's own in its place. */
  readonly own?: readonly (readonly [string, string])[];
  /** What the page takes for granted, and what must hold after it. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export class PageWorld implements AsyncDisposable {
  readonly #session = new CliSession();
  readonly #agent: BuiltAgent;
  readonly bucket: PrivateBucket;
  readonly sigstore: MockSigstore;
  readonly host: PutServer;

  private constructor(agent: BuiltAgent, bucket: PrivateBucket, sigstore: MockSigstore, host: PutServer) {
    this.#agent = agent;
    this.bucket = bucket;
    this.sigstore = sigstore;
    this.host = host;
  }

  static async open(): Promise<PageWorld> {
    const agent = await BuiltAgent.build();
    const bucket = await PrivateBucket.open(path.join(agent.folder, 'bucket'));
    const world = new PageWorld(agent, bucket, await startMockSigstore(), await PutServer.start());
    await world.#furnish();
    return world;
  }

  get folder(): string {
    return this.#session.folder;
  }

  async #furnish(): Promise<void> {
    const at = (...names: string[]): string => this.#session.path(...names);
    mkdirSync(at('bin'));
    for (const [name, text] of Object.entries(PROGRAMS)) {
      writeFileSync(at('bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(at('bin', name), 0o755);
    }
    for (const name of ['slipway-agent.cjs', 'onnx-host.cjs', 'slipway-agent.service'])
      cpSync(path.join(this.#agent.folder, name), at(name));
    // What receives messages takes them.
    this.host.misbehave = ({ method }, response, isRead) => {
      if (method === 'POST' && isRead) response.end('ok');
      return method === 'POST' && isRead;
    };
    writeFileSync(at('model.onnx'), constantClassifier(0, 4));
    writeFileSync(at('labels.txt'), 'invoice\nreceipt\nletter\nform\n');
    writeFileSync(at('trusted_root.json'), JSON.stringify(this.sigstore.trustedRoot));
    writeFileSync(at('signing_config.json'), JSON.stringify(this.sigstore.signingConfig('rekor-v1')));
    const made = await this.#session.run(['init', 'my-models', '--example', '--policy', 'quick']);
    expect(made).toMatchObject({ code: 0 });
  }

  /** The service, until the end. */
  serve(): Promise<RunningCommand> {
    return this.#session.serve(['--repo', 'my-models']);
  }

  #environment(more: Readonly<Record<string, string>>): Record<string, string | undefined> {
    const names = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'alice'],
      [`GIT_${who}_EMAIL`, 'alice@example.org'],
    ]);
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    return {
      ...{ PATH: `${this.#session.path('bin')}:${PATH}`, NODE: process.execPath, NODE_COMPILE_CACHE },
      ...{ HOME: this.folder, GIT_CONFIG_NOSYSTEM: '1' },
      ...Object.fromEntries(names),
      ...more,
    };
  }

  /** Types the page's blocks that name this test, in order, in one shell. */
  async type(name: string, { own = [], before = [], after = [], environment = {} }: TypedPage): Promise<void> {
    const blocks = page(name, [THIS]);
    expect(blocks).not.toEqual([]);
    const typed = blocks.flatMap(({ commands }) => commands.map(({ command }) => command)).join('\n');
    expect(own.map(([from]) => from).filter((from) => !typed.includes(from))).toEqual([]);
    let said = '';
    const result = await runPages({
      blocks: [inWords(`before ${name}`, ...before), ...filledIn(blocks, own), inWords(`after ${name}`, ...after)],
      ...{ folder: this.folder, environment: this.#environment(environment), timeoutMs: 120_000 },
      print: (text) => {
        said += text;
      },
    });
    expect(result, said.slice(-6000)).toMatchObject({ failures: [], skipped: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
    await this.sigstore[Symbol.asyncDispose]();
    await this.bucket[Symbol.asyncDispose]();
    this.#agent[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
