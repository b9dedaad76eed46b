// Owns `slipway explain`: why a rollout is where it is, rule by rule, from the service or from the evidence in Git.
import type { Command } from 'commander';
import { CodedError } from '../../base/errors.ts';
import { asSentence, oneLine } from '../../base/plain-text.ts';
import type { Rollout } from '../../documents/types.generated.ts';
import { filesOfCommit } from '../../git/repository-files.ts';
import { unknownRollout } from '../../requests/find-rollout.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import type { EvidencePredicate } from '../../snapshot/evidence.ts';
import { type FoundStep, type FoundSteps, findSteps } from '../../snapshot/last-step.ts';
import { readDocuments, rolloutsOf } from '../../snapshot/repository-documents.ts';
import { type ExplainedRule, type Explanation, explainOutlook, explainStage } from '../../wording/explanation.ts';
import { scopeInWords } from '../../wording/scope-in-words.ts';
import { stepReasonInWords } from '../../wording/step-reason-in-words.ts';
import { readLiveView } from '../live-status.ts';
import { printResult, proseLines, type Result } from '../output.ts';
import { type KeyOptions, reconcilerKeys } from '../reconciler-keys.ts';
import { addRepositoryOptions, openBranch, type RepositoryOptions } from '../repository-access.ts';
import { homeOption, serverOption, trustOption } from '../settings.ts';
import { stallNotes } from '../status-table.ts';

interface ExplainOptions extends RepositoryOptions, KeyOptions {
  readonly server?: string;
  readonly json?: boolean;
}

const VERDICT_WORDS = {
  pass: 'passes',
  fail: 'BROKEN',
  undecided: 'undecided',
  'not-applicable': 'does not apply',
} as const;

function indented(text: string): string[] {
  return proseLines(text, '  ');
}

/** What people look for first: what is broken, then what is open; what never decides last. */
function placeOf({ verdict, dryRun }: ExplainedRule): number {
  return ['fail', 'undecided', 'pass', 'not-applicable'].indexOf(verdict) + (dryRun ? 10 : 0);
}

function explanationText({ summary, stage, rules, missing, certainty }: Explanation): string {
  const inOrder = [...rules].sort((a, b) => placeOf(a) - placeOf(b));
  const blocks = inOrder.map(({ rule, verdict, scope, share, dryRun, sentences }) => {
    const about = scope === 'fleet' ? 'the fleet' : scopeInWords({ scope, share });
    const more = [about, dryRun ? 'dry run' : ''].filter((text) => text !== '');
    const head = `${rule}${more.length === 0 ? '' : ` (${more.join(', ')})`}: ${VERDICT_WORDS[verdict]}`;
    return [head, ...sentences.flatMap(indented)].join('\n');
  });
  const waits = missing.length === 0 ? [] : [['Waits for:', ...missing.flatMap(indented)].join('\n')];
  return [
    [...proseLines(summary), ...stage.flatMap(indented)].join('\n'),
    ...blocks,
    ...waits,
    ...(certainty === '' ? [] : [proseLines(certainty).join('\n')]),
  ].join('\n\n');
}

function headOf({ rollout, candidate, stage, stable, revision }: Outlook): string {
  const beside = stable === null ? 'there is no stable version yet' : `stable is ${oneLine(stable)}`;
  return `${oneLine(rollout)}: ${oneLine(candidate ?? '')} is in ${oneLine(stage ?? '')}, ${beside} (revision ${revision}).`;
}

function ofService(outlook: Outlook): Result {
  const explanation = explainOutlook(outlook);
  const { rollout, stage, candidate, stable, revision, verdict, cohort, window, terms, waitingOn } = outlook;
  return {
    json: {
      from: 'service',
      ...{ rollout, revision, stage, candidate, stable, explanation },
      ...{ verdict, cohort, window, terms, waitingOn },
    },
    text: [headOf(outlook), explanationText(explanation)].join('\n'),
  };
}

const SIGNATURES = {
  good: 'signed by the reconciler',
  bad: 'NOT signed by the reconciler',
  unknown: 'signature not checked (pass the trust policy with --trust)',
} as const;

function reasonOf({ transition, verdict, cohort }: EvidencePredicate): string {
  return stepReasonInWords({ ...transition, verdict, cohort });
}

function stepLines({ predicate, commit, file, signature }: FoundStep): string[] {
  const { revision, transition, decidedAt } = predicate;
  const where = commit === null ? 'its commit was not found' : `commit ${commit.slice(0, 10)}`;
  return [
    `Step ${revision}, ${oneLine(transition.from)} → ${oneLine(transition.to)} (${oneLine(transition.kind)}), ${oneLine(decidedAt)}, ${where}.`,
    ...proseLines(asSentence(reasonOf(predicate))),
    `Evidence: ${oneLine(file)}, ${SIGNATURES[signature.kind]}.`,
  ];
}

