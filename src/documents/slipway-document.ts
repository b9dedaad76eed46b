// Owns what a document can be: the union of all kinds.
import type { ModelManifest, TrustPolicyDocument } from '../contract/types.generated.ts';
import type {
  DeviceGroup,
  ModelDraft,
  Notifications,
  Repository,
  Rollout,
  RolloutPolicy,
  SignalProviders,
} from './types.generated.ts';

export type SlipwayDocument =
  | DeviceGroup
  | ModelDraft
  | ModelManifest
  | Notifications
  | Repository
  | Rollout
  | RolloutPolicy
  | SignalProviders
  | TrustPolicyDocument;
