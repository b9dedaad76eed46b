// Owns `slipway run`: the service, until it is stopped.
import process from 'node:process';
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { createLogger, type LogLevel } from '../../base/logger.ts';
import { SystemRandom } from '../../base/random.ts';
import { openHome } from '../home.ts';
import { assertFollowable } from '../repository-access.ts';
import { addServiceOptions, type GivenSettings, serviceSettings } from '../settings.ts';
import { startService } from '../start-service.ts';
import { stopSignal } from '../stop-signal.ts';
import { SystemdNotices } from '../systemd-notices.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

export function systemLogger(least: LogLevel) {
  const clock = new SystemClock();
  return createLogger({
    least,
    pretty: process.stderr.isTTY === true,
    now: () => clock.now(),
    write: (line) => process.stderr.write(line),
  });
}

export function addRunCommand(program: Command): void {
  addServiceOptions(
    program
      .command('run')
      .description('run the service: follow the manifests repository and serve the fleet until stopped'),
  )
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(LOG_LEVELS).default('info'))
    .action(async (given: GivenSettings & { readonly logLevel: LogLevel }) => {
      const logger = systemLogger(given.logLevel);
      const signal = stopSignal();
      const settings = serviceSettings(given);
      await openHome(settings.home.folder);
      await assertFollowable(settings.repository);
      const clock = new SystemClock();
      await using service = await startService({
        settings,
        clock,
        random: new SystemRandom(),
        logger,
      });
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
