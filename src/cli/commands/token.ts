// Owns `slipway token`: one-time tokens with which devices enrol.
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { openSqliteFleetStore } from '../../store/sqlite/open-sqlite-fleet-store.ts';
import { openHome } from '../home.ts';
import { durationOf, wholeNumberOf } from '../option-values.ts';
import { printResult } from '../output.ts';

const MOST_TOKENS = 10_000;
/** A token that is over before a device could use it helps nobody. */
const SHORTEST_MS = 1_000;

interface TokenOptions {
  readonly home: string;
  readonly count: string;
  readonly expires: string;
  readonly device?: string;
  readonly json?: boolean;
}

export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('make one-time tokens with which devices enrol')
    .option('--home <folder>', 'home of the service', '.slipway')
    .option('--count <n>', 'how many', '1')
    .option('--expires <duration>', 'how long they are good for', '24h')
    .option('--device <id>', 'only this device may use it; needed to give an enrolled device a new key')
    .option('--json', 'print JSON')
    .action(async ({ home, count, expires, device, json = false }: TokenOptions) => {
      const clock = new SystemClock();
      const order = {
        count: wholeNumberOf('--count', count, { least: 1, most: MOST_TOKENS }),
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
