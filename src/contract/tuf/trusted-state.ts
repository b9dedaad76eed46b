// Owns what a device remembers of a publication: its newest root, the floor below which nothing is accepted, and the last directive.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, writeFileDurably } from '../../base/durable-file.ts';
import { sha256Hex } from '../digest.ts';
import type { Directive } from '../directive.ts';
import { parseDirective } from '../directive-json.ts';

/** The highest versions accepted while `root` was the newest root. */
export interface Floor {
  readonly root: number;
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

/** One consistent set of files, as they were accepted. */
export interface Accepted {
  readonly floor: Floor;
  readonly timestamp: string;
  readonly snapshot: string;
  readonly targets: string;
  readonly directive: string;
  /** Names the keys that could sign directives when it was accepted. */
  readonly signers: string;
  /** When it was accepted, by a clock that never went back here; milliseconds since 1970. */
  readonly atMs: number;
  /** When the first of its signatures ends. */
  readonly validUntilMs: number;
}

/** Which factory root a chain began with: another one given to the device begins a new chain. */
interface OfChain {
  readonly factory: string;
}

interface Anchor {
  readonly root: string;
  readonly floor: Floor;
}

const NO_FLOOR: Floor = { root: 0, timestamp: 0, snapshot: 0, targets: 0 };

/**
 * Two files, each complete or absent and each with its checksum. They hold the floor twice: one damaged file costs neither the way
 * back to trust (the factory's root and the rotations after it) nor the protection against older statements.
 */
export class TrustedState {
  readonly #folder: string;
  readonly #factory: string;
  #root: Buffer;
  #floor: Floor = NO_FLOOR;
  #accepted: Accepted | undefined;
  #directive: Directive | undefined;

  private constructor(folder: string, factoryRoot: Uint8Array) {
    this.#folder = folder;
    this.#factory = sha256Hex(factoryRoot);
    this.#root = Buffer.from(factoryRoot);
  }

  static async open(folder: string, factoryRoot: Uint8Array): Promise<TrustedState> {
    const state = new TrustedState(folder, factoryRoot);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const accepted = await readChecked<Accepted & OfChain>(state.#file('accepted'));
    const anchor = await readChecked<Anchor & OfChain>(state.#file('anchor'));
    state.#directive = accepted && parsedOrUndefined(accepted.directive);
    // Whoever gives the device another root means it: what the old chain reached binds no longer.
    const isOwn = (one: OfChain | undefined): boolean => one?.factory === state.#factory;
    if (isOwn(accepted) && state.#directive !== undefined) state.#accepted = accepted;
    if (anchor !== undefined && isOwn(anchor)) {
      state.#root = Buffer.from(anchor.root);
      state.#floor = anchor.floor;
    }
    state.#floor = higher(state.#floor, state.#accepted?.floor);
    return state;
  }

  /** The newest root that was accepted; the factory's when there is none. */
  get root(): Buffer {
    return this.#root;
  }

  get floor(): Floor {
    return this.#floor;
  }

  /** The set of files accepted last from this chain of roots. */
  get accepted(): Accepted | undefined {
    return this.#accepted;
  }

  /** The directive accepted last; it outlives expiry, and also the chain that brought it. */
  get directive(): Directive | undefined {
    return this.#directive;
  }

  /** What a walk proved that went no further: nobody may go back behind it. */
  async saveFloor(floor: Floor): Promise<void> {
    const { timestamp, snapshot, targets } = this.#floor;
    if (floor.timestamp === timestamp && floor.snapshot === snapshot && floor.targets === targets) return;
    await this.saveRoot(this.#root, floor);
  }

  /** A newer root, with the floor that holds under it. */
  async saveRoot(root: Buffer, floor: Floor): Promise<void> {
    await this.#saveAnchor(root, floor);
    this.#root = root;
    this.#floor = floor;
  }

  /** The files before the floor alone: who dies in between has reached that floor, and still knows what it stands for. */
  async saveAccepted(accepted: Accepted, directive: Directive): Promise<void> {
    await writeChecked(this.#file('accepted'), { ...accepted, factory: this.#factory });
    await this.#saveAnchor(this.#root, accepted.floor);
    this.#floor = accepted.floor;
    this.#accepted = accepted;
    this.#directive = directive;
  }

  async #saveAnchor(root: Buffer, floor: Floor): Promise<void> {
    const anchor: Anchor & OfChain = { factory: this.#factory, root: root.toString('utf8'), floor };
    await writeChecked(this.#file('anchor'), anchor);
  }

  #file(name: 'anchor' | 'accepted'): string {
    return path.join(this.#folder, `${name}.json`);
  }
}

/** The later of two: under a newer root the versions may begin anew (TUF 5.3.11), so the root decides first. */
function higher(one: Floor, other: Floor | undefined): Floor {
  if (other === undefined || one.root > other.root) return one;
  if (other.root > one.root) return other;
  return {
    root: one.root,
    timestamp: Math.max(one.timestamp, other.timestamp),
    snapshot: Math.max(one.snapshot, other.snapshot),
    targets: Math.max(one.targets, other.targets),
  };
}

function parsedOrUndefined(text: string): Directive | undefined {
  try {
    return parseDirective(Buffer.from(text));
  } catch {
    return undefined;
  }
}

/** First line: the checksum of the rest. */
export async function writeChecked(file: string, value: object): Promise<void> {
  const body = JSON.stringify(value);
  await writeFileDurably(file, `${sha256Hex(body)}\n${body}`);
}

/** Undefined when absent or damaged: storage of devices rots. */
export async function readChecked<T>(file: string): Promise<T | undefined> {
  const text = (await readFileIfPresent(file))?.toString('utf8') ?? '';
  const body = text.slice(65);
  return text.slice(0, 65) === `${sha256Hex(body)}\n` ? (JSON.parse(body) as T) : undefined;
}
