// Owns the judgement of `npm run demo -- --json`: every claim of the story must hold, and the document must have its promised parts; of a
// kept repository `slipway figures` must equal what a script counts in `git log`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { FigureRow, Figures } from '../src/dashboard/read-model/types.generated.ts';
import { figuresOfGitLog } from '../test/dashboard/figures-of-git-log.ts';

interface Claim {
  readonly claim: string;
  readonly holds: boolean;
}

function isClaim(value: unknown): value is Claim {
  if (typeof value !== 'object' || value === null) return false;
  return 'claim' in value && typeof value.claim === 'string' && 'holds' in value && typeof value.holds === 'boolean';
}

const PROMISED = ['ok', 'commits', 'goodRollout', 'badRollout', 'devices'] as const;

/** The claims of the demo's JSON, and that its promised parts are there; throws when it is not that. */
function readClaims(file: string): Claim[] {
  const outcome: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof outcome !== 'object' || outcome === null || !('claims' in outcome) || !Array.isArray(outcome.claims))
    throw new TypeError('the demo printed no { claims: [{ claim, holds }] }');
  const { claims } = outcome;
  if (claims.length === 0 || !claims.every(isClaim)) throw new TypeError('a claim does not say whether it holds');
  const missing = PROMISED.filter((part) => !(part in outcome));
  const parts = { claim: `the document has ${PROMISED.join(', ')}`, holds: missing.length === 0 };
  const ok = { claim: 'the demo says ok', holds: 'ok' in outcome && outcome.ok === true };
  return [...claims, parts, ok];
}

const SLIPWAY = path.join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

function median(sorted: readonly number[]): number | null {
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? null;
}

/** Counts and medians of a rollout, by both ways. */
function figureClaim(repository: string, { name, ...row }: FigureRow): Claim {
  const { started, completed, takenBack, superseded, changeFailureRate, leadTime, timeToRestore } = row;
  const logged = figuresOfGitLog(repository, name);
  const ours = { started, completed, takenBack, superseded, changeFailureRate };
  const medians = { lead: leadTime?.medianMs ?? null, restore: timeToRestore?.medianMs ?? null };
  const { leadTimesMs, restoreTimesMs, reasons: _, ...counts } = logged;
  const theirs = { lead: median(leadTimesMs), restore: median(restoreTimesMs) };
  const holds = isDeepStrictEqual({ ...ours, ...medians }, { ...counts, ...theirs });
  if (!holds) console.log(JSON.stringify({ name, ours, medians, counts, theirs }));
  return { claim: `figures of ${name} are what a script counts in git log`, holds };
}

function figureClaims(file: string): Claim[] {
  const { repository } = JSON.parse(readFileSync(file, 'utf8')) as { readonly repository?: string | null };
  if (typeof repository !== 'string') return [];
  const text = execFileSync(process.execPath, [SLIPWAY, 'figures', '--repo', repository, '--json'], {
    encoding: 'utf8',
  });
  const { rollouts } = JSON.parse(text) as Figures;
  const some = { claim: 'the kept repository has figures', holds: rollouts.some(({ completed }) => completed > 0) };
  return [some, ...rollouts.map((row) => figureClaim(repository, row))];
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new TypeError('usage: demo.ts FILE, where FILE holds what `demo --json` printed');
const claims = [...readClaims(file), ...figureClaims(file)];
for (const { claim, holds } of claims) console.log(`${holds ? 'passed' : 'FAILED'}  ${claim}`);
const failed = claims.filter((one) => !one.holds).length;
console.log(`${claims.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
