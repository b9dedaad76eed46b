// Owns the sentences of warnings about policies and rollouts that a repository's other documents give reason to.
import type { Traffic } from '../rollout/stage-plan.ts';
import { countOf } from './amounts.ts';

interface Words {
  readonly message: string;
  readonly remedy: string;
}

/** A rule calls its metric by the name that it had before. */
export function oldNameInWords(was: string, now: string): Words {
  return {
    message: `\`${was}\` is called \`${now}\` now: it counts tries, not devices.`,
    remedy: `Write \`${now}\`; whether devices get the version, \`undelivered_devices\` asks.`,
  };
}

/** Nobody decides on the rollout's next version. */
export const LATEST_IN_WORDS: Words = {
  message: 'With `latest`, each version that is signed rolls out by itself.',
  remedy: 'For production, name a version or a range such as `>=1.2 <2`, and let a commit change it.',
};

interface UnjudgedRule {
  readonly rule: string;
  readonly rollout: string;
  /** The candidate, and stable where there is one. */
  readonly versions: readonly string[];
  /** A clause. */
  readonly why: string;
  /** The output that was meant, where the rule names another. */
  readonly meant: string | undefined;
}

/** A rule about outputs that the manifests don't let judge. */
export function unjudgedRuleInWords({ rule, rollout, versions, why, meant }: UnjudgedRule): Words {
  return {
    message: `\`${rule}\` can't be judged in the rollout "${rollout}" (${versions.join(' after ')}): ${why}.`,
    remedy:
      meant === undefined
        ? 'Correct `kind`, `centre` or `space` in the manifest of the next version, or leave out the rule.'
        : `Did you mean \`${meant}\`?`,
  };
}

/** The traffic that the warnings assume; nothing where none was given. */
export function assumedTrafficInWords({ devices, perMinute }: Traffic): string[] {
  if (devices === null && perMinute === null) return [];
  const who = devices === null ? 'an unknown number of devices' : countOf(devices, 'device');
  const rate = perMinute === null ? 'unknown traffic' : `${countOf(perMinute, 'inference')} per device per minute`;
  return [`Policies were checked for ${who} with ${rate}; \`slipway plan\` shows more.`];
}
