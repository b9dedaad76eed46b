// Owns the events that change a model's record, and the next step that follows from the record alone.
import type { Digest } from '../../../src/contract/digest.ts';
import type { Outcome } from '../../../src/contract/report.ts';
import type { DownloadPart, Failed, Goal, ModelRecord, SlotName, TrialProgress } from '../record/model-record.ts';

/** Facts of the device that decide whether a failure still counts. */
export interface Circumstances {
  readonly fingerprint: string;
  readonly freeBytes: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Versions in the slots whose signer is revoked. */
  readonly revoked?: readonly Digest[];
}

export type UpdateEvent =
  /** The directive assigns a goal; `stableFirst` comes before a candidate while no proven version is here. */
  | { readonly kind: 'assigned'; readonly goal: Goal; readonly stableFirst: Goal | null; readonly now: Circumstances }
  /** The rollout says that nothing runs here. */
  | { readonly kind: 'unassigned'; readonly rollout: string }
  | { readonly kind: 'progressed'; readonly part: DownloadPart }
  | { readonly kind: 'fetched' }
  | { readonly kind: 'staged'; readonly sequence: number }
  | { readonly kind: 'selfTested' }
  /** The self-tested version may take over. */
  | { readonly kind: 'admitted' }
  | { readonly kind: 'served' }
  | Failed
  | { readonly kind: 'trialProgressed'; readonly progress: TrialProgress }
  | { readonly kind: 'trialPassed'; readonly message: string }
  /** The directive sets parameters that the manifest of the version does not allow. */
  | { readonly kind: 'parametersRefused'; readonly goal: Goal; readonly message: string }
  /** The process started again. */
  | { readonly kind: 'restarted'; readonly revoked?: readonly Digest[] }
  /** A slot's files are not the ones that were verified. */
  | { readonly kind: 'slotLost'; readonly slot: SlotName }
  /** These outcomes are in a durable report now. */
  | { readonly kind: 'reported'; readonly outcomes: readonly Outcome[] };

export type Step =
  /** Steady until an event arrives. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'fetch'; readonly goal: Goal; readonly slot: SlotName; readonly part: DownloadPart | null }
  | { readonly kind: 'stage'; readonly goal: Goal; readonly slot: SlotName }
  | { readonly kind: 'selfTest'; readonly goal: Goal; readonly slot: SlotName }
  | { readonly kind: 'admit' }
  /** Make this slot serve, or none. */
  | { readonly kind: 'serve'; readonly slot: SlotName | null }
  | { readonly kind: 'finishRollback' };

/** What to do next; `serving` is the slot that answers now in this process. */
export function nextStep(record: ModelRecord, serving: SlotName | null): Step {
  if (record.active !== serving) return { kind: 'serve', slot: record.active };
  const { phase } = record;
  switch (phase.kind) {
    case 'fetching':
      return { kind: 'fetch', goal: phase.goal, slot: phase.slot, part: phase.part };
    case 'verified':
      return { kind: 'stage', goal: phase.goal, slot: phase.slot };
    case 'staged':
      return { kind: 'selfTest', goal: phase.goal, slot: phase.slot };
    case 'selfTested':
      return { kind: 'admit' };
    case 'rollingBack':
      return { kind: 'finishRollback' };
    case 'idle':
    case 'trial':
    case 'committed':
    case 'failed':
      return { kind: 'wait' };
  }
}

/** Slots whose loaded version may be needed at once. */
export function slotsInUse({ phase }: ModelRecord, serving: SlotName | null): readonly (SlotName | null)[] {
  if (phase.kind === 'trial') return [serving, phase.fallback];
  return 'slot' in phase ? [serving, phase.slot] : [serving];
}