function standing({ metadata, status }: Rollout): string {
  const name = oneLine(metadata.name);
  if (status === undefined) return `${name}: the service has not started it yet.`;
  const { candidate, stable, stage } = status;
  if (candidate !== null) {
    return `${name}: ${oneLine(candidate.version)} is in ${oneLine(stage ?? '')}. For live measurements, pass --server.`;
  }
  return stable === null
    ? `${name}: nothing is stable.`
    : `${name}: ${oneLine(stable.version)} is stable; nothing rolls.`;
}

/** Evidence may have been written by anyone who can push: evidence that can't be explained is an error, never a crash. */
function explainEvidence({ predicate, file }: FoundStep): Explanation {
  const { verdict, cohort, window, terms }: EvidencePredicate = predicate;
  try {
    return explainStage({ verdict, cohort, window, terms });
  } catch (cause) {
    throw new CodedError({
      code: 'EVIDENCE_UNREADABLE',
      message: `${file} is not in the format of Slipway evidence.`,
      remedy: '`slipway history` shows which commits the reconciler signed.',
      cause,
    });
  }
}

function stepJson(step: FoundStep | null): unknown {
  if (step === null) return null;
  const { revision, transition, decidedAt } = step.predicate;
  const { kind, from, to, groups, reason } = transition;
  const { commit, file, signature } = step;
  return { revision, kind, from, to, groups, reason, decidedAt, commit, evidence: file, signature };
}

function ofGit(rollout: Rollout, { newest, measured, refused }: FoundSteps): Result {
  const explanation = measured === null ? null : explainEvidence(measured);
  const blocks = [
    ...(newest === null || newest.file === measured?.file ? [] : [['Newest step', ...stepLines(newest)]]),
    ...(measured === null
      ? []
      : [[newest?.file === measured.file ? 'Last step' : 'Last measured step', ...stepLines(measured)]]),
    ...(refused === null ? [] : [[`${oneLine(refused.file)} is ignored: ${oneLine(refused.reason)}`]]),
    ...(explanation === null ? [] : [[explanationText(explanation)]]),
    ...(newest === null ? [['No step yet.']] : []),
  ];
  const { predicate } = measured ?? {};
  return {
    json: {
      from: 'git',
      rollout: rollout.metadata.name,
      status: rollout.status ?? null,
      ...{ newest: stepJson(newest), measured: stepJson(measured), refused, explanation },
      ...{ verdict: predicate?.verdict ?? null, cohort: predicate?.cohort ?? null },
      ...{ window: predicate?.window ?? null, terms: predicate?.terms ?? null },
    },
    text: [standing(rollout), ...blocks.map((lines) => lines.join('\n'))].join('\n\n'),
  };
}

async function fromGit(name: string, options: ExplainOptions): Promise<Result> {
  const keys = await reconcilerKeys(options);
  await using opened = await openBranch(options);
  const { repository } = opened;
  const head = await opened.head();
  const documents = await readDocuments(await filesOfCommit(repository, head));
  const { rollouts, broken } = rolloutsOf(documents);
  const [error] = broken.find((one) => one.name === name)?.errors ?? [];
  if (error !== undefined) throw error;
  const found = rollouts.find(({ rollout }) => rollout.metadata.name === name);
  if (found === undefined) {
    throw unknownRollout(
      name,
      rollouts.map(({ rollout }) => rollout.metadata.name),
    );
  }
  const evidenceFolder = documents.layout.evidence;
  return ofGit(found.rollout, await findSteps({ repository, head, evidenceFolder, rollout: name, keys }));
}

async function explain(name: string, options: ExplainOptions): Promise<Result> {
  const { server, insecureHttp } = options;
  if (server === undefined) return fromGit(name, options);
  const view = await readLiveView({ server, insecureHttp, rollout: name });
  const [outlook] = view.rollouts;
  const result =
    outlook === undefined || outlook.candidate === null ? await fromGit(name, options) : ofService(outlook);
  const stalls = outlook?.conditions.filter(({ type }) => type === 'Stalled') ?? [];
  if (outlook === undefined || stalls.length === 0) return result;
  return { json: { ...Object(result.json), stalls }, text: [result.text, ...stallNotes(outlook)].join('\n\n') };
}

export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description('explain the state of a rollout: what each rule measured, what it allows, and what is missing')
    .argument('<rollout>', 'name of the rollout')
    .addOption(serverOption('it explains a rollout in progress'));
  addRepositoryOptions(command)
    .addOption(trustOption())
    .addOption(homeOption())
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe service explains a rollout in progress; its evidence in Git explains each step that was taken.',
    )
    .action(async (rollout: string, options: ExplainOptions) => {
      printResult(await explain(rollout, options), options.json ?? false);
    });
}
