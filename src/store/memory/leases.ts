// Owns leases in memory, and the turn in which nobody else can take or use one.
import { grantLease, type KnownLease, type Leases } from '../leases.ts';

export interface MemoryLeases {
  readonly role: Leases;
  /** Runs the work while the fencing token stays its holder's; `lost` when it is not any more. */
  whileHeld<T>(
    order: { readonly lease: string; readonly token: number },
    work: () => T | Promise<T>,
  ): Promise<T | 'lost'>;
}

export function leasesInMemory(): MemoryLeases {
  const leases = new Map<string, KnownLease>();
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other, in the order in which they were asked for. */
  const inTurn = <T>(work: () => T | Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const role: Leases = {
    acquireLease: (request) =>
      inTurn(() => {
        const granted = grantLease(leases.get(request.name), request);
        if (granted === null) return null;
        leases.set(request.name, granted);
        return granted.token;
      }),

    releaseLease: (name, token) =>
      inTurn(() => {
        const known = leases.get(name);
        if (known?.token === token) leases.set(name, { ...known, holder: null });
      }),

    findLease: (name) => inTurn(() => leases.get(name)),
  };
  return {
    role,
    whileHeld: ({ lease, token }, work) =>
      inTurn(() => {
        const known = leases.get(lease);
        return known?.token === token && known.holder !== null ? work() : 'lost';
      }),
  };
}
