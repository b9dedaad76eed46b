// Owns the documents that a new manifests repository begins with, as people would write them.
import type { NewPolicy } from './new-policies.ts';

export function settingsText(policy: NewPolicy): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Repository
spec:
  defaults:
    policy: ${policy}   # for rollouts that name no policy
`;
}

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
| \`schemas/\` | what documents may say; editors with the YAML language server read it | \`slipway init\` |
| \`evidence/\` | the numbers behind each step; signed | Slipway |

To roll out a version: change \`spec.version\` in \`rollouts/…\`, run \`slipway validate\`, commit and push.
\`slipway release --set <rollout>\` does it in the commit that brings the version. The first rollout of a model is a file to
write once a version of it is here:

\`\`\`yaml
# rollouts/<rollout>.yaml
apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: <rollout> }
spec:
  model: <model>
  version: "<version>"       # or latest, or a range such as ">=1.2 <2"
  target: region:eu-west     # which devices, by their labels; "*" is every device
\`\`\`

The trust policy of the service says who may sign. It is not in this repository, so people who can push here can't extend it.
`;

export interface NewRollout {
  readonly name: string;
  readonly model: string;
  readonly version: string;
  readonly target: string;
  readonly policy: NewPolicy;
}

export function rolloutText({ name, model, version, target, policy }: NewRollout): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata:
  name: ${name}
spec:
  model: ${model}
  version: "${version}"   # change this line, commit, push: Slipway does the rest
  policy: ${policy}
  target: ${target}
`;
}
