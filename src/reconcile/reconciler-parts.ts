// Owns what the loop is put together from.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Phases } from '../base/phases.ts';
import type { RandomStream } from '../base/random.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import type { DeclaredWatch } from '../measurement/declared-watch.ts';
import type { RefusedDevices } from '../rollout/alerts.ts';
import type { ReconcilerState } from '../store/reconciler-state.ts';
import type { WindowStore } from '../store/window-store.ts';
import type { Executor } from './carry-out.ts';
import type { EvidenceKeeper } from './evidence-keeper.ts';
import type { Notices } from './notices.ts';
import type { Observer } from './observe.ts';
import type { WindowKeeping } from './prepare-windows.ts';
import type { Publisher } from './publisher.ts';

export interface ReconcilerParts {
  readonly repository: Pick<ManifestsRepository, 'fetch' | 'knownHead'>;
  readonly observer: Pick<Observer, 'observe'>;
  readonly windows: WindowKeeping;
  readonly executor: Pick<Executor, 'carryOut'>;
  readonly evidence: EvidenceKeeper;
  readonly publisher: Pick<Publisher, 'publish' | 'findPublished'>;
  readonly store: ReconcilerState & Pick<WindowStore, 'setAside'>;
  readonly notices: Notices;
  readonly declared: DeclaredWatch;
  readonly refusedReports: () => RefusedDevices;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  readonly phases: Phases;
}
