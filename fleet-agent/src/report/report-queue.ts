// Owns the queue of reports: drafts that may still be merged, and sent ones that stay as they are until they are acknowledged.
import { type KeyObject, randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent, syncFolder, writeFileDurably } from '../../../src/base/durable-file.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { PROTOCOL } from '../../../src/contract/protocol.ts';
import { REPORT_PAYLOAD_TYPE } from '../../../src/contract/report.ts';
import { type DsseEnvelope, signDsse } from '../../../src/contract/trust/dsse.ts';
import { mergeBodies, type ReportBody } from './report-body.ts';

/** Drafts kept while the service is away; above this they are merged. */
const MOST_DRAFTS = 64;
/** Sequence numbers reserved on disk at once; a restart skips the rest of them, which the service allows. */
const SEQUENCES_AT_ONCE = 32;

export interface Sender {
  readonly device: string;
  readonly key: KeyObject;
  readonly epoch: number;
}

export interface SentReport {
  /** File of the draft that it was; gone as soon as this one is there. */
  readonly replaces: string | null;
  readonly epoch: number;
  readonly sequence: number;
  readonly body: ReportBody;
  readonly envelope: DsseEnvelope;
}

interface Draft {
  readonly name: string;
  /** Files whose counts are in this one: after a crash in between they must not count again. */
  readonly replaces: readonly string[];
  readonly body: ReportBody;
}

export class ReportQueue {
  readonly #folder: string;
  readonly #logger: Logger;
  #drafts: Draft[] = [];
  #sent: SentReport[] = [];
  #nextDraft = 1;
  #sequence = { epoch: 0, next: 1, reserved: 0 };

  private constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Unreadable files are dropped and logged: a report is worth less than a device that keeps running. */
  static async open(folder: string, logger: Logger): Promise<ReportQueue> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const queue = new ReportQueue(folder, logger);
    for (const name of (await readdir(folder)).sort()) await queue.#take(name);
    queue.#sent.sort((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
    await queue.#dropReplaced();
    const reserved = (await queue.#readJson('sequence.json')) as { epoch?: number; reserved?: number } | undefined;
    const { epoch = 0, reserved: upTo = 0 } = reserved ?? {};
    const highest = queue.#sent
      .filter((sent) => sent.epoch === epoch)
      .reduce((most, { sequence }) => Math.max(most, sequence), 0);
    queue.#sequence = { epoch, next: Math.max(upTo, highest) + 1, reserved: Math.max(upTo, highest) };
    return queue;
  }

  get length(): number {
    return this.#drafts.length + this.#sent.length;
  }

