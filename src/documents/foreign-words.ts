// Owns what people bring along from other systems: their names of fields, platforms and whole documents, and what they are called here.
import { CodedError } from '../base/errors.ts';
import { exampleRule } from './rules/metric-examples.ts';
import { ruleOfFields } from './rules/rule-object.ts';

/** Names elsewhere (Argo Rollouts, Flagger, hawkBit, Mender, over-the-air manifests), without case, hyphens and underscores. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  soak: [
    'validationwindow',
    'baketime',
    'analysiswindow',
    'observationwindow',
    'duration',
    'pause',
    'wait',
    'interval',
  ],
  size: ['percentage', 'percent', 'weight', 'setweight', 'rolloutpercentage', 'trafficweight', 'traffic', 'fraction'],
  rules: ['metrics', 'thresholds', 'analysis', 'gates', 'criteria', 'conditions', 'successcriteria', 'slos', 'slo'],
  onFailure: ['rollbackon', 'rollback', 'autorollback', 'failureaction', 'errorthreshold'],
  deadline: ['timeout', 'maxduration', 'progressdeadline', 'progressdeadlineseconds'],
  minimum: ['minsamples', 'mininferences', 'minimumsamples', 'mindevices'],
  select: ['selector', 'matchlabels', 'targetdevices'],
  target: ['selector', 'matchlabels', 'targetdevices', 'devices', 'groups', 'targetfilter'],
  model: ['modelid', 'modelname'],
  version: ['modelversion', 'tag', 'desiredversion'],
  digest: ['sha256', 'checksum', 'hash'],
  sizeBytes: ['size', 'filesize'],
  url: ['artifacturl', 'downloadurl', 'uri'],
  variants: ['artifacts', 'artifact'],
};

const STAGE_FIELDS = ['soak', 'size', 'rules', 'onFailure', 'deadline', 'minimum', 'select'];

function bare(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

/** What to write for a field that another system has; undefined when it is of none. `known` are the fields that there are here. */
export function foreignFieldRemedy(name: string, value: unknown, known: readonly string[]): string | undefined {
  const meant = Object.keys(ELSEWHERE).filter((one) => ELSEWHERE[one]?.includes(bare(name)));
  const here = meant.find((one) => known.includes(one));
  if (here === 'rules') return `Write \`rules:\`, with one text each, such as \`- ${ruleIn(value)}\`.`;
  if (here !== undefined) return `Here it is called \`${here}\`.`;
  const ofStage = known.includes('stages') ? meant.find((one) => STAGE_FIELDS.includes(one)) : undefined;
  return ofStage === undefined ? undefined : `Here it is \`${ofStage}\`, a field of each stage below \`stages\`.`;
}

/** The first rule that is meant by a list of metrics with thresholds, or an example. */
function ruleIn(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return (typeof first === 'object' && first !== null && ruleOfFields(first)) || exampleRule('error_rate');
}

const CHOICES: Readonly<Record<string, string>> = {
  ...{ float: 'float32', half: 'float16', double: 'float64', int: 'int32', integer: 'int32', long: 'int64' },
  ...{ string: 'bytes', text: 'bytes', boolean: 'bool', byte: 'uint8' },
};

/** The value among the choices that a name such as `float` stands for elsewhere. */
export function foreignChoice(text: string, choices: readonly string[]): string | undefined {
  const name = text.toLowerCase();
  const meant = Object.hasOwn(CHOICES, name) ? CHOICES[name] : undefined;
  return meant !== undefined && choices.includes(meant) ? meant : undefined;
}

const SYSTEMS = /(linux|darwin|windows)/;
const ARCHITECTURES: readonly (readonly [RegExp, string])[] = [
  [/arm64|aarch64|armv8|jetson|orin/, 'arm64'],
  [/arm|rpi|raspberry/, 'arm'],
  [/amd64|x86[-_]?64|x64|intel/, 'amd64'],
];

/** The platform that a name such as `rpi-arm64` or `x86_64` stands for; undefined when that can't be told. */
export function platformMeantBy(text: string): string | undefined {
  const name = text.toLowerCase();
  const [, architecture] = ARCHITECTURES.find(([pattern]) => pattern.test(name)) ?? [];
  return architecture === undefined ? undefined : `${SYSTEMS.exec(name)?.[1] ?? 'linux'}/${architecture}`;
}

const OF_UPDATE_MANIFEST = [
  'modelid',
  'modelname',
  'modelversion',
  'artifacturl',
  'downloadurl',
  'artifact',
  'checksum',
];

/** Is it the one flat document of an over-the-air update, which holds what three documents hold here? */
export function isUpdateManifest(fields: object): boolean {
  return Object.keys(fields).filter((name) => OF_UPDATE_MANIFEST.includes(bare(name))).length >= 2;
}

const LFS_POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\//;

/** Does the text stand for a file that Git LFS holds? */
export function isLfsPointer(text: string): boolean {
  return LFS_POINTER.test(text);
}

/** Texts that are no document yet, each with where it shows. `{{rollout}}` in a query is a placeholder; templates are of Helm, Go and Jinja. */
const NO_DOCUMENTS = [
  {
    code: 'DOCUMENT_LFS',
    pattern: LFS_POINTER,
    message: 'This is a pointer of Git LFS, not the document.',
    remedy:
      'Keep documents out of Git LFS: leave their folders out of the patterns in `.gitattributes`, and commit them again.',
  },
  {
    code: 'DOCUMENT_CONFLICT',
    pattern: /^<{7} /m,
    message: 'This file has an unresolved merge conflict.',
    remedy: 'Resolve it, and commit the file again.',
  },
  {
    code: 'DOCUMENT_TEMPLATE',
    pattern: /\{\{-?\s*[.$]|\{%/,
    message: 'This is a template, not a document.',
    remedy: 'Commit the document that is rendered from it.',
  },
] as const;

/** What the text is in place of a document; undefined when it may be one. */
export function findForeignText(file: string, text: string): CodedError | undefined {
  for (const { pattern, ...facts } of NO_DOCUMENTS) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const before = text.slice(0, found.index).split('\n');
    const at = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return new CodedError({ ...facts, at });
  }
  return undefined;
}
