// Owns `slipway token`: one-time tokens with which devices enrol.
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { parseDurationMs } from '../../contract/duration.ts';
import { SqliteFleetStore } from '../../store/sqlite-fleet-store.ts';
import { homeAt } from '../home.ts';
import { printResult } from '../output.ts';

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
      await using store = new SqliteFleetStore({ file: homeAt(home).store, clock });
      const tokens = await store.createEnrolmentTokens({
        count: Number(count),
        expiresAtMs: clock.now() + parseDurationMs(expires),
        ...(device === undefined ? {} : { device }),
      });
      printResult({ json: tokens, text: tokens.join('\n') }, json);
    });
}