  /** Durable when it resolves. */
  async addDraft(body: ReportBody, replaces: readonly string[] = []): Promise<void> {
    this.#drafts.push(await this.#writeDraft(body, replaces));
    if (this.#drafts.length > MOST_DRAFTS) await this.#condense();
  }

  /** Numbers and signs a report before it is first sent; it is durable and never changes again. */
  async freeze(body: ReportBody, sender: Sender, replaces: string | null = null): Promise<SentReport> {
    const sequence = await this.#nextSequence(sender.epoch);
    const payload = Buffer.from(
      JSON.stringify({ ...body, protocol: PROTOCOL, device: sender.device, epoch: sender.epoch, sequence }),
    );
    const envelope = signDsse(REPORT_PAYLOAD_TYPE, payload, { keyid: sender.device, key: sender.key });
    const sent: SentReport = { replaces, epoch: sender.epoch, sequence, body, envelope };
    await writeFileDurably(this.#path(nameOf(sent)), JSON.stringify(sent), 0o600);
    this.#sent.push(sent);
    return sent;
  }

  /** The next reports to send, oldest first: sent ones that nobody acknowledged, then drafts, which are frozen by this. */
  async nextBatch(sender: Sender, most: number): Promise<readonly SentReport[]> {
    while (this.#sent.length < most) {
      const [draft] = this.#drafts;
      if (draft === undefined) break;
      await this.freeze(draft.body, sender, draft.name);
      await this.#dropDraft(draft);
      // Before anyone acknowledges: if the draft came back after a power cut, it would be sent twice.
      await syncFolder(this.#folder);
    }
    return this.#sent.slice(0, most);
  }

  /** Drops reports whose answers are final. */
  async settle(reports: readonly SentReport[]): Promise<void> {
    this.#sent = this.#sent.filter((sent) => !reports.includes(sent));
    await Promise.all(reports.map((sent) => rm(this.#path(nameOf(sent)), { force: true })));
  }

  /** The service never took them (another epoch, or version of the protocol, or it lost the device): they are drafts again and get new numbers. */
  async thaw(reports: readonly SentReport[]): Promise<void> {
    for (const sent of reports) await this.addDraft(sent.body, [nameOf(sent)]);
    await this.settle(reports);
  }

  /**
   * The service counts no number below this one, or none so far beyond it: the next report gets it, or a later one if `isLowest`. What was
   * sent under other numbers and not counted has to be thawed.
   */
  async countFrom(epoch: number, sequence: number, isLowest: boolean): Promise<void> {
    const next = isLowest ? Math.max(sequence, this.#sequence.epoch === epoch ? this.#sequence.next : 0) : sequence;
    if (this.#sequence.epoch === epoch && this.#sequence.next === next) return;
    await writeFileDurably(this.#path('sequence.json'), JSON.stringify({ epoch, reserved: next - 1 }), 0o600);
    this.#sequence = { epoch, next, reserved: next - 1 };
  }

  #path(name: string): string {
    return path.join(this.#folder, name);
  }

  async #writeDraft(body: ReportBody, replaces: readonly string[]): Promise<Draft> {
    const name = `draft-${String(this.#nextDraft++).padStart(12, '0')}-${randomUUID().slice(0, 8)}.json`;
    await writeFileDurably(this.#path(name), JSON.stringify({ replaces, body }), 0o600);
    return { name, replaces, body };
  }

  async #nextSequence(epoch: number): Promise<number> {
    if (this.#sequence.epoch !== epoch) this.#sequence = { epoch, next: 1, reserved: 0 };
    const { next, reserved } = this.#sequence;
    if (next > reserved) {
      const upTo = next + SEQUENCES_AT_ONCE - 1;
      await writeFileDurably(this.#path('sequence.json'), JSON.stringify({ epoch, reserved: upTo }), 0o600);
      this.#sequence = { epoch, next, reserved: upTo };
    }
    this.#sequence = { ...this.#sequence, next: next + 1 };
    return next;
  }

  /** Merges two neighbours, the oldest that fit together; where none do, the oldest is dropped. */
  async #condense(): Promise<void> {
    for (let i = 0; i + 1 < this.#drafts.length; i++) {
      const [earlier, later] = [this.#drafts[i], this.#drafts[i + 1]];
      if (earlier === undefined || later === undefined) break;
      const body = mergeBodies(earlier.body, later.body);
      if (body === undefined) continue;
      const merged = await this.#writeDraft(body, [earlier.name, later.name]);
      this.#drafts.splice(i + 1, 1, merged);
      await this.#dropDraft(earlier);
      await rm(this.#path(later.name), { force: true });
      return;
    }
    const [oldest] = this.#drafts;
    if (oldest === undefined) return;
    this.#logger.warn('report dropped, too many are waiting', { startedAt: oldest.body.startedAt });
    await this.#dropDraft(oldest);
  }

  async #dropDraft(draft: Draft): Promise<void> {
    this.#drafts = this.#drafts.filter((one) => one.name !== draft.name);
    await rm(this.#path(draft.name), { force: true });
  }

  async #take(name: string): Promise<void> {
    const number = /^draft-(\d{12})-[0-9a-f]{8}\.json$/.exec(name)?.[1];
    if (number !== undefined) {
      const draft = (await this.#readJson(name)) as Omit<Draft, 'name'> | undefined;
      if (Array.isArray(draft?.body?.intervals))
        this.#drafts.push({ name, replaces: draft.replaces ?? [], body: draft.body });
      this.#nextDraft = Math.max(this.#nextDraft, Number(number) + 1);
    } else if (/^sent-\d{6,16}-\d{12,16}\.json$/.test(name)) {
      const sent = (await this.#readJson(name)) as SentReport | undefined;
      if (sent !== undefined && Number.isSafeInteger(sent.sequence)) this.#sent.push(sent);
    } else if (name.endsWith('.tmp')) {
      await rm(this.#path(name), { force: true });
    }
  }

  /** Finishes what a crash left half done: files whose counts another file took over are removed. */
  async #dropReplaced(): Promise<void> {
    const replaced = new Set([
      ...this.#drafts.flatMap((draft) => draft.replaces),
      ...this.#sent.flatMap((sent) => (sent.replaces === null ? [] : [sent.replaces])),
    ]);
    for (const draft of this.#drafts.filter(({ name }) => replaced.has(name))) await this.#dropDraft(draft);
    await this.settle(this.#sent.filter((sent) => replaced.has(nameOf(sent))));
  }

  async #readJson(name: string): Promise<unknown> {
    const file = this.#path(name);
    const bytes = await readFileIfPresent(file);
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      this.#logger.warn('unreadable file of the report queue removed', { name });
      await rm(file, { force: true });
      return undefined;
    }
  }
}

function nameOf({ epoch, sequence }: SentReport): string {
  return `sent-${String(epoch).padStart(6, '0')}-${String(sequence).padStart(12, '0')}.json`;
}
