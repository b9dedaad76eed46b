// Owns what alerts say: each kind in a sentence for the reference page, and each alert in one for whoever is on call.
import { assertNever } from '../base/errors.ts';
import { asReason, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { Alert, AlertFact, AlertKind, FailedRule } from '../rollout/alerts.ts';
import type { FalseClaim } from '../telemetry/attribution.ts';
import { countOf, formatAmount, formatBounds, listed } from './amounts.ts';
import { exceptionInWords } from './exception-in-words.ts';
import { problemInWords, remedyInWords } from './fix-in-words.ts';
import { silentInWords } from './plan-in-words.ts';
import { armsInWords, namedOf, reasonsInWords } from './reason-in-words.ts';
import { ruleInScope } from './scope-in-words.ts';
import { claimProblemInWords, statusReasonInWords, stepReasonInWords } from './step-reason-in-words.ts';

export const ALERT_MEANINGS: Readonly<Record<AlertKind, string>> = {
  stalled: "A rollout can't continue until someone fixes a document, a signature or a policy.",
  'history-rewound':
    'The branch went back to before a revision that was seen or published; `slipway adopt` accepts it.',
  'status-forged': "Someone else wrote a status into a rollout's file; the reconciler restores its own.",
  'evidence-missing': 'Someone deleted or changed the evidence of steps; the reconciler puts it back from its mirror.',
  'version-refused': 'The desired version, or a newer one, may not be used: its signature or signer is not accepted.',
  reverted: 'A version failed and was taken back; devices run the stable version again.',
  'waits-for-approval': 'The rules of a stage pass, and it waits for people to approve it.',
  paused:
    'A failed rule stopped a stage. If the policy says `pause`, it may go on by itself; else a person has to decide.',
  'deadline-held': 'A stage reached its deadline undecided and waits for a person.',
  'group-apart': 'A group of devices is an exception: it was rolled back alone, is held, or runs an earlier version.',
  'emergency-rollback': 'A rollback could not be committed in time, so devices got it first.',
  'signal-silent': 'A metric provider returns nothing usable; the rule that queries it stays undecided.',
  'devices-off-declared': 'Devices have been running something other than the declared version for too long.',
  'targets-overlap':
    'Two rollouts of one model target the same devices; each of these goes on with the rollout that it follows.',
  'stable-drift': 'The stable version violates one of its watch rules.',
  'devices-refusing': 'Devices refuse the directive or a model that it names.',
  'devices-on-revoked': 'Devices serve a version whose signer is revoked, because they have no other.',
  'arms-differ':
    "The devices on the candidate and those on stable can't be compared, so rules relative to stable stay undecided.",
  'devices-claiming':
    'Devices report for an arm that they are not in, or about a version that they were not given. None of it counts.',
  'reports-refused': 'The service refuses the reports of devices, so it knows nothing of them.',
  'notices-lost': 'Notices never reached their target: it refuses them, or takes none and its queue is full.',
  'source-away': "The manifests repository can't be read, is empty, or has lost its branch.",
  'cycle-failed': "The reconciler's last cycle did not finish.",
};

const REFUSED_WHY: Readonly<Record<string, string>> = {
  'bad-signature': 'signed with another key: forged, or the device lost its key',
  'other-device': "about another device than the signer's",
  'other-epoch': 'of an enrolment that has ended: the device needs a new token',
  'unknown-device': 'not enrolled in this store: the device needs a token',
  denied: 'on the deny list',
  REPORT_TOO_NEW: 'of a newer protocol than this service reads: upgrade the service',
  REPORT_TOO_OLD: "of an older protocol than this service reads: upgrade the device's agent",
  'address-limited': 'more comes from their address than one may send: see --address-factor',
};

/** Why reports are refused, from the reason in the answer to them. */
export function refusedWhy(why: string): string {
  return REFUSED_WHY[why] ?? `not a valid report: ${oneLine(why)}`;
}

function driftInWords({ version, rule, seen }: Extract<AlertFact, { kind: 'drift' }>): string {
  const what = `the stable version ${oneLine(version)} violates its watch rule ${oneLine(rule)}`;
  if (seen === null) return what;
  const { estimate, unit, devices, listenedMs, reasons } = seen;
  const amount = estimate === null ? '' : `: ${formatAmount(estimate, unit)}`;
  const over = `on ${countOf(devices, 'device')} over ${formatDuration(Math.round(listenedMs / 1000) * 1000)}`;
  return `${what}${amount} ${over}${reasons.length === 0 ? '' : `; ${reasonsInWords(reasons)}`}`;
}

/** `1.4.0 was reverted to 1.3.0: error_rate < 1% failed in canary, measured 4.2% (3.1–5.6) on 10 devices`. */
function revertInWords({ version, stable, reason, failed }: Extract<AlertFact, { kind: 'reverted' }>): string {
  const what =
    stable === null ? `${oneLine(version)} was withdrawn` : `${oneLine(version)} was reverted to ${oneLine(stable)}`;
  return `${what}: ${statusReasonInWords(reason)}${failed === null ? '' : boundsInWords(failed)}`;
}

function boundsInWords({ estimate, lower, upper, unit, devices }: FailedRule): string {
  const bounds =
    estimate === null || lower === null || upper === null ? '' : ` ${formatBounds(estimate, lower, upper, unit)}`;
  return `${bounds}${devices === 0 ? '' : ` on ${countOf(devices, 'device')}`}`;
}

function factInWords(fact: AlertFact): string {
  switch (fact.kind) {
    case 'fix': {
      const what = problemInWords(fact.fix);
      return fact.isNewer ? `a newer version is not used: ${what}` : what;
    }
    case 'signals':
      return fact.silent.map(silentInWords).join('; ');
    case 'reverted':
      return revertInWords(fact);
    case 'approval':
      return `${fact.stage ?? 'the stage'} passed its rules and waits for ${countOf(fact.need - fact.have, 'approval')} of ${listed(fact.approvers.map(oneLine), 'or', 10)}`;
    case 'paused':
      return fact.reason === null ? 'a rule failed' : statusReasonInWords(fact.reason);
    case 'deadline': {
      const open =
        fact.open.length === 0
          ? 'its minimum is not reached'
          : `${listed(fact.open.map(ruleInScope), 'and', 3)} undecided`;
      const missing = fact.without === undefined ? '' : `; without it: ${namedOf(fact.without)}`;
      return `${fact.stage} reached its deadline: ${open}${missing}`;
    }
    case 'group':
      return `${exceptionInWords(fact.exception)}: ${statusReasonInWords(fact.exception.reason)}`;
    case 'forged':
      return `the reconciler did not write this status and restores its own: ${claimProblemInWords(fact.problem)}`;
    case 'emergency':
      return `the rollback could not be committed in time, so devices got it first: ${stepReasonInWords(fact)}`;
    case 'off-declared':
      return `${countOf(fact.devices, 'device')} ${fact.devices === 1 ? 'runs' : 'run'} something other than declared for too long: ${listed(fact.first, 'and', 10)}`;
    case 'shared':
      return `${countOf(fact.devices, 'device')} ${fact.devices === 1 ? 'is' : 'are'} a target of ${listed(fact.rollouts, 'and')}, and ${fact.devices === 1 ? 'goes' : 'go'} on with the one that ${fact.devices === 1 ? 'it follows' : 'they follow'}: ${listed(fact.first, 'and', 10)}`;
    case 'drift':
      return driftInWords(fact);
    case 'refusing':
      return `${countOf(fact.devices, 'device')} ${fact.devices === 1 ? 'refuses' : 'refuse'} the directive: ${listed(fact.first, 'and', 10)}`;
    case 'on-revoked':
      return `${countOf(fact.devices, 'device')} ${fact.devices === 1 ? 'serves' : 'serve'} a version whose signer is revoked, having no other: ${listed(fact.first, 'and', 10)}`;
    case 'arms':
      return `rules relative to stable stay undecided: ${armsInWords(fact.alarm)}`;
    case 'claiming':
      return `${countOf(fact.devices, 'device')} ${fact.devices === 1 ? 'claims' : 'claim'} an arm or a version that the directive did not give ${fact.devices === 1 ? 'it' : 'them'}, so none of it counts: ${listed(fact.first, 'and', 10)}`;
    case 'reports-refused':
      return `the reports of ${countOf(fact.devices, 'device')} are refused (${fact.reasons.map(refusedWhy).join('; ')}): ${listed(fact.first, 'and', 10)}`;
    case 'evidence-missing':
      return `evidence was deleted or changed, of ${fact.revisions.length === 1 ? 'revision' : 'revisions'} ${listed(fact.revisions.map(String), 'and', 10)}`;
    case 'notices-lost':
      return `${oneLine(fact.target)} never got ${countOf(fact.count, 'notice')}: it refused them, or its queue was full`;
    case 'error':
      return fact.message;
    case 'vanished':
      return fact.branch === null
        ? 'the manifests repository is empty'
        : `the manifests repository has no branch ${oneLine(fact.branch)}`;
    default:
      return assertNever(fact);
  }
}

const CLAIMED = { candidate: 'reports for the candidate', stable: 'reports for stable', outcome: 'reports an install' };
const GIVEN = {
  candidate: 'the directive gives it the candidate',
  stable: 'the directive gives it stable',
  nothing: 'the directive gives it nothing',
  unpublished: 'no such revision was published',
};

/** A claim that the directive contradicts, such as `reports for the candidate at invoice-ocr-eu 7; the directive gives it stable`. */
export function falseClaimInWords({ rollout, revision, says, given }: FalseClaim): string {
  return `${CLAIMED[says]} at ${oneLine(rollout)} ${revision}; ${GIVEN[given]}`;
}

/** What an alert says, on one line. */
export function alertInWords({ fact }: Pick<Alert, 'fact'>): string {
  return asReason(factInWords(fact));
}

/** What to do about an alert; empty where nobody can say. */
function remedyOf({ fact, rollout }: Pick<Alert, 'fact' | 'rollout'>): string {
  const name = rollout ?? '<rollout>';
  switch (fact.kind) {
    case 'fix':
      return remedyInWords(fact.fix, name);
    case 'signals':
      return 'check the provider, and its entry in the file of the metric providers';
    case 'reverted':
      return `\`slipway explain ${name}\` says why; release a corrected version, or \`slipway retry ${name}\` if the cause is gone`;
    case 'approval':
      return `\`slipway approve ${name}\` approves, \`abort\` rolls back`;
    case 'paused':
      return `\`slipway approve ${name}\` watches the stage again, \`promote\` goes on, \`abort\` rolls back`;
    case 'deadline':
      return `\`slipway promote ${name}\` goes on, \`abort\` rolls back`;
    case 'group':
      return `\`slipway promote ${name} --group ${oneLine(fact.exception.group)}\` lets it rejoin`;
    case 'forged':
      return 'find out who pushed it: only the reconciler writes `status`';
    case 'emergency':
      return 'let the service push again, or mend the document that it has to change';
    case 'shared':
      return 'make the targets exclude each other';
    case 'off-declared':
      return `look at these devices; \`slipway status ${name}\` says what they run`;
    case 'drift':
      return 'roll out a version that was trained on newer data, or go back to an earlier one';
    case 'refusing':
      return 'give these devices the root and the trust policy that the service has';
    case 'on-revoked':
      return 'roll out a version of a trusted signer to these devices';
    case 'arms':
      return fact.alarm.problem === 'in-both-arms'
        ? 'look at these devices, which report for both versions; the fleet documents can deny a device'
        : `look for devices that the version silenced (\`slipway explain ${name}\`); \`slipway abort ${name}\` rolls back, \`promote\` goes on`;
    case 'claiming':
      return 'look for a wrong label or a stolen key on these devices; the fleet documents can deny a device';
    case 'reports-refused':
      return '`slipway status` says why; give a device that is not enrolled any more a token (`slipway token --device <id>`)';
    case 'evidence-missing':
      return 'find out who pushed that, and protect the branch';
    case 'notices-lost':
      return "see what the receiver answers in the service's log, and correct its address or form";
    case 'error':
      return fact.remedy ?? '';
    case 'vanished':
      return fact.branch === null
        ? 'push its branch again, or give the service the right repository'
        : 'push it again, or set --branch';
    default:
      return assertNever(fact);
  }
}

/** What to do about an alert, on one line; null where nobody can say. */
export function alertRemedy(alert: Pick<Alert, 'fact' | 'rollout'>): string | null {
  const remedy = oneLine(remedyOf(alert)).replace(/\.$/, '');
  return remedy === '' ? null : asReason(remedy);
}
