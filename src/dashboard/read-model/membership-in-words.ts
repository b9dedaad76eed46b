// Owns why a device is in an arm, in words and as a command that anybody can run.
import { oneLine } from '../../base/plain-text.ts';
import { type Claim, stableFor } from '../../contract/directive.ts';
import { isOfGroup, standsApart } from '../../contract/group-exception.ts';
import { BUCKETS, bucketOf, listedHash } from '../../contract/membership.ts';
import type { DeviceFacts } from '../../contract/selector.ts';
import type { DeviceModel } from './types.generated.ts';

type Why = Pick<DeviceModel, 'arm' | 'why' | 'bucket' | 'cut' | 'workOut'>;

const NOTHING = { bucket: null, cut: null, workOut: null };

/** Both to four digits; more where they would look the same. */
function pairOf(bucket: number, cut: number): readonly [string, string] {
  for (let digits = 4; digits < 15; digits++) {
    const [a, b] = [bucket.toFixed(digits), cut.toFixed(digits)];
    if (a !== b) return [a, b];
  }
  return [String(bucket), String(cut)];
}

export function whyInArm(claim: Claim | null, rollouts: readonly string[], facts: DeviceFacts): Why {
  if (claim === null) {
    const why = rollouts.length > 1 ? `${rollouts.map(oneLine).join(' and ')} both claim it` : 'no rollout is for it';
    return { arm: 'none', why, ...NOTHING };
  }
  const { entry } = claim;
  if (claim.kind === 'none')
    return { arm: 'none', why: 'no version is stable yet, and the device is not in the stage', ...NOTHING };
  if (entry.emergency) return { arm: 'stable', why: 'an emergency rollback gives all devices stable', ...NOTHING };
  const apart = (entry.exceptions ?? []).find((one) => isOfGroup(one.group, facts.labels) && standsApart(one));
  if (apart !== undefined && claim.arm === 'stable')
    return { arm: 'apart', why: `${oneLine(apart.group)} is ${APART[apart.kind]}`, ...NOTHING };
  if (entry.candidate === null) {
    const isBehind = stableFor(entry, facts)?.digest !== entry.stable?.digest;
    return {
      arm: 'stable',
      why: isBehind ? 'its group is on an earlier stable version' : 'nothing rolls out',
      ...NOTHING,
    };
  }
  const { salt, cohort } = entry;
  const stage = oneLine(entry.stage ?? 'the stage');
  const raw = bucketOf(salt, facts.id);
  const [bucket, cut] = [raw / BUCKETS, cohort.cut / BUCKETS];
  const figures = { bucket, cut, workOut: workOut(salt, facts.id) };
  const [bucketText, cutText] = pairOf(bucket, cut);
  if (claim.arm === 'candidate') {
    if (cohort.cut >= BUCKETS) return { arm: 'candidate', why: `${stage}: all devices of the target`, ...NOTHING };
    if (raw < cohort.cut)
      return { arm: 'candidate', why: `bucket ${bucketText} < cut ${cutText}: ${stage}`, ...figures };
    const isListed = cohort.devices.includes(listedHash(salt, facts.id));
    const by = isListed ? 'listed by its id' : `it matches ${oneLine(cohort.select ?? '')}`;
    return { arm: 'candidate', why: `${by}: ${stage}`, ...(isListed ? NOTHING : figures) };
  }
  const isLast = cohort.cut > BUCKETS / 2;
  return {
    arm: isLast ? 'held-back' : 'stable',
    why: `bucket ${bucketText} ≥ cut ${cutText}: ${isLast ? 'keeps stable while the others are judged' : `not in ${stage}`}`,
    ...figures,
  };
}

const APART = {
  'rolled-back': 'rolled back alone',
  held: 'held where it is',
  behind: 'on an earlier stable version',
} as const;

/** First 48 bits of SHA-256, in hexadecimal. */
function workOut(salt: string, id: string): string {
  const text = `${salt}\n${id}`.replace(/\\/g, '\\\\').replace(/%/g, '%%').replace(/'/g, "'\\''").replace(/\n/g, '\\n');
  return `printf '${text}' | sha256sum | cut -c1-12`;
}
