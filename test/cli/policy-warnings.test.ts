// Laws of warnings about policies that need no traffic.
import { expect, test } from 'vitest';
import { defaultDeadlines, warnOfOldNames } from '../../src/cli/policy-warnings.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { readDocuments } from '../../src/snapshot/repository-documents.ts';

const FILE = 'policies/old.yaml';
const TEXT = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: old }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: canary
      size: 1%
      deadline: 2h
      rules:
        - error_rate < 1%
        - latency_p95 < 2x baseline
        - { rule: download_success > 99%, dryRun: true }
        - download_tries > 98%
    - { name: full, size: 100%, soak: 12h }
`;

function found(): Awaited<ReturnType<typeof readDocuments>> {
  const bytes = Buffer.from(TEXT);
  const document = { file: FILE, bytes, parsed: parseDocument(FILE, bytes) };
  return { documents: [document], problems: [], warnings: [] } as unknown as Awaited<ReturnType<typeof readDocuments>>;
}

test('a rule by an old name is told the new one, where it stands', () => {
  const warnings = warnOfOldNames(found().documents);
  expect(warnings.map(({ code, at }) => [code, at?.line])).toEqual([['POLICY_RULE_NAME', 13]]);
  expect(warnings[0]?.message).toContain('`download_success` is called `download_tries` now');
});

test('stages that name no deadline are listed with the one they have', () => {
  expect(defaultDeadlines(found())).toEqual([
    'Policy old leaves deadlines to the default: full (2 d); then the stage waits for a person (`onDeadline: hold`).',
  ]);
});
