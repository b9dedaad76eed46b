// Owns `slipway status`: how the rollouts stand, live from the service or from Git alone.
import type { Command } from 'commander';
import { toIsoSeconds } from '../../base/clock.ts';
import { formatError } from '../../base/errors.ts';
import { oneLine, withoutControls } from '../../base/plain-text.ts';
import { Past } from '../../dashboard/read-model/past.ts';
import { readRolloutAt } from '../../dashboard/read-model/rollout-at.ts';
import type { RolloutView } from '../../dashboard/read-model/types.generated.ts';
import type { SourceState } from '../../reconcile/service-view.ts';
import type { AlertRecord } from '../../rollout/alert-book.ts';
import type { OffDeclared } from '../../rollout/off-declared.ts';
import { alertInWords, alertRemedy, falseClaimInWords, refusedWhy } from '../../wording/alerts-in-words.ts';
import { countOf } from '../../wording/amounts.ts';
import { deviationInWords } from '../../wording/devices-in-words.ts';
import { judgeCommit } from '../commit-judge.ts';
import { cellsOfGit, gitViewToJson, notesOfGit, readGitView } from '../git-status.ts';
import { addListingOptions, type ListingOptions, showListing } from '../listing.ts';
import { type LiveQuestion, type LiveView, readLiveView } from '../live-status.ts';
import type { Result } from '../output.ts';
import { addRepositoryOptions, type OpenedBranch, openBranch, type RepositoryOptions } from '../repository-access.ts';
import { serverOption, TOKEN_OF_SERVER } from '../settings.ts';
import { sourceProblem } from '../source-problem.ts';
import { statusTable, tableOfCells } from '../status-table.ts';
import { readRows, readTree, rolloutTree, wideTable } from '../status-tree.ts';

const MOST_LISTED = 20;

interface StatusOptions extends RepositoryOptions, ListingOptions {
  readonly server?: string;
}

function sourceLine(source: SourceState, commit: string | null): string {
  const at = commit === null ? '' : ` The rollouts below are as of commit ${commit.slice(0, 10)}.`;
  const problem = sourceProblem(source);
  if (problem !== null) {
    const since = source.kind === 'away' ? ` since ${toIsoSeconds(source.sinceMs)}` : '';
    const reach =
      since === '' ? '' : `The manifests repository has been unreadable${since}; devices keep what they run.\n`;
    return `${reach}${formatError(problem)}${at === '' ? '' : `\n ${at}`}`;
  }
  if (source.kind !== 'followed') return 'The service is starting and has not read the repository yet.';
  return `Showing commit ${source.commit.slice(0, 10)}, read ${toIsoSeconds(source.atMs)}`;
}

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const rest = lines.length - MOST_LISTED;
  const shown = lines.slice(0, MOST_LISTED).map((line) => `  ${line}`);
  return [[title, ...shown, ...(rest > 0 ? [`  and ${rest} more`] : [])].join('\n')];
}

/** Other alerts are explained elsewhere on the page. */
const TOLD_BY_ALERT: ReadonlySet<AlertRecord['kind']> = new Set(['status-forged', 'stable-drift', 'targets-overlap']);
/** The note of the rollout says what to do. */
const NOTED: ReadonlySet<AlertRecord['kind']> = new Set(['stalled', 'history-rewound', 'version-refused']);

function alertLine(alert: AlertRecord): string {
  const { kind, rollout, raisedAtMs, runbook, silenced } = alert;
  const since = raisedAtMs === null ? '' : `since ${toIsoSeconds(raisedAtMs)}`;
  const what = TOLD_BY_ALERT.has(kind) ? alertInWords(alert) : '';
  const remedy = NOTED.has(kind) ? null : alertRemedy(alert);
  const kept = silenced && `silenced until ${toIsoSeconds(silenced.untilMs)} by ${silenced.by}: ${silenced.reason}`;
  return [kind, rollout ?? 'the service', since, kept ?? '', what, remedy ?? '', runbook ?? '']
    .filter((part) => part !== '')
    .map(oneLine)
    .join('  ');
}

function offDeclaredText({ rollout, count, staying, first }: OffDeclared): string[] {
  if (count === 0) return [];
  const long = staying === 0 ? '' : `, ${staying} for too long`;
  const title = `${oneLine(rollout)}: ${countOf(count, 'device')} ${count === 1 ? 'runs' : 'run'} something other than declared${long}`;
  const rest = count - first.length;
  const lines = first.map((one) => `${oneLine(one.device)}  ${deviationInWords(one)}`);
  return listed(title, [...lines, ...(rest > 0 ? [`and ${rest} more`] : [])]);
}

