// Owns what has to be fixed before a rollout can go on, in words, with the way out where there is one.
import { assertNever } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import type { DocumentProblem, Fix, Refusal } from '../rollout/reasons.ts';
import { isPin } from '../rollout/resolve-desired.ts';

function documentInWords({ file, line, column, code, detail, more }: DocumentProblem): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  const others = more > 0 ? ` (and ${more} more)` : '';
  return `${oneLine(place)}: ${detail === undefined ? code : oneLine(detail)}${others}`;
}

function refusalInWords({ code, signer, detail }: Refusal): string {
  if (detail !== undefined) return oneLine(detail);
  if (code === 'POLICY_NOT_FOR_ROLLOUT') return 'its appliesTo does not include this rollout';
  return signer === null ? code : `${code}, signed by ${oneLine(signer)}`;
}

function missingInWords({ desired, running }: Extract<Fix, { kind: 'version-missing' }>): string {
  if (running !== null)
    return `${running}, which is running, is not in the repository, and no newer version can replace it`;
  if (desired === 'latest') return 'the model has no version yet';
  return isPin(desired)
    ? `version ${oneLine(desired)} of the model is not in the repository`
    : `no version of the model satisfies ${oneLine(desired)}`;
}

/** What is wrong; `rollout` names it where a command fixes it. */
export function fixInWords(fix: Fix, rollout = '<rollout>'): string {
  switch (fix.kind) {
    case 'document':
      return fix.version === undefined ? documentInWords(fix) : `${oneLine(fix.version)}: ${documentInWords(fix)}`;
    case 'version-refused':
      return `${oneLine(fix.version)}: ${refusalInWords(fix)}`;
    case 'policy-refused':
      return `policy ${oneLine(fix.policy)}: ${refusalInWords(fix)}`;
    case 'group-on-revoked':
      return `${oneLine(fix.group)} runs ${oneLine(fix.version)}, and trust in its signer was revoked: ${refusalInWords(fix)}`;
    case 'version-changed':
      return `${oneLine(fix.version)} changed after it was published; give the new content a version of its own`;
    case 'version-missing':
      return missingInWords(fix);
    case 'model-changed':
      return `this rollout is for ${oneLine(fix.is)}; put spec.model back, and give ${oneLine(fix.asked)} a rollout of its own`;
    case 'policy-missing':
      return 'the policy is not in the repository';
    case 'policy-empty':
      return 'the policy has no stage';
    case 'policy-select-too-long':
      return 'the selectors of its stages together are too long for one selector';
    case 'stage-unknown':
      return `the policy in force has no stage ${fix.stage}`;
    case 'policy-copy-missing':
      return `the copy of the policy in force (${fix.digest}) is missing beside the evidence`;
    case 'history-rewound':
      return `HEAD has revision ${fix.revision}, and revision ${fix.known} was there before; \`slipway adopt ${rollout}\` accepts it`;
    case 'status-twice':
      return `HEAD has another revision ${fix.revision} than before; \`slipway adopt ${rollout}\` accepts it`;
    case 'status-of-other':
      return 'another reconciler signed its status; run this one with the home it had, or list the other key under `reconciler` in the trust policy';
    default:
      return assertNever(fix);
  }
}
