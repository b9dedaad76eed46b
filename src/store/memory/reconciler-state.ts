// Owns the reconciler's state in memory: statuses seen, emergency rollbacks, the publication record, and small values by name.
import { canonicalJson, type JsonValue } from '../../contract/digest.ts';
import {
  compareSeen,
  type EmergencyRollback,
  encodeValue,
  type Publication,
  type ReconcilerState,
  type SeenStatus,
} from '../reconciler-state.ts';
import type { MemoryLeases } from './leases.ts';

export function reconcilerStateInMemory({ whileHeld }: MemoryLeases): ReconcilerState {
  let seenStatuses: ReadonlyMap<string, SeenStatus> = new Map();
  const rollbacks = new Map<string, EmergencyRollback>();
  const values = new Map<string, string>();
  let publication: Publication = { sequence: 0, directive: null, metadataVersion: 0 };
  let metadataVersion = 0;
  return {
    recordSeen: async (rollout, seen) => {
      const known = seenStatuses.get(rollout);
      const before = known && { revision: known.revision, status: canonicalJson(known.status) };
      const answer = compareSeen(before, { revision: seen.revision, status: canonicalJson(seen.status) });
      if (answer === 'recorded') seenStatuses = new Map([...seenStatuses, [rollout, seen]]);
      return answer;
    },

    readSeen: async () => seenStatuses,

    setEmergencyRollback: async (rollback) => {
      rollbacks.set(rollback.rollout, rollback);
    },

    clearEmergencyRollback: async (rollout) => {
      rollbacks.delete(rollout);
    },

    readEmergencyRollbacks: async () => new Map(rollbacks),

    readPublication: async () => publication,

    reserveMetadataVersion: async (above = 0) => {
      metadataVersion = Math.max(metadataVersion, above) + 1;
      return metadataVersion;
    },

    commitPublication: (order) =>
      whileHeld(order, async () => {
        const { sequence } = publication;
        if (sequence !== order.expectedSequence || order.metadataVersion <= publication.metadataVersion) return 'lost';
        await order.swap();
        publication = { sequence: sequence + 1, directive: order.directive, metadataVersion: order.metadataVersion };
        metadataVersion = Math.max(metadataVersion, order.metadataVersion);
        return 'published';
      }),

    putValue: async (name, value) => {
      values.set(name, encodeValue(name, value));
    },

    readValue: async (name) => {
      const text = values.get(name);
      return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
    },
  };
}
