// Owns why a rule is undecided or does not apply, and what its numbers alone don't show: facts, of which src/wording makes sentences.
import type { Incomparable } from '../documents/comparable-outputs.ts';
import type { SignalResting, SignalSilence } from './signal-track.ts';
import type { ArmDevices, ArmsProblem } from './statistics/arms-check.ts';
import type { OpenReason } from './statistics/rate-verdict.ts';
import type { ShareOpenReason } from './statistics/share-verdict.ts';

export type RuleReason =
  | { readonly kind: OpenReason | ShareOpenReason }
  /** Evidence that would decide in larger amounts; `within`: observed within the limit so far. */
  | { readonly kind: 'too-little'; readonly within: boolean }
  /** No stable version to compare with at all. */
  | { readonly kind: 'first-rollout' }
  /** A relative limit that had no baseline when the stage opened. */
  | { readonly kind: 'not-frozen' }
  /** Over a limit that was fixed from stable before, and nobody on stable shows any more whether it would break it too. */
  | { readonly kind: 'frozen' }
  /** The window that is open does not measure what the rule asks for. */
  | { readonly kind: 'not-measured' }
  | { readonly kind: 'no-relative-limit' }
  | { readonly kind: 'no-single-device-limit' }
  | OutlierReason
  /** By its own numbers it would pass; stable's bad events come in bursts, so evidence counts `effect` times less. */
  | { readonly kind: 'bursts'; readonly effect: number }
  /** The newest intervals alone prove the breach: `bad` of `trials`. */
  | { readonly kind: 'late'; readonly bad: number; readonly trials: number }
  /** The same devices looked like this under stable already. */
  | { readonly kind: 'own-past' }
  /** Few devices keep stable, and without what this one says of itself it would not be a fail. */
  | { readonly kind: 'one-on-stable'; readonly device: string }
  | { readonly kind: 'pending-installs'; readonly pending: number }
  | { readonly kind: 'pending-deliveries'; readonly pending: number }
  /** Past their time, and still without the version. */
  | NamedDevices<'undelivered'>
  /** They never heard of the stage. */
  | NamedDevices<'out-of-reach'>
  /** Fewer are heard of than should be, which chance or one outage may explain. */
  | { readonly kind: 'fewer-report' }
  /** Fewer answer as they used to than should, which chance or one outage may explain. */
  | { readonly kind: 'fewer-answer' }
  /** Devices of the stage that answer less than a third of what is expected of them. */
  | NamedDevices<'not-answering'>
  /** Devices of the stage that fell silent. */
  | NamedDevices<'silent'>
  /** So many took the version too lately to tell, or may still take it. */
  | { readonly kind: 'young'; readonly count: number }
  /** The service has not listened since the stage opened. */
  | { readonly kind: 'not-listening' }
  /** What is beside stable is withheld. */
  | ({ readonly kind: 'arms-differ'; readonly problem: ArmsProblem; readonly devices: readonly string[] } & ArmDevices)
  | { readonly kind: 'no-outcomes'; readonly of: 'downloads' | 'installs' | 'labels' }
  | DeviceReason
  | GaugeReason
  | ClassReason
  | DriftReason
  | GroupReason
  | SignalReason;

/** So many devices, of which `devices` names a few. */
interface NamedDevices<Kind> {
  readonly kind: Kind;
  readonly count: number;
  readonly devices: readonly string[];
}

/** What all devices say does not decide, because one claims far more than the others. */
export interface OutlierReason {
  readonly kind: 'outlier';
  readonly byAll: 'fail' | 'pass' | 'within';
  readonly device: string;
  /** Its trials over those of the median device. */
  readonly times: number;
  readonly areOthersOver: boolean;
}

/** Of rules about each device. */
type DeviceReason =
  | { readonly kind: 'devices-open'; readonly mayBreach: number; readonly total: number }
  | {
      readonly kind: 'device-breach';
      readonly device: string;
      readonly bad: number;
      readonly trials: number;
      readonly breaching: number;
      readonly mayBreach: number;
      readonly total: number;
    };

