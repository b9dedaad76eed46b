// Owns what has to be fixed before a rollout can go on, in words, with the way out where there is one.
import { assertNever } from '../base/errors.ts';
import { asSentence, oneLine } from '../base/plain-text.ts';
import type { Place } from '../rollout/holdings.ts';
import type { WhyMissing } from '../rollout/missing-rollout.ts';
import type { DocumentProblem, Fix, Refusal } from '../rollout/reasons.ts';
import { isPin } from '../rollout/resolve-desired.ts';
import { countOf } from './amounts.ts';

function placeInWords({ file, line, column }: Place): string {
  return oneLine(line === null ? file : `${file}:${line}:${column ?? 1}`);
}

function documentInWords({ code, detail, more, ...place }: DocumentProblem): string {
  const others = more > 0 ? ` (and ${more} more)` : '';
  return `${placeInWords(place)}: ${detail === undefined ? code : oneLine(detail)}${others}`;
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

function missingRolloutInWords(why: WhyMissing): string {
  switch (why.kind) {
    case 'misplaced':
      return `its file is gone, and ${oneLine(why.path)} is not read as a rollout`;
    case 'renamed':
      return `its file is gone, and ${oneLine(why.path)} has its status`;
    case 'other-history':
      return 'neither its file nor its newest evidence is on the branch';
    default:
      return assertNever(why);
  }
}

/** What is wrong. */
export function problemInWords(fix: Fix): string {
  switch (fix.kind) {
    case 'document':
      return fix.version === undefined ? documentInWords(fix) : `${oneLine(fix.version)}: ${documentInWords(fix)}`;
    case 'version-refused':
      return `${oneLine(fix.version)}: ${refusalInWords(fix)}`;
    case 'policy-refused':
      return `policy ${oneLine(fix.policy)}: ${refusalInWords(fix)}`;
    case 'runs-revoked': {
      const who = fix.group === null ? '' : ` of ${oneLine(fix.group)}`;
      return `${countOf(fix.devices, 'device')}${who} ${fix.devices === 1 ? 'goes' : 'go'} on with ${oneLine(fix.version)}, though trust in its signer was revoked: ${refusalInWords(fix)}`;
    }
    case 'version-draft':
      return `${oneLine(fix.version)} is a draft, and has no files yet`;
    case 'version-changed':
      return `${oneLine(fix.version)} changed after it was published`;
    case 'version-missing':
      return missingInWords(fix);
    case 'model-changed':
      return `this rollout is for ${oneLine(fix.is)}`;
    case 'rollout-missing':
      return missingRolloutInWords(fix.why);
    case 'rollout-renamed':
      return `it has the status of ${oneLine(fix.was)}, and would begin without that history`;
    case 'rollout-deleted':
      return fix.devices === 0
        ? 'its file was deleted; its devices go back to the stable version'
        : `its file was deleted; ${countOf(fix.devices, 'device')} ${fix.devices === 1 ? 'has' : 'have'} not reported the return to the stable version yet`;
    case 'targets-overlap':
      return `${placeInWords(fix.at)}: ${countOf(fix.devices, 'device')} of its target ${fix.devices === 1 ? 'belongs' : 'belong'} to ${oneLine(fix.rollout)} (${placeInWords(fix.other)})`;
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
      return `HEAD has revision ${fix.revision}, and revision ${fix.known} was there before`;
    case 'status-twice':
      return `HEAD has another revision ${fix.revision} than before`;
    case 'status-of-other':
      return 'another reconciler signed its status';
    default:
      return assertNever(fix);
  }
}

/** What to do about a document that may not be used. */
function refusalRemedy({ code }: Refusal, what: string): string {
  switch (code) {
    case 'SIGNATURE_MISSING':
      return `sign ${what} with \`slipway sign\`, or let CI sign it`;
    case 'SIGNER_REVOKED':
    case 'SIGNER_EXPIRED':
      return `sign ${what} again with a key that the trust policy trusts${what === 'the manifest' ? '; under a new version if devices have it already' : ''}`;
    case 'SIGNER_UNKNOWN':
    case 'SIGNER_NOT_ALLOWED':
      return `sign ${what} with a key that the trust policy allows, or allow this one there`;
    case 'POLICY_NOT_FOR_ROLLOUT':
      return 'use another policy, or extend its appliesTo and sign it again';
    case 'MANIFEST_COPY_MISSING':
    case 'POLICY_COPY_MISSING':
      return 'put it back beside the evidence from the history, or abort the rollout';
    default:
      return `sign ${what} again if it changed since`;
  }
}

function missingRolloutRemedy(why: WhyMissing, rollout: string): string {
  switch (why.kind) {
    case 'misplaced':
      return `put the file back as ${rollout}.yaml in the folder of the rollouts, or delete it to end the rollout`;
    case 'renamed':
      return `give the file the name ${rollout} back: a rollout's history goes by its name`;
    case 'other-history':
      return `put the history back, or commit ${oneLine(why.folder)}/${rollout}.yaml again`;
    default:
      return assertNever(why);
  }
}

/** What to do about it; `rollout` names it where a command fixes it. */
export function remedyInWords(fix: Fix, rollout = '<rollout>'): string {
  switch (fix.kind) {
    case 'document':
      return fix.remedy === undefined
        ? 'correct it; `slipway validate` checks it'
        : oneLine(fix.remedy).replace(/\.$/, '');
    case 'version-refused':
      return refusalRemedy(fix, 'the manifest');
    case 'policy-refused':
      return refusalRemedy(fix, 'the policy');
    case 'runs-revoked':
      return fix.group === null
        ? 'roll out a version of a trusted signer'
        : 'roll out a version of a trusted signer, and promote the group';
    case 'version-draft':
      return 'package and sign the version (`slipway package`), or ask for another one';
    case 'version-changed':
      return 'give the new content a version of its own';
    case 'version-missing':
      return 'commit the manifest, or correct spec.version';
    case 'model-changed':
      return `put spec.model back, and give ${oneLine(fix.asked)} a rollout of its own`;
    case 'rollout-missing':
      return missingRolloutRemedy(fix.why, rollout);
    case 'rollout-renamed':
      return `give the file the name ${oneLine(fix.was)} back`;
    case 'rollout-deleted':
      return 'put the file back if it was not meant';
    case 'targets-overlap':
      return 'make the two targets exclude each other';
    case 'policy-missing':
      return 'commit the policy, or correct spec.policy';
    case 'policy-empty':
      return 'give it a stage';
    case 'policy-select-too-long':
      return 'shorten the selectors of its stages';
    case 'stage-unknown':
      return `\`slipway abort ${rollout}\` ends this attempt`;
    case 'policy-copy-missing':
      return `put the file back from the history, or end this attempt with \`slipway abort ${rollout}\``;
    case 'history-rewound':
    case 'status-twice':
      return `\`slipway adopt ${rollout}\` accepts it`;
    case 'status-of-other':
      return 'run this one with the home it had, or list the other key under `reconciler` in the trust policy';
    default:
      return assertNever(fix);
  }
}

/** What is wrong, and what to do about it. */
export function fixInWords(fix: Fix, rollout?: string): string {
  const [what, remedy] = [problemInWords(fix), remedyInWords(fix, rollout)];
  return /[.!?]$/.test(what) ? `${what} ${asSentence(remedy)}` : `${what}; ${remedy}`;
}
