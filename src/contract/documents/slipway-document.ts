// Owns what a document can be: the union of all kinds.
import type {
  DeviceGroup,
  ModelManifest,
  Notifications,
  Repository,
  Rollout,
  RolloutPolicy,
  SignalProviders,
  TrustPolicyDocument,
} from './types.generated.ts';

export type SlipwayDocument =
  | DeviceGroup
  | ModelManifest
  | Notifications
  | Repository
  | Rollout
  | RolloutPolicy
  | SignalProviders
  | TrustPolicyDocument;