type GaugeReason =
  | {
      readonly kind: 'devices-beyond';
      readonly side: 'above' | 'below';
      readonly bad: number;
      readonly pending: number;
      readonly total: number;
      /** Without a pause; 0 when a mean or one reading is enough. */
      readonly forMs: number;
      readonly isSample: boolean;
    }
  | { readonly kind: 'not-reported' }
  | { readonly kind: 'few-report'; readonly devices: number }
  | { readonly kind: 'thin-reports' }
  /** Too few reports of each device of stable. */
  | { readonly kind: 'thin-baseline' }
  | { readonly kind: 'baseline-not-positive' };

type ClassReason =
  /** Shares of predictions, 0..1, on so many of the devices. */
  | {
      readonly kind: 'class-fell';
      readonly name: string;
      readonly from: number;
      readonly to: number;
      readonly devices: number;
      readonly total: number;
    }
  | { readonly kind: 'more-classes'; readonly count: number }
  /** A class that is not seen often enough yet; `why` where more than its number stands in the way. */
  | {
      readonly kind: 'class-open';
      readonly name: string;
      readonly seen: number;
      readonly expected: number;
      readonly why: RuleReason | null;
    }
  | { readonly kind: 'classes-too-rare' }
  | { readonly kind: 'no-classes' }
  | { readonly kind: 'unknown-class'; readonly name: string };

/** `mixed`: some answers are surer, others less sure. */
export type ConfidenceDirection = 'surer' | 'less-sure' | 'mixed';

type DriftReason =
  | { readonly kind: 'first-intervals'; readonly intervals: number }
  /** If confidence goes on as it did, its line crosses the limit at that minute of the stage; the soak is over at `until`. */
  | { readonly kind: 'on-course'; readonly minute: number; readonly until: number; readonly isPast: boolean }
  /** The bin that moved most, by its share of answers; `name` null for all other classes. */
  | { readonly kind: 'class-moved'; readonly name: string | null; readonly from: number; readonly to: number }
  /** So many more of all answers (0..1) than with stable lie below that confidence. */
  | { readonly kind: 'less-sure'; readonly below: number; readonly excess: number }
  /** What the manifests say keeps the outputs of candidate and stable from being compared. */
  | { readonly kind: 'not-comparable'; readonly why: Incomparable }
  /** The bin of an output that moved most, by its share of answers. */
  | { readonly kind: 'output-moved'; readonly bin: OutputBin; readonly from: number; readonly to: number }
  | {
      readonly kind: 'confidence-moved';
      readonly direction: ConfidenceDirection;
      readonly least: number;
      readonly most: number;
      readonly from: number;
      readonly to: number;
    };

export type OutputBin =
  /** Values in the output's own unit; null for no end. */
  | { readonly kind: 'values'; readonly least: number | null; readonly most: number | null }
  | { readonly kind: 'odd-values' }
  /** The n-th of ten parts in the n-th direction, from 1. */
  | { readonly kind: 'direction'; readonly direction: number; readonly part: number }
  | { readonly kind: 'detections'; readonly count: number; readonly orMore: boolean }
  | { readonly kind: 'length'; readonly least: number; readonly most: number | null };

type GroupReason =
  /** How the groups that were judged stand beside the one that fails: `over` names a few of those that are over. */
  | {
      readonly kind: 'other-groups';
      readonly count: number;
      readonly over: readonly string[];
      readonly overCount: number;
    }
  | { readonly kind: 'small-group'; readonly least: number }
  | { readonly kind: 'no-such-devices' }
  | { readonly kind: 'no-group-judged' };

type SignalReason =
  | { readonly kind: 'signal-resting'; readonly why: SignalResting }
  | { readonly kind: 'signal-silent'; readonly why: SignalSilence }
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'provider-undecided' }
  | { readonly kind: 'signal-short'; readonly within: boolean; readonly heldMs: number; readonly neededMs: number }
  | { readonly kind: 'signal-few'; readonly within: boolean; readonly answers: number; readonly needed: number }
  /** The provider's own text. */
  | { readonly kind: 'provider-said'; readonly text: string };
