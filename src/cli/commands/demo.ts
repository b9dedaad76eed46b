// Owns `slipway demo`: the whole story on this machine, in about a minute.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { COMMAND } from '../command-name.ts';
import { AGENT_BUNDLE } from '../demo/device-process.ts';
import { createStageSet, removeStageSet } from '../demo/stage-set.ts';
import { tellStory } from '../demo/story.ts';
import type { StoryResult } from '../demo/story-result.ts';
import { StoryTeller, storyText } from '../demo/story-teller.ts';
import { wholeNumberOf } from '../option-values.ts';
import { outputClosed, printResult } from '../output.ts';
import { stopSignal } from '../stop-signal.ts';

interface DemoOptions {
  readonly devices: string;
  readonly json?: boolean;
  readonly keep?: boolean;
}

const AGENT_BUILD = fileURLToPath(new URL('../../../fleet-agent/build.ts', import.meta.url));
/** Devices that run the bundle as processes of their own. */
const PROCESSES = 3;

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'run the whole story on this machine: a good version reaches all devices, a bad one is caught and reverted',
    )
    .option('--devices <n>', 'number of devices, 10 to 200', '50')
    .option('--json', 'print JSON')
    .option('--keep', 'keep the repository, the service home and the devices for inspection')
    .action(async ({ devices: given, json = false, keep = false }: DemoOptions) => {
      const clock = new SystemClock();
      const startedMs = clock.monotonicMs();
      const devices = wholeNumberOf('--devices', given, { least: 10, most: 200 });
      if (!existsSync(AGENT_BUNDLE)) await promisify(execFile)(process.execPath, [AGENT_BUILD]);
      await using set = await createStageSet({ nowMs: clock.now() });
      const teller = new StoryTeller({ quiet: json, clock });
      try {
        const story = await tellStory({
          set,
          clock,
          devices,
          processes: PROCESSES,
          canaryDevices: Math.max(5, Math.round(devices / 10)),
          rampPercent: 40,
          soak: '3s',
          reportMs: 1000,
          perSecond: 20,
          tell: (line) => teller.tell(line),
          signal: AbortSignal.any([stopSignal(), outputClosed()]),
        });
        const seconds = (clock.monotonicMs() - startedMs) / 1000;
        printStory(story, { seconds, repository: keep ? set.repository : null, folder: set.folder, json });
      } finally {
        teller.end();
        if (!keep) await removeStageSet(set);
      }
    });
}

interface PrintFacts {
  readonly seconds: number;
  readonly repository: string | null;
  readonly folder: string;
  readonly json: boolean;
}

function printStory(story: StoryResult, { seconds, repository, folder, json }: PrintFacts): void {
  const ok = story.claims.every((one) => one.holds);
  const document = { ok, seconds: Math.round(seconds * 10) / 10, ...story, repository };
  const around =
    repository === null
      ? ''
      : `\nEverything is kept in ${folder}:\n  git -C ${repository} log\n  ls ${folder}/devices ${folder}/home
Look at it in a browser: make a token, start the service, and open http://127.0.0.1:8080/
  ${COMMAND} token create --home ${folder}/home --name you --scope view,operate
  ${COMMAND} run --home ${folder}/home --repo ${repository}\n`;
  printResult({ json: document, text: `${storyText(story, seconds)}${around}`, exitCode: ok ? 0 : 1 }, json);
  process.exitCode = ok ? 0 : 1;
}
