// Owns the paths of the local endpoint, each in full: what is not one of them is found nowhere.
import type { FeedbackKind } from '../measure/recent-answers.ts';

/** What a path means; `version` is null where it names none. */
export type Target =
  | { readonly kind: 'server' | 'live' | 'ready' | 'gauges' | 'metrics' }
  | { readonly kind: 'model' | 'modelReady' | 'infer'; readonly model: string; readonly version: string | null }
  | { readonly kind: 'feedback'; readonly model: string; readonly feedback: FeedbackKind }
  /** Numbers of events, told by the application. */
  | { readonly kind: 'counts'; readonly model: string; readonly of: 'errors' | 'counters' };

const POSTED: ReadonlySet<Target['kind']> = new Set(['infer', 'feedback', 'gauges', 'counts']);
const FEEDBACK: readonly FeedbackKind[] = ['labels', 'complaints', 'anomalies', 'texts'];

/** As an `Allow` header says it. */
export function methodOf({ kind }: Target): string {
  return POSTED.has(kind) ? 'POST' : 'GET, HEAD';
}

export function targetOf(url: string): Target | undefined {
  const path = url.split('?', 1)[0] ?? '';
  const [, root, area, name, ...rest] = path.split('/').map(decode);
  const isShort = rest.length === 0;
  if (root === 'metrics' && area === undefined) return { kind: 'metrics' };
  if (root !== 'v2') return undefined;
  if (area === undefined) return { kind: 'server' };
  if (area === 'gauges' && name === undefined) return { kind: 'gauges' };
  if (area === 'health' && isShort && (name === 'live' || name === 'ready')) return { kind: name };
  return area === 'models' && name !== undefined ? targetOfModel(name, rest) : undefined;
}

function targetOfModel(model: string, rest: readonly string[]): Target | undefined {
  const hasVersion = rest[0] === 'versions';
  const version = hasVersion ? rest[1] : null;
  if (version === undefined || version === '') return undefined;
  const [act, ...more] = hasVersion ? rest.slice(2) : rest;
  if (more.length > 0) return undefined;
  if (act === undefined) return { kind: 'model', model, version };
  if (act === 'ready') return { kind: 'modelReady', model, version };
  if (act === 'infer') return { kind: 'infer', model, version };
  if (hasVersion) return undefined;
  if (act === 'errors' || act === 'counters') return { kind: 'counts', model, of: act };
  const feedback = FEEDBACK.find((one) => one === act);
  return feedback !== undefined ? { kind: 'feedback', model, feedback } : undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
