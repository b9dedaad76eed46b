// Owns `slipway run`: the service, until it is stopped.
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { SystemRandom } from '../../base/random.ts';
import { givenSettings, placed, settingsInWords } from '../given-settings.ts';
import { openHome } from '../home.ts';
import { LiveSettings } from '../live-settings.ts';
import { printResult } from '../output.ts';
import { assertFollowable } from '../repository-access.ts';
import { addServiceOptions, serviceSettings } from '../settings.ts';
import { startService } from '../start-service.ts';
import { stopSignal } from '../stop-signal.ts';
import { systemLogger } from '../system-logger.ts';
import { SystemdNotices } from '../systemd-notices.ts';

interface RunOptions {
  readonly printConfig?: boolean;
  readonly json?: boolean;
}

export function addRunCommand(program: Command): void {
  addServiceOptions(
    program
      .command('run')
      .description('run the service: follow the manifests repository and serve the fleet until stopped'),
  )
    .option('--print-config', 'print each setting with where it comes from, without secrets, and end')
    .option('--json', 'print JSON (with --print-config)')
    .action(async ({ printConfig = false, json = false }: RunOptions, command: Command) => {
      const given = await givenSettings(command);
      if (printConfig) return printResult(settingsInWords(given), json);
      const live = await LiveSettings.open(given);
      const logger = systemLogger(() => live.logLevel);
      const signal = stopSignal();
      const settings = placed(given, serviceSettings);
      await openHome(settings.home.folder);
      await assertFollowable(settings.repository);
      const clock = new SystemClock();
      await using service = await startService({
        settings,
        clock,
        random: new SystemRandom(),
        logger,
      });
      await using _ = live.follow(service.composed.reconciler, logger);
      logger.info('serving', {
        url: service.url,
        screen: `${service.url}/`,
        repository: settings.repository,
        home: settings.home.folder,
      });
      const notices = new SystemdNotices({ environment: settings.environment, clock, logger });
      await notices.accompany(`serves ${service.url}`, signal);
      logger.info('stopping');
    });
}
