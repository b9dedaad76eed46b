// Owns `slipway simulate`: rehearses a policy before anyone rolls out under it.
import { access, constants, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { CodedError } from '../../base/errors.ts';
import { leftOutInWords } from '../../simulation/left-out.ts';
import { unfitInWords, withOwn } from '../../simulation/own-model.ts';
import { rehearse } from '../../simulation/rehearsal.ts';
import type { RehearsalOrder } from '../../simulation/rehearsal-order.ts';
import { rehearsalPage } from '../../simulation/rehearsal-page.ts';
import {
  type Rehearsed,
  rehearsalJson,
  rehearsalText,
  SUMMARY_HEADER,
  summaryJson,
  summaryRow,
} from '../../simulation/rehearsal-words.ts';
import { parsePolicy, scenarioPolicyText } from '../../simulation/scenario-policies.ts';
import { findScenario, SCENARIOS } from '../../simulation/scenarios.ts';
import { type FoundPolicy, findPolicy } from '../find-policy.ts';
import { positiveNumberOf, valueError, wholeNumberOf } from '../option-values.ts';
import { printResult, type Result, table } from '../output.ts';
import { ownRehearsalOf } from '../own-rehearsal.ts';
import { MOST_PER_MINUTE, namedGroups } from '../plan-options.ts';
import { addRepositoryOptions, type RepositoryOptions } from '../repository-access.ts';

interface SimulateOptions extends RepositoryOptions {
  readonly scenario: string;
  readonly devices: string;
  readonly seed: string;
  readonly hours: string;
  readonly list?: boolean;
  readonly all?: boolean;
  readonly approve?: boolean;
  readonly json?: boolean;
  readonly html?: string;
  readonly groups?: string;
  readonly perMinute?: string;
}

const MOST_DEVICES = 20_000;
const MOST_HOURS = 168;
const LONGEST_SEED = 100;

/** Without a name, the scenario's own policy. */
async function policyOf(name: string | undefined, options: SimulateOptions): Promise<FoundPolicy> {
  if (name !== undefined) return findPolicy(name, options);
  return { policy: parsePolicy('rehearsed.yaml', Buffer.from(scenarioPolicyText(options.scenario))), documents: [] };
}

async function orderOf(
  name: string | undefined,
  options: SimulateOptions,
  onProgress: RehearsalOrder['onProgress'],
): Promise<RehearsalOrder> {
  const { groups, perMinute } = options;
  const scenario = findScenario(options.scenario);
  const found = await policyOf(name, options);
  const { own, order } = ownRehearsalOf(found);
  const labels = groups === undefined ? {} : { labels: namedGroups(groups) };
  const traffic =
    perMinute === undefined ? {} : { perMinute: positiveNumberOf('--per-minute', perMinute, MOST_PER_MINUTE) };
  const seed = options.seed.slice(0, LONGEST_SEED);
  return {
    ...order,
    scenario: withOwn(scenario, { ...own, ...labels, ...traffic }),
    devices: wholeNumberOf('--devices', options.devices, { least: 1, most: MOST_DEVICES }),
    seed: /^\d{1,15}$/.test(seed) ? Number(seed) : seed,
    hours: positiveNumberOf('--hours', options.hours, MOST_HOURS),
    policy: found.policy,
    approves: options.approve ?? false,
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

function scenarioList(): Result {
  const rows = SCENARIOS.map(({ name, summary, isBad }) => [name, isBad ? 'bad' : 'good', summary]);
  const scenarios = SCENARIOS.map(({ name, summary, isBad }) => ({ name, summary, candidateIsBad: isBad }));
  return { json: { scenarios }, text: table(['SCENARIO', 'CANDIDATE', 'WHAT HAPPENS'], rows) };
}

function pageProblem(file: string, cause: unknown): CodedError {
  const reason = cause instanceof Error ? cause.message.replace(/, .*$/, '') : String(cause);
  return new CodedError({
    code: 'SIMULATION_PAGE',
    message: `--html: ${file} can't be written: ${reason}.`,
    remedy: 'Pass a file in an existing folder that you may write to.',
    cause,
  });
}

/** Checked before the rehearsal, which takes its time; nothing is created. Throws SIMULATION_PAGE. */
async function assertPage(file: string): Promise<void> {
  try {
    await access(path.dirname(file), constants.W_OK);
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found?.isDirectory()) throw new Error('it is a folder');
    if (found !== null) await access(file, constants.W_OK);
  } catch (cause) {
    throw pageProblem(file, cause);
  }
}

async function writePage(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page);
  } catch (cause) {
    throw pageProblem(file, cause);
  }
}

