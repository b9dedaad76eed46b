// Owns `slipway explain`: why a rollout is where it is, rule by rule, from the service or from the evidence in Git.
import type { Command } from 'commander';
import { oneLine } from '../../base/plain-text.ts';
import type { Rollout } from '../../documents/types.generated.ts';
import { filesOfCommit } from '../../git/repository-files.ts';
import { unknownRollout } from '../../requests/find-rollout.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import { type FoundSteps, findSteps } from '../../snapshot/last-step.ts';
import { readDocuments, rolloutsOf } from '../../snapshot/repository-documents.ts';
import { explainOutlook } from '../../wording/explanation.ts';
import { explainPast, isOfPast, type PastMoment } from '../explain-past.ts';
import { explainEvidence, explanationText, stepJson, stepLines } from '../explanation-text.ts';
import { readGitView } from '../git-status.ts';
import { readLiveView } from '../live-status.ts';
import { openPast } from '../open-past.ts';
import { printResult, type Result } from '../output.ts';
import { type KeyOptions, reconcilerKeys } from '../reconciler-keys.ts';
import { addRepositoryOptions, openBranch, type RepositoryOptions } from '../repository-access.ts';
import { homeOption, serverOption, trustOption } from '../settings.ts';
import { stallNotes } from '../status-table.ts';

interface ExplainOptions extends RepositoryOptions, KeyOptions, PastMoment {
  readonly server?: string;
  readonly json?: boolean;
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

async function ofPast(name: string, options: ExplainOptions): Promise<Result> {
  await using opened = await openPast(options);
  const past = await opened.now();
  if (past.stepsOf(name).length === 0) await readGitView(opened.opened.repository, past.list.head, name);
  return await explainPast(past, name, options);
}

async function explain(name: string, options: ExplainOptions): Promise<Result> {
  const { server, insecureHttp } = options;
  if (isOfPast(options)) return ofPast(name, options);
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
    .option('--version <version>', 'the last measured step of this version')
    .option('--revision <n>', 'the step of this revision')
    .option('--commit <commit>', 'the step of this commit, or the last one before it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe service explains a rollout in progress; its evidence in Git explains each step that was taken.',
    )
    .action(async (rollout: string, options: ExplainOptions) => {
      printResult(await explain(rollout, options), options.json ?? false);
    });
}
