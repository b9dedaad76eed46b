// Owns which lists the service reads from its home: metric providers, and who is notified.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type NotifySettings, readNotifications } from '../notify/read-notifications.ts';
import { lackingSecrets, readProviders } from '../signals/read-providers.ts';
import type { SignalProvider } from '../signals/signal-provider.ts';
import type { Home } from './home.ts';
import { ListWatch } from './watch-list.ts';

type Providers = readonly SignalProvider[];

/** Without the file there are no providers, unless `named` says which file it is. */
export function openProviders(home: Home, named: string | null, clock: Clock): Promise<ListWatch<Providers>> {
  const list = { file: named ?? home.signals, isOptional: named === null };
  return ListWatch.open({
    name: 'list of providers',
    file: list.file,
    read: () => readProviders(list, clock),
    // Warned of when the list is read, before the first query: secrets may still come later.
    warn: async (logger: Logger) => {
      for (const lacking of await lackingSecrets(list))
        logger.warn("a provider's secret can't be read: it is missing, empty or too long", { ...lacking });
    },
  });
}

/**
 * Without the file nobody is notified, unless `named` says which file it is. A file that goes away while the service runs is no list either:
 * its targets would lose what waits for them.
 */
export function openNotifications(home: Home, named: string | null, clock: Clock): Promise<ListWatch<NotifySettings>> {
  const file = named ?? home.notify;
  const read = (isFirst: boolean) => readNotifications({ file, isOptional: isFirst && named === null }, clock);
  return ListWatch.open({ name: 'list of notifications', file, read });
}
