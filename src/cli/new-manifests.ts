// Owns the documents that a new manifests repository begins with, as people would write them.

export const SETTINGS_TEXT = `apiVersion: slipway.dev/v1alpha1
kind: Repository
spec:
  defaults:
    policy: careful   # for rollouts that name no policy
`;

export const POLICY_TEXT = `# How versions are rolled out. This file is signed: sign it again after a change.
apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata:
  name: careful
  description: A few devices first, then a quarter, then all; every stage is watched.
spec:
  appliesTo: { rollouts: ["*"] }
  spread: 5s                   # spreads the downloads of a stage over this time; use minutes or hours for a real fleet
  stages:
    - name: canary
      size: 1%                 # at least 3 devices
      soak: 30m                # the shortest time to watch the stage
      minimum: { devices: 3, inferences: 1000 }
      silence: 10m             # a device that took the version and then sends no report for this long counts as failed
      rules:                   # later stages inherit these rules
        - error_rate < 0.5%
        - latency_p95 < 2x baseline, floor 5ms
        - vanished_classes == 0    # no class disappears from the predictions
        - confidence_loss < 10%    # at most so many more answers than with stable are less sure
        - failed_devices < 5%      # with fewer than 21 devices, one failed device fails the stage
        - undelivered_devices < 5% after 30m   # who heard of the stage, and has no file 30 minutes later
        - cpu < 90% for 5m
        - { rule: unknown_rate < 10%, dryRun: true }   # shown, but never decides
        - { rule: confidence_drift < 0.1, dryRun: true }   # different is not worse
    - { name: ramp, size: 25%, soak: 1h }
    - { name: full, size: 100%, soak: 1h }
`;

export const FLEET_TEXT = `# Labels that the fleet team sets, and revoked devices. Devices enrol themselves; listing them here is optional.
apiVersion: slipway.dev/v1alpha1
kind: DeviceGroup
metadata:
  name: kiosks
spec:
  labels: { region: eu-west }   # wins over what a listed device says of itself
  devices: []                   # - { id: kiosk-001 }
  deny: []                      # ids of revoked devices
`;

export const README_TEXT = `# Models of our fleet

The main branch holds the desired state of the fleet. Slipway rolls each version out stage by stage, and
records every step here as a commit.

| folder | contents | written by |
|---|---|---|
| \`models/<model>/<version>.yaml\` | manifests; immutable and signed | CI |
| \`policies/\` | how versions are rolled out; signed | people |
| \`rollouts/\` | which version goes to which devices | \`spec\`: people; \`status\`: Slipway |
| \`fleet/\` | device groups and revoked devices | people |
| \`evidence/\` | the numbers behind each step; signed | Slipway |

To roll out a version: change \`spec.version\` in \`rollouts/…\`, run \`slipway validate\`, commit and push.
The trust policy of the service says who may sign. It is not in this repository, so people who can push here can't extend it.
`;

export interface NewRollout {
  readonly name: string;
  readonly model: string;
  readonly version: string;
  readonly target: string;
}

export function rolloutText({ name, model, version, target }: NewRollout): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata:
  name: ${name}
spec:
  model: ${model}
  version: "${version}"   # change this line, commit, push: Slipway does the rest
  policy: careful
  target: ${target}
`;
}
