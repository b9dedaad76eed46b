// Owns `slipway simulate`: rehearses a policy before anyone rolls out under it.
import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { CodedError } from '../../base/errors.ts';
import { type RehearsalOrder, rehearse } from '../../simulation/rehearsal.ts';
import { rehearsalPage } from '../../simulation/rehearsal-page.ts';
import { rehearsalJson, rehearsalText } from '../../simulation/rehearsal-words.ts';
import { parsePolicy, scenarioPolicyText } from '../../simulation/scenario-policies.ts';
import { findScenario, SCENARIO_NAMES } from '../../simulation/scenarios.ts';
import { printResult } from '../output.ts';

interface SimulateOptions {
  readonly scenario: string;
  readonly devices: string;
  readonly seed: string;
  readonly hours: string;
  readonly json?: boolean;
  readonly html?: string;
}

const MOST_DEVICES = 20_000;
const MOST_HOURS = 168;
const LONGEST_SEED = 100;

function numberOption(name: string, text: string, most: number, isWhole: boolean): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw new CodedError({
    code: 'SIMULATION_OPTION',
    message: `\`--${name} ${text.slice(0, 60)}\` is not possible.`,
    remedy: `Give ${isWhole ? 'a whole number' : 'a number'} above 0, and at most ${most}.`,
  });
}

async function orderOf(file: string | undefined, options: SimulateOptions): Promise<RehearsalOrder> {
  const scenario = findScenario(options.scenario);
  const bytes = file === undefined ? Buffer.from(scenarioPolicyText(scenario.name)) : await readPolicy(file);
  const seed = options.seed.slice(0, LONGEST_SEED);
  return {
    policy: parsePolicy(file ?? 'rehearsed.yaml', bytes),
    scenario,
    devices: numberOption('devices', options.devices, MOST_DEVICES, true),
    seed: /^\d{1,15}$/.test(seed) ? Number(seed) : seed,
    hours: numberOption('hours', options.hours, MOST_HOURS, false),
  };
}

async function readPolicy(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const remedy = 'Give the file of a policy, such as policies/careful.yaml, or none for the scenario’s own.';
    throw new CodedError({ code: 'SIMULATION_POLICY', message: `${file} can't be read.`, remedy, cause });
  }
}

export function addSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('rehearse a policy over a virtual fleet in virtual time, by the decisions and verdicts of the service')
    .argument('[policy]', "file of a policy; without one, the scenario's own is rehearsed")
    .option('--scenario <name>', `what happens: ${SCENARIO_NAMES.join(', ')}`, 'good')
    .option('--devices <number>', 'size of the fleet', '2000')
    .option('--seed <seed>', 'the same seed gives the same rehearsal', '1')
    .option('--hours <number>', 'longest time that is rehearsed', '24')
    .option('--json', 'print JSON')
    .option('--html <file>', 'write a page with plots')
    .action(async (file: string | undefined, options: SimulateOptions) => {
      const order = await orderOf(file, options);
      const rehearsal = await rehearse(order);
      if (options.html !== undefined) await writeFile(options.html, rehearsalPage(order, rehearsal));
      const result = { json: rehearsalJson(order, rehearsal), text: rehearsalText(order, rehearsal) };
      // A history that must not be is a fault of Slipway's, not of the policy.
      printResult({ ...result, exitCode: rehearsal.breaches.length === 0 ? 0 : 70 }, options.json ?? false);
    });
}
