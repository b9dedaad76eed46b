// Owns `slipway doctor`: what an operator would look at first when something is odd, each with a remedy. It changes nothing.
import { styleText } from 'node:util';
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { withoutControls } from '../../base/plain-text.ts';
import { parseRemoteAddress } from '../../git/wire/remote-address.ts';
import { type CheckResult, type Finding, runChecks } from '../doctor/check.ts';
import { homeChecks } from '../doctor/home-checks.ts';
import { programChecks } from '../doctor/program-checks.ts';
import { repositoryChecks } from '../doctor/repository-checks.ts';
import { serviceChecks } from '../doctor/service-checks.ts';
import { openHome } from '../home.ts';
import { printResult, proseLines } from '../output.ts';
import { addAccessOptions } from '../repository-access.ts';
import { SERVICE_SETTINGS } from '../service-settings.ts';
import { serverOption } from '../settings.ts';

interface DoctorOptions {
  readonly home?: string;
  readonly server?: string;
  readonly repo?: string;
  readonly branch: string;
  readonly gitUser: string;
  readonly insecureHttp?: boolean;
  readonly json?: boolean;
}

const COLOURS: Readonly<Record<Finding, 'green' | 'yellow' | 'red' | 'dim'>> = {
  ok: 'green',
  warn: 'yellow',
  bad: 'red',
  'not-known': 'dim',
};

const WORDS: Readonly<Record<Finding, string>> = { ok: 'ok', warn: 'warn', bad: 'bad', 'not-known': 'not known' };

export function addDoctorCommand(program: Command): void {
  const { home, repo, branch } = SERVICE_SETTINGS;
  const command = program
    .command('doctor')
    .description(
      'check this machine, the home, the repository and the service, and say what to do; changes nothing, exits with 1 when something is bad',
    )
    .addOption(new Option(home.flag, 'home folder to check').env(home.variable))
    .addOption(serverOption('it is checked'))
    .addOption(new Option(repo.flag, 'manifests repository to check').env(repo.variable))
    .addOption(new Option(branch.flag, branch.help).env(branch.variable).default(branch.fallback));
  addAccessOptions(command)
    .option('--json', 'print one JSON document')
    .action(async (options: DoctorOptions) => {
      const results = await runChecks(await checksOf(options), new SystemClock());
      const exitCode = results.some(({ finding }) => finding === 'bad') ? 1 : 0;
      printResult({ json: { checks: results }, text: inWords(results), exitCode }, options.json ?? false);
    });
}

async function checksOf({ home, server, repo, branch, gitUser, insecureHttp = false }: DoctorOptions) {
  const clock = new SystemClock();
  const needsGit = repo !== undefined && parseRemoteAddress(repo, '.').kind !== 'http';
  return [
    ...programChecks({ needsGit }),
    ...(home === undefined ? [] : homeChecks(await openHome(home), clock)),
    ...(repo === undefined ? [] : repositoryChecks({ repo, branch, gitUser, insecureHttp, clock })),
    ...(server === undefined ? [] : serviceChecks({ server, insecureHttp, clock })),
  ];
}

function inWords(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.flatMap(({ name, finding, text, remedy }) => {
    const word = styleText(COLOURS[finding], WORDS[finding].padEnd(9), { stream: process.stdout });
    const said = `${word}  ${name.padEnd(width)}  ${withoutControls(text)}`;
    return remedy === null || finding === 'ok'
      ? [said]
      : [said, ...proseLines(withoutControls(remedy), ' '.repeat(width + 13))];
  });
  const missing = results.length > 2 ? [] : ['Pass --home, --repo or --server to check more.'];
  return [...lines, ...missing].join('\n');
}
