// Owns what the page of a rollout shows: now or at a past commit, beside another version, with the message of one commit.
import { CodedError } from '../base/errors.ts';
import type { RolloutPageValue } from './pages/rollout-page.ts';
import { worstFirst } from './pages/rule-states.ts';
import { MOST_DRAWN } from './pages/rule-strips.ts';
import type { HistoryRow, Postmortem, RolloutView } from './read-model/types.generated.ts';

/** Each answers undefined, or null, where there is no such thing; `rolloutAt` may throw as well. */
export interface RolloutPageSource {
  rollout(name: string): Promise<RolloutView | undefined>;
  /** As it stood after a commit, rebuilt from evidence. */
  rolloutAt(name: string, commit: string): Promise<RolloutView | undefined>;
  commitMessage(commit: string): Promise<string | null>;
  postmortem(name: string, revision: number | null): Promise<Postmortem | undefined>;
}

/** Of a commit that tells nothing of the rollout, the page says so itself. */
const GONE: ReadonlySet<string> = new Set(['COMMIT_UNKNOWN', 'ROLLOUT_UNKNOWN', 'STEP_UNKNOWN', 'EVIDENCE_MISSING']);

function undefinedWhereGone(thrown: unknown): undefined {
  if (thrown instanceof CodedError && GONE.has(thrown.code)) return undefined;
  throw thrown;
}

const COMMIT = /^[0-9a-f]{7,64}$/;

/** A commit, or the newest step with evidence of a version. */
function commitOf(text: string, history: readonly HistoryRow[]): string | null {
  const row = history.find(({ commit, evidence, version }) => commit !== null && evidence !== null && version === text);
  if (row !== undefined) return row.commit;
  return COMMIT.test(text) ? text : null;
}

/** As many as are drawn: the page holds its value as well. */
function withRules(view: RolloutView): RolloutView {
  return { ...view, rules: worstFirst(view.rules).slice(0, MOST_DRAWN) };
}

export async function readRolloutPage(
  source: RolloutPageSource,
  name: string,
  query: URLSearchParams,
): Promise<RolloutPageValue | undefined> {
  const now = await source.rollout(name);
  if (now === undefined) return undefined;
  const viewAt = async (text: string | null) => {
    const commit = text === null ? null : commitOf(text, now.history);
    return commit === null ? undefined : source.rolloutAt(name, commit).catch(undefinedWhereGone);
  };
  const past = await viewAt(query.get('at'));
  const other = await viewAt(query.get('compare'));
  const chosen = query.get('commit') ?? '';
  const isKnown = now.history.some(({ commit }) => commit === chosen);
  // What the past of one commit does not hold is its own history: the branch has that.
  const view = past === undefined ? now : { ...past, history: now.history };
  return {
    asOf: now.asOf,
    view: withRules(view),
    moreRules: Math.max(0, view.rules.length - MOST_DRAWN),
    at: past === undefined ? null : (past.asOf.commit ?? query.get('at')),
    other: other === undefined ? null : withRules(other),
    message: isKnown ? await source.commitMessage(chosen) : null,
  };
}
