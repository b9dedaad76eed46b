// Owns telling several listeners what the loop does, each in its turn.
import type { ReconcilerEvents } from '../reconcile/reconciler.ts';

export function joinEvents(...listeners: readonly (ReconcilerEvents | undefined)[]): ReconcilerEvents {
  const all = listeners.flatMap((one) => one ?? []);
  return {
    onSteps: (steps) => {
      for (const one of all) one.onSteps?.(steps);
    },
    onPublished: (sequence) => {
      for (const one of all) one.onPublished?.(sequence);
    },
    onObserved: (observation) => {
      for (const one of all) one.onObserved?.(observation);
    },
    onShown: (view) => {
      for (const one of all) one.onShown?.(view);
    },
  };
}
