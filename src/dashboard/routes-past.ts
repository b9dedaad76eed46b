// Owns the routes of the past: the history of a rollout, its post-mortems, and delivery figures.
import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import { clipped, oneLine, withoutControls } from '../base/plain-text.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { answerTo, errorAnswer } from '../fleet-api/http/answers.ts';
import type { Answer, Asked, Route } from '../fleet-api/http/route.ts';
import { unknownRollout } from '../requests/find-rollout.ts';
import { filesNamed, rolloutsOf } from './read-model/attempts.ts';
import { readFigures } from './read-model/figures.ts';
import { readHistory } from './read-model/history.ts';
import type { Past, PastAt } from './read-model/past.ts';
import { readPostmortem } from './read-model/postmortem.ts';
import { postmortemMarkdown } from './read-model/postmortem-markdown.ts';
import { readRolloutAt } from './read-model/rollout-at.ts';
import type { Figures, HistoryPage, Postmortem, RolloutView } from './read-model/types.generated.ts';

const MINUTE_MS = 60_000;
const DEFAULT_SINCE = '90d';
const MOST_SINCE_MS = 10 * 366 * 24 * 60 * MINUTE_MS;
const MOST_ROWS = 200;
const DEFAULT_ROWS = 50;
const MOST_KEPT = 50;
const MOST_MESSAGE = 20_000;

export interface PastSourceParts {
  readonly past: Past;
  /** The commit that the service stands on; null before it has read one. */
  readonly head: () => string | null;
  readonly clock: Clock;
  /** What is now is shown although the past can't be read, and this says why it can't. */
  readonly onUnread: (error: CodedError) => void;
}

/** What pages and routes ask of the past; answers about one commit are kept while it is the head. */
export class PastSource {
  readonly #parts: PastSourceParts;
  readonly #kept = new Map<string, Promise<unknown>>();
  #at: { readonly head: string; readonly past: Promise<PastAt> } | undefined;

  constructor(parts: PastSourceParts) {
    this.#parts = parts;
  }

  /** Throws PAST_UNREAD, ROLLOUT_UNKNOWN, HISTORY_CURSOR. */
  async history(
    rollout: string,
    page: { readonly cursor: string | null; readonly limit?: number },
  ): Promise<HistoryPage> {
    const past = await this.#now();
    const files = knownFiles(past, rollout);
    const { cursor, limit = DEFAULT_ROWS } = page;
    return readHistory(past, { rollout, file: files[0] ?? null, cursor, limit });
  }

  /** The newest rows; none where the past can't be read: what is now is shown all the same. */
  async newest(rollout: string): Promise<HistoryPage['rows']> {
    return this.#rowsOf(() => this.history(rollout, { cursor: null }));
  }

  /** The newest steps of all rollouts; none where the past can't be read. */
  async newestSteps(): Promise<HistoryPage['rows']> {
    return this.#rowsOf(async () => readHistory(await this.#now(), { rollout: null, limit: MOST_ROWS }));
  }

  async #rowsOf(read: () => Promise<HistoryPage>): Promise<HistoryPage['rows']> {
    try {
      return (await read()).rows;
    } catch (thrown) {
      const error = toCodedError(thrown);
      // Before the first commit there is no past, and no history of a file that is only now asked for.
      if (error.code !== 'PAST_UNREAD' && error.code !== 'ROLLOUT_UNKNOWN') this.#parts.onUnread(error);
      return [];
    }
  }

  /** Throws PAST_UNREAD, ROLLOUT_UNKNOWN, POSTMORTEM_NONE, POSTMORTEM_EVIDENCE. */
  async postmortem(rollout: string, revision: number | null): Promise<Postmortem> {
    const past = await this.#now();
    knownFiles(past, rollout);
    const name = JSON.stringify(['postmortem', past.list.head, rollout, revision]);
    return this.#once(name, () => readPostmortem(past, { rollout, revision }));
  }

  /** As it was at a commit of the branch. Throws PAST_UNREAD, COMMIT_UNKNOWN, ROLLOUT_UNKNOWN, STEP_UNKNOWN, EVIDENCE_MISSING. */
  async rolloutAt(rollout: string, commit: string): Promise<RolloutView> {
    const { list } = await this.#now();
    const found = commit.length < 7 ? [] : list.commits.filter((one) => one.commit.startsWith(commit));
    const [one, other] = found;
    if (one === undefined || other !== undefined) throw unknownCommit(commit);
    const name = JSON.stringify(['at', one.commit, rollout]);
    return this.#once(name, async () => readRolloutAt(await this.#parts.past.alone(one.commit), rollout));
  }

  /** Null where the branch has no such commit. */
  async commitMessage(commit: string): Promise<string | null> {
    const past = await this.#now();
    if (!past.list.commits.some((one) => one.commit === commit)) return null;
    return clipped(withoutControls((await past.commit(commit)).message), MOST_MESSAGE);
  }

  /** To the minute. Throws PAST_UNREAD. */
  async figures(sinceMs: number, rollout: string | null): Promise<Figures> {
    const past = await this.#now();
    const untilMs = Math.ceil(this.#parts.clock.now() / MINUTE_MS) * MINUTE_MS;
    const fromMs = Math.max(0, untilMs - sinceMs);
    const name = JSON.stringify(['figures', past.list.head, rollout, fromMs, untilMs]);
    return this.#once(name, () => readFigures(past, { fromMs, untilMs, rollout }));
  }

  #now(): Promise<PastAt> {
    const head = this.#parts.head();
    if (head === null) throw unread();
    if (this.#at?.head !== head) {
      const past = this.#parts.past.at(head);
      this.#at = { head, past };
      past.catch(() => {
        if (this.#at?.past === past) this.#at = undefined;
      });
    }
    return this.#at.past;
  }

  /** Those who ask while an answer is made share it; one that failed is made again. */
  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept as Promise<T>;
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? '');
    const made = make();
    this.#kept.set(name, made);
    made.catch(() => this.#kept.delete(name));
    return made;
  }
}

