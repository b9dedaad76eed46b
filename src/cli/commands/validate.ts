// Owns `slipway validate`: every problem of every document at once, before anyone commits it.
import path from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { SystemClock, toIsoSeconds } from '../../base/clock.ts';
import { type CodedError, errorToJson } from '../../base/errors.ts';
import { digestOf } from '../../contract/digest.ts';
import { DocumentVerifier } from '../../contract/trust/verifier.ts';
import { checkReferences, warnOfOverlaps } from '../../documents/check-references.ts';
import { warnOfGroups } from '../../documents/check-rule-groups.ts';
import { warnOfSubjects } from '../../documents/check-rule-subjects.ts';
import { warnOfSequences } from '../../documents/check-sequences.ts';
import type { SlipwayDocument } from '../../documents/slipway-document.ts';
import type { RepositoryFiles } from '../../git/repository-files.ts';
import { FleetWords, fleetErrors, type WordsOfFleet } from '../../measurement/fleet-words.ts';
import { BUNDLE_SUFFIX } from '../../snapshot/folder-cache.ts';
import { type FoundDocuments, readSignature, rolloutsOf } from '../../snapshot/repository-documents.ts';
import { countOf } from '../../wording/amounts.ts';
import { assumedTrafficInWords } from '../../wording/document-warnings-in-words.ts';
import { bomErrors } from '../bom-findings.ts';
import { codeQualityReport } from '../code-quality.ts';
import { type FindingsFormat, formatOption } from '../findings-format.ts';
import { loadTrustPolicy } from '../load-trust.ts';
import { readManifests } from '../manifests-here.ts';
import { errorText, printResult, type Result } from '../output.ts';
import { warnOfOutputs } from '../output-warnings.ts';
import { addTrafficOptions, type TrafficOptions, trafficOf } from '../plan-options.ts';
import { defaultDeadlines, planFindings, warnOfLatest, warnOfOldNames } from '../policy-warnings.ts';
import { refusalError } from '../refusal-error.ts';
import { addRepositoryOptions, type RepositoryOptions, withFiles } from '../repository-access.ts';
import { annotationLine } from '../workflow-annotations.ts';

interface ValidateOptions extends RepositoryOptions, TrafficOptions {
  readonly trust?: string;
  readonly format: FindingsFormat;
  readonly json?: boolean;
}

interface Findings {
  readonly errors: readonly CodedError[];
  readonly warnings: readonly CodedError[];
}

/** Digests that rollouts run or ran: what admitted them was judged then, and an end date since does not count. */
function admittedDigests(found: FoundDocuments): ReadonlySet<string> {
  const statuses = rolloutsOf(found).rollouts.flatMap(({ rollout }) => rollout.status ?? []);
  const known = statuses.flatMap((status) => [status.candidate, status.stable, ...(status.previous ?? [])]);
  return new Set([...known.flatMap((one) => one?.digest ?? []), ...statuses.flatMap((status) => status.policy ?? [])]);
}

async function checkSignatures(files: RepositoryFiles, found: FoundDocuments, trustFile: string): Promise<Findings> {
  const verifier = new DocumentVerifier(await loadTrustPolicy(trustFile));
  const now = new SystemClock().now();
  const admitted = admittedDigests(found);
  const errors: CodedError[] = [];
  const warnings: CodedError[] = [];
  for (const { file, bytes, parsed } of found.documents) {
    if (parsed.kind !== 'parsed') continue;
    const { kind, metadata } = parsed.document;
    if (kind !== 'ModelManifest' && kind !== 'RolloutPolicy') continue;
    const signature = await readSignature(files, file);
    const name = metadata?.name ?? '';
    const question = { now, purpose: admitted.has(digestOf(bytes)) ? ('keep' as const) : ('admit' as const) };
    const answer =
      kind === 'ModelManifest'
        ? verifier.verifyModel(bytes, signature, { ...question, model: name })
        : verifier.verifyPolicy(bytes, signature, { ...question, policy: name });
    if (answer.kind === 'verified') continue;
    // An old version that nothing runs may outlive its signer: it only can't start any more.
    (answer.code === 'SIGNER_EXPIRED' ? warnings : errors).push(refusalError(answer, file));
  }
  return { errors, warnings };
}

const NAMES: readonly (readonly [SlipwayDocument['kind'], string, string?])[] = [
  ['ModelManifest', 'model version'],
  ['RolloutPolicy', 'policy', 'policies'],
  ['Rollout', 'rollout'],
  ['DeviceGroup', 'device group'],
];

function summary(found: FoundDocuments, { errors, warnings }: Findings): string {
  const kinds = found.documents.flatMap(({ parsed }) => (parsed.kind === 'parsed' ? [parsed.document.kind] : []));
  const counts = NAMES.map(([kind, one, many]) => countOf(kinds.filter((other) => other === kind).length, one, many));
  const verdict = errors.length === 0 ? 'no errors' : countOf(errors.length, 'error');
  const beside = warnings.length === 0 ? '' : `, ${countOf(warnings.length, 'warning')}`;
  const all = found.documents.length;
  const read = kinds.length === all ? '' : `; ${all - kinds.length} of ${countOf(all, 'document')} can't be read`;
  const drafts = kinds.filter((kind) => kind === 'ModelDraft').length;
  const counted = [...counts, ...(drafts > 0 ? [countOf(drafts, 'draft')] : [])];
  return `${counted.join(', ')}${read}: ${verdict}${beside}.`;
}

