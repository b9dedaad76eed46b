// Owns how listings are shown: as a table, wider, as JSON, and redrawn until they are stopped.
import process from 'node:process';
import { type Command, Option } from 'commander';
import { SystemClock, toIsoSeconds } from '../base/clock.ts';
import { errorToJson, formatError, toCodedError } from '../base/errors.ts';
import { outputClosed, printResult, type Result } from './output.ts';
import { stopSignal } from './stop-signal.ts';

const REDRAW_MS = 2_000;

export interface ListingOptions {
  readonly output?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** -o wide, --watch and --json. */
export function addListingOptions(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <form>', 'with all columns').choices(['wide']))
    .option('--watch', 'redraw every 2 s until Ctrl-C')
    .option('--json', 'print JSON; with --watch, one document per line');
}

/** Prints once; with --watch again and again, where a failed read is shown and tried again. */
export async function showListing(look: () => Promise<Result>, { watch, json = false }: ListingOptions): Promise<void> {
  if (watch !== true) return printResult(await look(), json);
  const stop = AbortSignal.any([stopSignal(), outputClosed()]);
  const clock = new SystemClock();
  while (!stop.aborted) {
    const result = await look().catch((thrown: unknown): Result => {
      const error = toCodedError(thrown);
      return { json: { error: errorToJson(error) }, text: formatError(error) };
    });
    if (json) process.stdout.write(`${JSON.stringify(result.json)}\n`);
    else {
      if (process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H');
      process.stdout.write(`${result.text}\n\n${toIsoSeconds(clock.now())}, every 2 s; stop with Ctrl-C\n`);
    }
    await clock.sleep(REDRAW_MS, stop);
  }
}
