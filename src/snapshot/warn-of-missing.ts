// Owns the warnings of rollouts that the service would miss: nothing reads their file, or it is gone while a candidate is out.
import { CodedError } from '../base/errors.ts';
import { EVIDENCE_PREDICATE_TYPE, parseStatement } from '../contract/trust/statement.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { EVIDENCE_LIMIT_BYTES, parseEvidence, payloadOf } from './evidence.ts';
import type { Snapshot } from './snapshot.ts';
import { rolloutsByName } from './snapshot-index.ts';

function warning(code: string, file: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy, at: { file, line: 1, column: 1 } });
}

/** Each warning at the file that it is about. */
export async function warnOfMissing(files: RepositoryFiles, snapshot: Snapshot): Promise<CodedError[]> {
  return [
    ...oddEndings(files, snapshot),
    ...emptyLayout(files, snapshot),
    ...renamed(snapshot),
    ...(await deleted(files, snapshot)),
  ];
}

function oddEndings({ paths }: RepositoryFiles, { layout }: Snapshot): CodedError[] {
  const folders = [layout.models, layout.policies, layout.rollouts, layout.fleet];
  const odd = paths.filter(
    (file) =>
      /\.(ya?ml|json)$/i.test(file) &&
      !/\.(ya?ml|json)$/.test(file) &&
      folders.some((one) => file.startsWith(`${one}/`)),
  );
  return odd.map((file) =>
    warning(
      'DOCUMENT_ENDING',
      file,
      `${file} is ignored: its ending is not in small letters.`,
      'Rename it to end in .yaml.',
    ),
  );
}

function emptyLayout({ paths }: RepositoryFiles, { layout, settings }: Snapshot): CodedError[] {
  const given = settings?.kind === 'settings' ? settings.settings.spec.layout?.rollouts : undefined;
  if (given === undefined || paths.some((file) => file.startsWith(`${layout.rollouts}/`))) return [];
  const message = `There is no folder ${given}, so the service finds no rollout.`;
  return [warning('LAYOUT_EMPTY', 'slipway.yaml', message, 'Correct `layout.rollouts`, or move the rollouts there.')];
}

function renamed(snapshot: Snapshot): CodedError[] {
  const named = rolloutsByName(snapshot);
  return [...named].flatMap(([name, document]): CodedError[] => {
    const was = document.kind === 'rollout' ? document.rollout.status?.evidence.split('/').at(-2) : undefined;
    if (was === undefined || was === name || named.has(was)) return [];
    const message = `It has the status of ${was}: under another name it has no history, and the service leaves it alone.`;
    return [warning('ROLLOUT_RENAMED', document.path, message, `Give the file the name ${was} back.`)];
  });
}

/** By the newest evidence of each rollout that has no file; whoever signed it, this only warns. */
async function deleted(files: RepositoryFiles, snapshot: Snapshot): Promise<CodedError[]> {
  const named = rolloutsByName(snapshot);
  const { evidence, rollouts } = snapshot.layout;
  const newest = new Map<string, { readonly file: string; readonly revision: number }>();
  for (const file of files.paths) {
    const [, name, revision] = file.startsWith(`${evidence}/`)
      ? (/^([^/]+)\/(\d+)-[^/]*\.json$/.exec(file.slice(evidence.length + 1)) ?? [])
      : [];
    if (name === undefined || named.has(name)) continue;
    if (Number(revision) > (newest.get(name)?.revision ?? 0)) newest.set(name, { file, revision: Number(revision) });
  }
  const found = await Promise.all(
    [...newest].map(async ([name, { file }]) => ({ name, version: await candidateIn(files, file) })),
  );
  return found.flatMap(({ name, version }): CodedError[] => {
    if (version === null) return [];
    const message = `The rollout ${name} is gone while ${version} rolls out: its devices go back to the stable version.`;
    return [
      warning(
        'ROLLOUT_DELETED',
        `${rollouts}/${name}.yaml`,
        message,
        'Put the file back unless that is what you want.',
      ),
    ];
  });
}

async function candidateIn(files: RepositoryFiles, file: string): Promise<string | null> {
  const bytes = await files.read(file, EVIDENCE_LIMIT_BYTES).catch(() => undefined);
  const payload = bytes === undefined ? undefined : payloadOf(bytes);
  const read = payload === undefined ? undefined : parseStatement(payload, EVIDENCE_PREDICATE_TYPE);
  return read?.kind === 'read' ? (parseEvidence(read.statement)?.status.candidate?.version ?? null) : null;
}