/** On terminals only: one line that is written over. */
function progressOf(scenario: string, hours: string): RehearsalOrder['onProgress'] {
  const { stderr } = process;
  if (!stderr.isTTY) return undefined;
  return (over) => stderr.write(`\r\u001b[K${scenario}: ${over} of at most ${hours} h`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

/** One line for each that ended, where nobody sees the other. */
function tellEnd(ended: Rehearsed, count: number): void {
  const { stderr } = process;
  const [scenario, , outcome, , judgement] = summaryRow(ended);
  if (!stderr.isTTY) stderr.write(`${count} of ${SCENARIOS.length}  ${scenario}: ${outcome} (${judgement})\n`);
}

function unfitOf({ scenario, model }: RehearsalOrder): string | null {
  return unfitInWords(scenario, model?.name ?? 'the model');
}

/** Every scenario under the policy, or under its own. */
async function rehearseAll(name: string | undefined, options: SimulateOptions): Promise<Result> {
  const all: Rehearsed[] = [];
  for (const { name: scenario } of SCENARIOS) {
    const order = await orderOf(name, { ...options, scenario }, progressOf(scenario, options.hours));
    const ended = { order, rehearsal: unfitOf(order) ?? (await rehearse(order)) };
    tellEnd(ended, all.push(ended));
  }
  endProgress();
  const [first] = all;
  const notes =
    first === undefined || name === undefined ? [] : leftOutInWords(first.order.policy, first.order.scenario.answers);
  const text = [
    table(
      [...SUMMARY_HEADER],
      all.map((one) => [...summaryRow(one)]),
    ),
    ...all.flatMap(({ rehearsal }) => (typeof rehearsal === 'string' ? [rehearsal] : [])),
    ...notes,
  ].join('\n');
  const isSound = all.every(({ rehearsal }) => typeof rehearsal === 'string' || rehearsal.breaches.length === 0);
  return { json: { scenarios: all.map(summaryJson) }, text, exitCode: isSound ? 0 : 70 };
}

export function addSimulateCommand(program: Command): void {
  const command = program
    .command('simulate')
    .description("rehearse a policy on a simulated fleet, with the service's own decisions and verdicts")
    .argument('[rollout|policy]', "rollout, policy, or file of a policy (default: the scenario's own policy)")
    .option('--scenario <name>', 'what happens in the rehearsal; --list shows all scenarios', 'good')
    .option('--all', 'rehearse all scenarios, and print a table of how each ended')
    .option('--approve', 'approve each stage that waits for an approval; without it the rehearsal ends there')
    .option('--list', 'list the scenarios and exit')
    .option('--devices <number>', 'number of devices in the fleet', '2000')
    .option('--seed <seed>', 'seed; the same seed gives the same rehearsal', '1')
    .option(
      '--groups <list>',
      'devices per group, such as hw:rev1=300,hw:rev2=20; the fleet gets these labels in this ratio',
    )
    .option('--per-minute <number>', "inferences per device per minute (default: the scenario's)")
    .option('--hours <number>', 'longest simulated time', '24');
  addRepositoryOptions(command, { readsFolder: true })
    .option('--json', 'print JSON')
    .option('--html <file>', 'also write an HTML page with plots')
    .action(async (name: string | undefined, options: SimulateOptions) => {
      if (options.list === true) {
        printResult(scenarioList(), options.json ?? false);
        return;
      }
      const { html, all = false, scenario, hours } = options;
      if (all && html !== undefined)
        throw valueError('--html', html, 'possible with --all', 'Rehearse one scenario with --scenario for its page.');
      if (all) {
        printResult(await rehearseAll(name, options), options.json ?? false);
        return;
      }
      const order = await orderOf(name, options, progressOf(scenario, hours));
      const unfit = unfitOf(order);
      if (unfit !== null) {
        const remedy = 'Rehearse another scenario; `slipway simulate --list` shows them.';
        throw new CodedError({ code: 'SIMULATION_SCENARIO', message: unfit, remedy });
      }
      if (html !== undefined) await assertPage(html);
      const rehearsal = await rehearse(order);
      endProgress();
      if (html !== undefined) await writePage(html, rehearsalPage(order, rehearsal));
      const result = { json: rehearsalJson(order, rehearsal), text: rehearsalText(order, rehearsal) };
      // A history that breaks a rule of Slipway is a bug in Slipway, not in the policy.
      printResult({ ...result, exitCode: rehearsal.breaches.length === 0 ? 0 : 70 }, options.json ?? false);
    });
}