/** What the service says, for people: source, table, and what needs someone. */
export function liveText({ service, rollouts }: LiveView, table?: string): string {
  const {
    trouble,
    contradicting,
    refusing,
    onRevoked,
    claiming,
    emergencyRollbacks,
    problems,
    offDeclared = [],
    alerts = [],
    refusedReports = { count: 0, first: [] },
    outdated = { count: 0, first: [] },
  } = service;
  return [
    withoutControls(sourceLine(service.source, service.commit)),
    statusTable(rollouts, table),
    ...listed('Alerts', alerts.map(alertLine)),
    ...offDeclared.flatMap(offDeclaredText),
    ...listed(
      'Emergency rollbacks: devices got them before they could be committed',
      emergencyRollbacks.map((name) => oneLine(name)),
    ),
    ...listed(
      `${countOf(contradicting.length, 'device')} in no rollout: their labels contradict the fleet documents`,
      contradicting.map(({ device, what }) => `${oneLine(device)}  ${oneLine(what)}`),
    ),
    ...listed(
      `${countOf(refusing.count, 'device')} ${refusing.count === 1 ? 'refuses' : 'refuse'} the directive and ${refusing.count === 1 ? 'keeps what it runs' : 'keep what they run'}`,
      refusing.first.map(({ device, what }) => `${oneLine(device)}  ${oneLine(what)}`),
    ),
    ...listed(
      `${countOf(onRevoked.count, 'device')} ${onRevoked.count === 1 ? 'serves' : 'serve'} a version whose signer is revoked, having no other`,
      onRevoked.first.map(({ device, what }) => `${oneLine(device)}  ${oneLine(what)}`),
    ),
    ...listed(
      `${countOf(claiming.count, 'device')} ${claiming.count === 1 ? 'claims' : 'claim'} an arm or a version that the directive did not give ${claiming.count === 1 ? 'it' : 'them'}: not counted`,
      claiming.first.map(({ device, claim }) => `${oneLine(device)}  ${falseClaimInWords(claim)}`),
    ),
    ...listed(
      `${countOf(outdated.count, 'device')} ${outdated.count === 1 ? 'has' : 'have'} an older agent than slipway.yaml declares`,
      outdated.first.map(({ device, what }) => `${oneLine(device)}  ${oneLine(what)}`),
    ),
    ...listed(
      `The service refuses the reports of ${countOf(refusedReports.count, 'device')}`,
      refusedReports.first.map(({ device, why }) => `${oneLine(device)}  ${refusedWhy(why)}`),
    ),
    ...problems.slice(0, MOST_LISTED).map(withoutControls),
    ...(trouble === null
      ? []
      : [
          withoutControls(
            `The last cycle did not finish: ${trouble.code}\n  ${trouble.message}${trouble.remedy === null ? '' : `\n  ${trouble.remedy}`}`,
          ),
        ]),
  ].join('\n\n');
}

async function live(question: LiveQuestion, isWide: boolean): Promise<Result> {
  const { rollout } = question;
  const view = await readLiveView(question);
  if (rollout !== undefined) return oneLive(view, { ...question, rollout });
  if (!isWide) return { json: view, text: liveText(view) };
  const rows = await readRows(question);
  return { json: { ...view, rows }, text: liveText(view, wideTable(rows)) };
}

/** Its tree stands where the table stands of many. */
async function oneLive(view: LiveView, question: LiveQuestion & { readonly rollout: string }): Promise<Result> {
  const tree = await readTree(question, question.rollout);
  return { json: { ...view, ...tree }, text: liveText(view, rolloutTree(tree.view, tree.versions)) };
}

/** What the last step of a rollout was decided on, where there is one with evidence; else undefined. */
async function treeOfGit(
  { repository }: OpenedBranch,
  commit: string,
  rollout: string,
): Promise<RolloutView | undefined> {
  const past = new Past({ repository, keys: () => null, judge: judgeCommit });
  return past.alone(commit).then(
    (at) => readRolloutAt(at, rollout).catch(() => undefined),
    () => undefined,
  );
}

async function fromGit(opened: OpenedBranch, rollout: string | undefined): Promise<Result> {
  const { repository, head, branch } = opened;
  const view = await readGitView(repository, await head(), rollout);
  const tree = rollout === undefined ? undefined : await treeOfGit(opened, view.commit, rollout);
  const title = `From Git: ${branch} at ${view.commit.slice(0, 10)}. For devices and verdicts, pass --server.`;
  return {
    json: { ...Object(gitViewToJson(view)), ...(tree === undefined ? {} : { view: tree }) },
    text: [
      title,
      tableOfCells(cellsOfGit(view)),
      ...(tree === undefined ? [] : [`As of its last step:\n\n${rolloutTree(tree, null)}`]),
      ...notesOfGit(view).map(withoutControls),
    ].join('\n\n'),
  };
}

export function addStatusCommand(program: Command): void {
  const command = program
    .command('status')
    .description('show the state of all rollouts, live from the service or from Git alone')
    .argument('[rollout]', 'show only this rollout, as a tree')
    .addOption(serverOption(TOKEN_OF_SERVER));
  addListingOptions(addRepositoryOptions(command)).action(
    async (rollout: string | undefined, options: StatusOptions) => {
      const { server, insecureHttp } = options;
      await using opened = server === undefined ? await openBranch(options) : null;
      const look = (): Promise<Result> =>
        opened === null
          ? live({ server: server ?? '', insecureHttp, rollout }, options.output === 'wide')
          : fromGit(opened, rollout);
      await showListing(look, options);
    },
  );
}
