// Owns what of the settings file takes effect while the service runs, and what waits for a restart.
import { SystemClock } from '../base/clock.ts';
import type { Logger, LogLevel } from '../base/logger.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import { FileWatcher } from './file-watcher.ts';
import { changedSettings, type Given, placed } from './given-settings.ts';
import { SERVICE_SETTINGS, type Setting } from './service-settings.ts';
import { serviceSettings } from './settings.ts';
import { WatchedFile } from './watched-file.ts';

export class LiveSettings {
  readonly #atStart: Given;
  readonly #file: WatchedFile<Given>;

  private constructor(atStart: Given, file: WatchedFile<Given>) {
    this.#atStart = atStart;
    this.#file = file;
  }

  static async open(given: Given): Promise<LiveSettings> {
    const read = async (isFirst: boolean): Promise<Given> => {
      if (isFirst) return given;
      const now = await given.again();
      placed(now, serviceSettings);
      return now;
    };
    return new LiveSettings(given, await WatchedFile.open({ name: 'settings of the service', file: given.file, read }));
  }

  get logLevel(): LogLevel {
    return this.#file.value.values.logLevel ?? SERVICE_SETTINGS.logLevel.fallback;
  }

  /** Until it is disposed. */
  follow(reconciler: Pick<Reconciler, 'useSettings'>, logger: Logger): AsyncDisposable {
    const end = new AbortController();
    const watcher = new FileWatcher(logger);
    const onChange = (now: Given): void => {
      reconciler.useSettings(serviceSettings(now.values).reconciler);
      const waiting = changedSettings(this.#atStart, now).filter((name) => !isLive(SERVICE_SETTINGS[name]));
      if (waiting.length > 0)
        logger.warn('changed settings take effect after a restart; until then the old ones stay', {
          settings: waiting,
        });
    };
    const done = this.#file.follow(onChange, { watcher, clock: new SystemClock(), logger, signal: end.signal });
    return {
      [Symbol.asyncDispose]: async () => {
        end.abort();
        await done;
        await watcher[Symbol.asyncDispose]();
      },
    };
  }
}

function isLive({ isLive: is }: Setting): boolean {
  return is === true;
}
