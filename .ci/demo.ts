// Owns the judgement of `npm run demo -- --json`: every claim of the story must hold, and the document must have its promised parts.
import { readFileSync } from 'node:fs';

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

const [file] = process.argv.slice(2);
if (file === undefined) throw new TypeError('usage: demo.ts FILE, where FILE holds what `demo --json` printed');
const claims = readClaims(file);
for (const { claim, holds } of claims) console.log(`${holds ? 'passed' : 'FAILED'}  ${claim}`);
const failed = claims.filter((one) => !one.holds).length;
console.log(`${claims.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