/** Files of the rollout; none of one that is gone and has a past. Throws ROLLOUT_UNKNOWN. */
function knownFiles(past: PastAt, rollout: string): string[] {
  const files = filesNamed(past, past.layout.rollouts, rollout);
  if (files.length > 0 || past.stepsOf(rollout).length > 0) return files;
  throw unknownRollout(rollout, rolloutsOf(past));
}

function unknownCommit(commit: string): CodedError {
  return new CodedError({
    code: 'COMMIT_UNKNOWN',
    message: `The branch has no commit ${JSON.stringify(clipped(oneLine(commit), 60))}.`,
    remedy: 'Pass seven characters of its id at least.',
  });
}

function unread(): CodedError {
  return new CodedError({
    code: 'PAST_UNREAD',
    kind: 'retry-later',
    message: 'The service has not read the repository yet.',
  });
}

const NOT_FOUND: ReadonlySet<string> = new Set([
  ...['ROLLOUT_UNKNOWN', 'POSTMORTEM_NONE', 'POSTMORTEM_EVIDENCE'],
  ...['COMMIT_UNKNOWN', 'STEP_UNKNOWN', 'EVIDENCE_MISSING'],
]);

/** What is not there is 404; other errors are as their kind says. */
async function answered(read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read();
  } catch (thrown) {
    const error = toCodedError(thrown);
    // The server logs it.
    if (error.kind === 'bug') throw thrown;
    if (!NOT_FOUND.has(error.code)) return answerTo(error);
    const { code, message, remedy } = error;
    return errorAnswer(404, { code, message, ...(remedy === undefined ? {} : { remedy }) });
  }
}

function wholeNumber({ query }: Asked, name: string, most: number): number | null {
  const text = query.get(name);
  if (text === null) return null;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new CodedError({
    code: 'HTTP_QUERY',
    message: `\`${name}\` is not a whole number from 1 to ${most}.`,
    remedy: 'Leave it out, or pass one.',
  });
}

/** Throws HTTP_QUERY. */
export function sinceOf({ query }: Pick<Asked, 'query'>): number {
  const text = query.get('since') ?? DEFAULT_SINCE;
  let ms = 0;
  try {
    ms = parseDurationMs(text.slice(0, 30));
  } catch {
    // told below
  }
  if (ms >= MINUTE_MS && ms <= MOST_SINCE_MS) return ms;
  throw new CodedError({
    code: 'HTTP_QUERY',
    message: '`since` is not a duration from a minute to ten years.',
    remedy: 'Write it like 90d or 24h.',
  });
}

export function pastRoutes(source: PastSource): Route[] {
  const route = { method: 'GET', scope: 'view', request: null } as const;
  return [
    {
      ...{ ...route, name: 'rollout-history', path: '/v1/rollouts/{name}/history', response: 'HistoryPage' },
      summary: 'Steps of a rollout and the commits of people that changed it, newest first.',
      query: { cursor: 'Where the page before ended.', limit: 'Rows, 1 to 200; 50 unless given.' },
      handle: (asked) =>
        answered(async () => {
          const cursor = asked.query.get('cursor');
          const limit = wholeNumber(asked, 'limit', MOST_ROWS) ?? DEFAULT_ROWS;
          return { kind: 'json', value: await source.history(asked.params.name ?? '', { cursor, limit }) };
        }),
    },
    {
      ...{ ...route, name: 'rollout-at', path: '/v1/rollouts/{name}/at/{commit}', response: 'RolloutView' },
      summary: 'A rollout as it was at a commit of the branch, rebuilt from evidence.',
      handle: ({ params }) =>
        answered(async () => {
          return { kind: 'json', value: await source.rolloutAt(params.name ?? '', params.commit ?? '') };
        }),
    },
    {
      ...{ ...route, name: 'rollout-postmortem', path: '/v1/rollouts/{name}/postmortem', response: 'Postmortem' },
      summary: 'What happened to a version that was taken back; as Markdown with `Accept: text/markdown`.',
      query: { revision: 'A step of the attempt; the newest attempt that was taken back unless given.' },
      handle: (asked) =>
        answered(async () => {
          const revision = wholeNumber(asked, 'revision', 999_999_999);
          const value = await source.postmortem(asked.params.name ?? '', revision);
          if (!/\btext\/markdown\b/.test(asked.headers.accept ?? '')) return { kind: 'json', value, headers: VARY };
          const headers = { ...VARY, 'Content-Type': 'text/markdown; charset=utf-8' };
          return { kind: 'text', text: postmortemMarkdown(value), headers };
        }),
    },
    {
      ...{ ...route, name: 'figures', path: '/v1/figures', response: 'Figures' },
      summary: 'Delivery figures: lead time, frequency, change failures, time to restore, reasons.',
      query: { since: 'How far back; `90d` unless given.', rollout: 'Of this rollout alone.' },
      handle: (asked) =>
        answered(async () => {
          const rollout = asked.query.get('rollout');
          return { kind: 'json', value: await source.figures(sinceOf(asked), rollout) };
        }),
    },
  ];
}

const VARY = { Vary: 'Accept' };
