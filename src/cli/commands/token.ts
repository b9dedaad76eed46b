// Owns `slipway token`: one-time tokens for enrolling devices.
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { isDeviceId } from '../../contract/report-reader.ts';
import { openSqliteFleetStore } from '../../store/sqlite/open-sqlite-fleet-store.ts';
import { openHome } from '../home.ts';
import { durationOf, labelsOf, valueError, wholeNumberOf } from '../option-values.ts';
import { printResult } from '../output.ts';
import { homeOption } from '../settings.ts';

const MOST_TOKENS = 10_000;
/** A token that expires before a device can use it helps nobody. */
const SHORTEST_MS = 1_000;

interface TokenOptions {
  readonly home: string;
  readonly count: string;
  readonly expires: string;
  readonly device?: string;
  readonly label: readonly string[];
  readonly json?: boolean;
}

export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('create one-time tokens for enrolling devices')
    .addOption(homeOption())
    .option('--count <n>', 'how many tokens', '1')
    .option('--expires <duration>', 'how long they are valid', '24h')
    .option('--device <id>', 'id of the only device that may use it; required to give an enrolled device a new key')
    .addOption(
      new Option('--label <name=value>', 'label that the device gets and cannot change; repeatable')
        .argParser((text: string, before: string[]) => [...before, text])
        .default([], 'none'),
    )
    .option('--json', 'print JSON')
    .action(async ({ home, count, expires, device, label, json = false }: TokenOptions) => {
      if (device !== undefined && !isDeviceId(device))
        throw valueError('--device', device, 'the id of a device', 'Use letters, digits and . _ : @ -, at most 128.');
      const clock = new SystemClock();
      const order = {
        count: wholeNumberOf('--count', count, { least: 1, most: MOST_TOKENS }),
        labels: labelsOf('--label', label),
        expiresAtMs: clock.now() + durationOf('--expires', expires, SHORTEST_MS),
      };
      await using store = openSqliteFleetStore({ file: (await openHome(home)).store, clock });
      const tokens = await store.createEnrolmentTokens({
        ...order,
        ...(device === undefined ? {} : { device }),
      });
      printResult({ json: tokens, text: tokens.join('\n') }, json);
    });
}