function byPlace(a: CodedError, b: CodedError): number {
  const [left, right] = [a.at, b.at];
  if (left?.file !== right?.file) return (left?.file ?? '') < (right?.file ?? '') ? -1 : 1;
  return (left?.line ?? 0) - (right?.line ?? 0) || (left?.column ?? 0) - (right?.column ?? 0);
}

function wordsIn({ documents }: FoundDocuments): WordsOfFleet {
  const groups = documents.flatMap(({ file, parsed }) =>
    parsed.kind === 'parsed' && parsed.document.kind === 'DeviceGroup'
      ? [[file, { kind: 'group', group: parsed.document, oid: file }] as const]
      : [],
  );
  return new FleetWords().of({ groups: new Map(groups), admitsListedOnly: false, settingsFrom: null });
}

/** GitHub shows an annotation at a path from the root of its checkout, where jobs run; documents are named from the root of --repo. */
function pathFromHere(repo: string, file: string): string {
  const found = path.relative(process.cwd(), path.resolve(repo, file)).replaceAll(path.sep, '/');
  return found.startsWith('../') || path.isAbsolute(found) ? file : found;
}

async function validate(files: RepositoryFiles, { trust, repo, format, ...options }: ValidateOptions): Promise<Result> {
  const traffic = trafficOf(options);
  const found = await readManifests(files);
  const broken = found.documents.flatMap(({ parsed }) => (parsed.kind === 'broken' ? parsed.errors : []));
  const signatures = trust === undefined ? { errors: [], warnings: [] } : await checkSignatures(files, found, trust);
  const all = [...broken, ...found.problems, ...checkReferences(found.documents), ...signatures.errors];
  all.push(...(await bomErrors(files, found)));
  const errors = all.sort(byPlace);
  const paths = new Set(files.paths);
  const warnings = [
    ...signatures.warnings,
    ...found.warnings,
    ...warnOfOverlaps(found.documents),
    ...warnOfSubjects(found.documents),
    ...warnOfGroups(
      found.documents,
      (traffic.groups ?? []).map(({ by }) => by),
    ),
    ...warnOfSequences(found.documents, (file) => paths.has(file + BUNDLE_SUFFIX)),
    ...warnOfLatest(found.documents),
    ...warnOfOldNames(found.documents),
    ...warnOfOutputs(found.documents),
    ...planFindings(found, traffic),
    ...fleetErrors(wordsIn(found)),
  ].sort(byPlace);
  const unchecked = trust === undefined ? '\nSignatures were not checked; pass a trust policy with --trust.' : '';
  const total = summary(found, { errors, warnings }) + unchecked;
  const deadlines = traffic.devices === null ? '' : defaultDeadlines(found).join('\n');
  const notes = [...(deadlines === '' ? [] : [deadlines]), ...assumedTrafficInWords(traffic)];
  const blocks = [...errors.map((one) => errorText(one)), ...warnings.map((one) => `warning: ${errorText(one)}`)];
  const pathOf = (file: string): string => pathFromHere(repo, file);
  const texts = {
    text: () => [...blocks, ...notes, total].join('\n\n'),
    json: () => '',
    github: () => {
      const annotate = (level: 'error' | 'warning') => (one: CodedError) => annotationLine(level, one, pathOf);
      return [...errors.map(annotate('error')), ...warnings.map(annotate('warning')), total].join('\n');
    },
    gitlab: () => codeQualityReport(errors, warnings, pathOf),
  };
  return {
    json: {
      valid: errors.length === 0,
      checkedAt: toIsoSeconds(new SystemClock().now()),
      documents: found.documents.length,
      signaturesChecked: trust !== undefined,
      assumed: traffic,
      errors: errors.map(errorToJson),
      warnings: warnings.map(errorToJson),
    },
    text: texts[format](),
    exitCode: errors.length === 0 ? 0 : 1,
  };
}

export function addValidateCommand(program: Command): void {
  const command = addRepositoryOptions(
    program
      .command('validate')
      .description('check every document in the manifests repository, and the references between them'),
    { readsFolder: true },
  ).option('--trust <file>', 'also check signatures, with this trust policy');
  const warned = "; warns of rules that can't be decided in time";
  addTrafficOptions(command, { devices: warned, perMinute: warned })
    .addOption(formatOption())
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nA folder is checked as is, including uncommitted changes. With --branch, or for a URL, the branch is checked.' +
        '\nExit codes: 0 no errors (warnings are possible), 1 errors, 2 the repository or the trust policy was not found.',
    )
    .action(async (options: ValidateOptions) => {
      const result = await withFiles(options, (files) => validate(files, options));
      printResult(result, options.json === true || options.format === 'json');
    });
}
