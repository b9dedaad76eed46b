// Owns the laws of workflows and actions: what is loose is found at its line, and those of this project keep to the rules.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findWorkflowBreaches, isAction, isWorkflow, runActionlint } from '../../.ci/workflow-rules.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const HASH = '08c6903cd8c0fde910a37f88322edcfb5dd907a8';
const HEAD = '$' + '{{ github.head_ref }}';
const GOOD = `name: good
on: { pull_request: {} }
permissions: { contents: read }
concurrency: good
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: { contents: read, id-token: write }
    steps:
      - uses: actions/checkout@${HASH} # v5.0.0
        with: { persist-credentials: false }
      - run: echo "$TITLE"
        env:
          TITLE: \${{ github.event.pull_request.title }}
`;
const WORKFLOW = '.github/workflows/sample.yml';

/** The messages, each with its line. */
function judge(text: string, at = WORKFLOW): string[] {
  return findWorkflowBreaches([{ path: at, text }]).map(({ line, message }) => `${line} ${message}`);
}

describe('a workflow', () => {
  it('that is pinned, bounded and lean keeps to the rules', async () => {
    expect(judge(GOOD)).toEqual([]);
    expect(await runActionlint([{ path: WORKFLOW, text: GOOD }])).toEqual([]);
  });

  it.each([
    [`${HASH} # v5.0.0`, 'v5', '11 `actions/checkout@v5` moves'],
    [' # v5.0.0', '', '11 Say which version'],
    ['# v5.0.0', '# v5', '11 Say which version'],
    ['with: { persist-credentials: false }', 'with: { ref: main }', '11 The checkout leaves its token'],
    ['echo "$TITLE"', `echo ${HEAD}`, '13 An expression in a script'],
    ['permissions: { contents: read }\n', '', '1 At the top'],
    ['permissions: { contents: read }\n', 'permissions: { contents: read, id-token: write }\n', '1 At the top'],
    ['permissions: { contents: read }\n', 'permissions: read-all\n', '3 `permissions: read-all` names no right'],
    ['{ contents: read, id-token: write }', 'write-all', '9 `permissions: write-all` names no right'],
    ['    timeout-minutes: 5\n', '', '6 The job `one` has no `timeout-minutes`'],
    ['concurrency: good\n', '', '1 There is no `concurrency`'],
    ['{ pull_request: {} }', '{ pull_request_target: {} }', '2 `pull_request_target` gives secrets'],
    ['{ pull_request: {} }', 'pull_request_target', '2 `pull_request_target` gives secrets'],
    ['jobs:', 'jobs: [', '7 Nested mappings'],
  ])('with %j as %j is found', (from, to, expected) => {
    const found = judge(GOOD.replace(from, to));
    expect(
      found.some((one) => one.includes(expected)),
      found.join('\n'),
    ).toBe(true);
  });

  it('that actionlint refuses is found at its line, and so are the steps of an action', async () => {
    const unknown = GOOD.replace('github.event.pull_request.title', 'github.titel');
    expect(await runActionlint([{ path: WORKFLOW, text: unknown }])).toMatchObject([{ line: 15 }]);
    const action = `inputs: { a: {} }
runs:
  using: composite
  steps:
    - { run: echo, shell: bash, env: { A: "\${{ inputs.b }}" } }
`;
    const at = '.github/actions/sample/action.yml';
    expect(await runActionlint([{ path: at, text: action }])).toMatchObject([{ path: at, message: /"b"/ }]);
    expect(judge(action.replace('echo', `"echo ${HEAD}"`), at)).toEqual([expect.stringMatching('5 An expression')]);
  });
});

describe('this project', () => {
  const paths = globSync(['.github/{workflows,actions}/**/*.yml', 'deploy/github/*.yml'], { cwd: ROOT }).toSorted();
  const files = paths.map((file) => ({ path: file, text: readFileSync(path.join(ROOT, file), 'utf8') }));

  it('keeps to the rules in each workflow and action', async () => {
    expect(paths.filter((file) => isWorkflow(file) || isAction(file))).toEqual(paths);
    expect(paths.length).toBeGreaterThan(2);
    expect([...findWorkflowBreaches(files), ...(await runActionlint(files))]).toEqual([]);
  });
});
