// Owns the documents that a new manifests repository begins with, as people would write them.

export const SETTINGS_TEXT = `apiVersion: slipway.dev/v1alpha1
kind: Repository
spec:
  defaults:
    policy: careful   # of rollouts that name none
`;

export const POLICY_TEXT = `# How versions are rolled out. Signed: after a change, sign it again.
apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata:
  name: careful
  description: A few devices first, then a quarter, then all; each stage is watched.
spec:
  appliesTo: { rollouts: ["*"] }
  spread: 5s                   # downloads of a stage are spread over this time; minutes to hours for a real fleet
  stages:
    - name: canary
      size: 1%                 # at least 3 devices
      soak: 30m                # watched at least so long
      minimum: { devices: 3, inferences: 1000 }
      silence: 10m             # a device that took it and then says nothing for so long counts as failed
      rules:                   # the stages below inherit them
        - error_rate < 0.5%
        - latency_p95 < 2x baseline, floor 5ms
        - vanished_classes == 0    # names a class that the version never says any more
        - confidence_drift < 0.25  # how far the confidences moved from those on stable
        - failed_devices < 5%      # of fewer than 21 devices, the first one that fails is too many
        - download_success > 80%
        - { rule: unknown_rate < 10%, dryRun: true }   # shown, never decides
    - { name: ramp, size: 25%, soak: 1h }
    - { name: full, size: 100%, soak: 1h }
`;

export const FLEET_TEXT = `# What devices may claim, and which are revoked. Devices enrol by themselves; they need not be listed.
apiVersion: slipway.dev/v1alpha1
kind: DeviceGroup
metadata:
  name: kiosks
spec:
  labels: { region: eu-west }   # a listed device that claims another region is in no rollout
  devices: []                   # - { id: kiosk-001 }
  deny: []                      # ids of revoked devices
`;

export const README_TEXT = `# Models of our fleet

What stands on the main branch is what the fleet is to run. Slipway walks each version through its stages
and answers here, one commit a step.

| folder | what | who writes it |
|---|---|---|
| \`models/<model>/<version>.yaml\` | manifests: immutable, signed | CI |
| \`policies/\` | how versions are rolled out: signed | people |
| \`rollouts/\` | which version goes where | \`spec\`: people; \`status\`: Slipway |
| \`fleet/\` | groups of devices, revoked devices | people |
| \`evidence/\` | the numbers behind each step: signed | Slipway |

Roll a version out: change \`spec.version\` in \`rollouts/…\`, commit, push. Before: \`slipway validate\`.
Who may sign is said outside this repository, in the trust policy of the service: whoever can push here can't widen it.
`;

export interface RolloutWish {
  readonly name: string;
  readonly model: string;
  readonly version: string;
  readonly target: string;
}

export function rolloutText({ name, model, version, target }: RolloutWish): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata:
  name: ${name}
spec:
  model: ${model}
  version: "${version}"   # change this line, commit, push: the rest is Slipway's
  policy: careful
  target: ${target}
`;
}
