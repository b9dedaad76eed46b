// Owns watching the publication as a device does, all the time: whatever it accepts, nothing may ever go back.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DirectiveClient } from '../../fleet-agent/src/link/directive-client.ts';
import { SystemClock } from '../../src/base/clock.ts';
import type { Directive, DirectiveEntry } from '../../src/contract/directive.ts';

export interface WatchOptions {
  readonly publication: string;
  readonly stateFolder: string;
  readonly factoryRoot: Uint8Array;
}

export class DirectiveWatch implements AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #stop = new AbortController();
  readonly #clock = new SystemClock();
  #loop: Promise<void> = Promise.resolve();
  /** What must never be: empty in the end. */
  readonly breaches: string[] = [];
  /** Every directive that was accepted, in order. */
  readonly seen: Directive[] = [];
  #metadataVersion = 0;
  /** Version of the pointer that lies there. */
  pointer = 0;

  private constructor(options: WatchOptions) {
    this.#options = options;
  }

  static async start(options: WatchOptions): Promise<DirectiveWatch> {
    const watch = new DirectiveWatch(options);
    const { publication, stateFolder, factoryRoot } = options;
    const client = await DirectiveClient.open({
      publicationUrl: pathToFileURL(publication).href,
      stateFolder,
      factoryRoot,
      clock: watch.#clock,
    });
    watch.#loop = watch.#watch(client);
    return watch;
  }

  /** The entry of a rollout in the directive in force. */
  entry(rollout: string): DirectiveEntry | undefined {
    return this.seen.at(-1)?.entries.find((one) => one.rollout === rollout);
  }

  async #watch(client: DirectiveClient): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#lookAtPointer();
      const answer = await client.refresh(signal);
      if (signal.aborted) return;
      if (answer.kind === 'refused') this.breaches.push(`refused: ${answer.reason}`);
      if (answer.kind === 'directive') {
        if (answer.metadataVersion < this.#metadataVersion)
          this.breaches.push(`metadata version ${answer.metadataVersion} after ${this.#metadataVersion}`);
        this.#metadataVersion = answer.metadataVersion;
        this.#compare(this.seen.at(-1), answer.directive);
        this.seen.push(answer.directive);
      }
      await this.#clock.sleep(25, signal);
    }
  }

  /** The pointer as it lies there, whatever the client makes of it. */
  async #lookAtPointer(): Promise<void> {
    try {
      const text = await readFile(path.join(this.#options.publication, 'metadata', 'timestamp.json'), 'utf8');
      const { signed } = JSON.parse(text) as { readonly signed: { readonly version: number } };
      if (signed.version < this.pointer) this.breaches.push(`pointer ${signed.version} after ${this.pointer}`);
      this.pointer = signed.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.breaches.push(`pointer: ${error}`);
    }
  }

  #compare(before: Directive | undefined, after: Directive): void {
    for (const old of before?.entries ?? []) {
      const entry = after.entries.find((one) => one.rollout === old.rollout);
      if (entry === undefined) this.breaches.push(`${old.rollout} was dropped at revision ${old.revision}`);
      else if (entry.revision < old.revision)
        this.breaches.push(`${old.rollout} went from revision ${old.revision} back to ${entry.revision}`);
      else if (
        entry.revision === old.revision &&
        JSON.stringify(withoutEmergency(entry)) !== JSON.stringify(withoutEmergency(old))
      )
        this.breaches.push(`${old.rollout} has two contents at revision ${old.revision}`);
      else if (entry.revision === old.revision && old.emergency && !entry.emergency)
        this.breaches.push(`${old.rollout} lost its emergency rollback at revision ${old.revision}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}

function withoutEmergency(entry: DirectiveEntry): unknown {
  const { stepSignature: _, ...content } = entry;
  return { ...content, emergency: false };
}
