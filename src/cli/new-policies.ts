// Owns the policies that a new manifests repository begins with, as people would write them.

/** The names of the policies, the default first. */
export const NEW_POLICIES = ['careful', 'standard', 'urgent', 'quick'] as const;
export type NewPolicy = (typeof NEW_POLICIES)[number];

/** One device alone takes no version back: small stages can't tell a bad device from a bad version. */
const RULES = `      rules:                   # later stages inherit these rules
        - error_rate < 0.5%
        - latency_p95 < 2x baseline, floor 5ms
        - vanished_classes == 0    # no class disappears from the predictions
        - confidence_loss < 10%    # at most so many more answers than with stable are less sure
        - failed_devices < 5%, floor 2 devices   # in small stages one device alone takes nothing back
        - { rule: undelivered_devices < 5% after 30m, onFailure: pause }   # heard of the stage, and no file 30 minutes later: the network's fault, not the version's
        - cpu < 90% for 5m
        - { rule: unknown_rate < 10%, dryRun: true }   # shown, but never decides
        - { rule: confidence_drift < 0.1, dryRun: true }   # different is not worse
`;

function policyText(
  name: NewPolicy,
  { about, more = '', stages }: { readonly about: string; readonly more?: string; readonly stages: string },
): string {
  return `# How versions are rolled out. This file is signed: sign it again after a change.
apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata:
  name: ${name}
  description: ${about}
spec:
  appliesTo: { rollouts: ["*"] }
${more}  stages:
${stages}`;
}

const SPREAD =
  '  spread: 5s                   # spreads the downloads of a stage over this time; use minutes or hours for a real fleet\n';
const RESUME =
  '  resumeWithin: 1d             # a paused stage goes on by itself if its rules pass again within a day; later a person resumes it\n';

export const POLICY_TEXTS: Readonly<Record<NewPolicy, string>> = {
  careful: policyText('careful', {
    about: 'A few devices first, then a quarter, then all; every stage is watched.',
    more: SPREAD + RESUME,
    stages: `    - name: canary
      size: 1%                 # at least 3 devices
      soak: 30m                # the shortest time to watch the stage
      minimum: { devices: 3, inferences: 1000 }
      silence: 10m             # a device that took the version and then sends no report for this long counts as failed
${RULES}    - { name: ramp, size: 25%, soak: 1h }
    - { name: full, size: 100%, soak: 1h }
`,
  }),
  standard: policyText('standard', {
    about: 'A tenth of the devices first, then all; an hour in all if every rule passes.',
    more: SPREAD + RESUME,
    stages: `    - name: canary
      size: 10%                # at least 3 devices
      soak: 30m                # the shortest time to watch the stage
      minimum: { devices: 3, inferences: 1000 }
${RULES}    - { name: full, size: 100%, soak: 30m }
`,
  }),
  urgent: policyText('urgent', {
    about: "For a fix that can't wait; minutes instead of hours, watched by the same rules.",
    more: RESUME,
    stages: `    - name: canary
      size: 10%                # at least 3 devices
      soak: 5m                 # finds what is grossly wrong
      minimum: { devices: 3, inferences: 200 }
      deadline: 1h             # then it goes on if every rule is within its limit so far, proven or not
      onDeadline: promote
${RULES}    - { name: full, size: 100%, soak: 5m, deadline: 1h, onDeadline: promote, holdBack: 0 }
`,
  }),
  quick: policyText('quick', {
    about:
      'For a first try with a few devices, one of them first. It finds what is grossly wrong, and one device alone can take a version back.',
    stages: `    - name: canary
      size: { devices: 1 }      # the others keep stable, to compare with
      soak: 20s
      minimum: { devices: 1, inferences: 10 }
      deadline: 10m            # then it goes on if every rule is within its limit so far, proven or not
      onDeadline: promote
      silence: 2m
      rules:                   # later stages inherit these rules; with so few devices any of them may be broken by one
        - error_rate < 5%
        - latency_p95 < 3x baseline, floor 250ms
        - class_drift < 0.5        # the answers are roughly those of stable
        - confidence_loss < 30%
        - failed_devices <= 0%
        - { rule: undelivered_devices < 51% after 2m, onFailure: pause }
        - { rule: memory < 95% for 1m, onFailure: pause }   # a busy laptop takes nothing back
    - { name: full, size: 100%, soak: 20s, deadline: 5m, onDeadline: promote, minimum: { devices: 1, inferences: 10 }, holdBack: 0 }
`,
  }),
};
