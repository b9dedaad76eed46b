// Owns the page of error codes, made from the sources, and what keeps it from being whole: a code without words, or words without a code.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { EXIT_CODES, HTTP_STATUSES } from '../src/base/errors.ts';
import { type CodesOfSources, readErrorCodes } from './read-error-codes.ts';

const ROOT = path.join(import.meta.dirname, '..');
const WORDS = 'docs/error-words.yaml';
const { built: BUILT_CODES, words: ERROR_WORDS } = parse(readFileSync(path.join(ROOT, WORDS), 'utf8')) as {
  readonly built: Readonly<Record<string, readonly string[]>>;
  readonly words: Readonly<Record<string, { readonly cause?: string; readonly remedy?: string }>>;
};
const MOST_SENTENCES = 12;
/** Alike in form, in pages: variables of the environment of Slipway, its agent and others. */
const VARIABLES =
  /^(SLIPWAY|OTEL|AWS|NODE|GITHUB|GITLAB|CI|COSIGN|SIGSTORE|GIT|SSL|HTTP|HTTPS|NO|S3_TEST|SOURCE|XDG|REQUIRE|[A-Z]+_BIN)(_|$)/;

export interface ErrorCode {
  readonly code: string;
  readonly causes: readonly string[];
  readonly remedies: readonly string[];
  readonly kinds: readonly string[];
  /** Of the agent, and not of the service or the commands. */
  readonly isAgents: boolean;
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  'retry-later': `It may pass by itself: exit code ${EXIT_CODES['retry-later']}.`,
  bug: `A bug in Slipway, or something that it does not know: exit code ${EXIT_CODES.bug}.`,
};
const KIND_REMEDIES: Readonly<Record<string, string>> = {
  bug: 'Look into the log for what stands beside the code. If nothing outside of Slipway explains it, report it as a bug with that log.',
  'retry-later': 'Try again later; over HTTP, `Retry-After` says when. Service and agents try again by themselves.',
};

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].slice(0, MOST_SENTENCES);
}

export function errorCodes(sources: CodesOfSources = readErrorCodes()): ErrorCode[] {
  const byCode = Map.groupBy(sources.made, (one) => one.code);
  const built = sources.built.flatMap((name) => BUILT_CODES[name] ?? []);
  const inOrder = (code: string): string => code.replaceAll('_', ' ');
  const codes = [...new Set([...byCode.keys(), ...built])].sort((a, b) => (inOrder(a) < inOrder(b) ? -1 : 1));
  return codes.map((code) => {
    const sites = byCode.get(code) ?? [];
    const words = ERROR_WORDS[code] ?? {};
    const kinds = distinct(sites.flatMap(({ kind }) => kind ?? [])).filter((kind) => kind !== 'fix-input');
    const causes = distinct(words.cause === undefined ? sites.flatMap(({ messages }) => messages) : [words.cause]);
    const own = distinct(words.remedy === undefined ? sites.flatMap(({ remedies }) => remedies) : [words.remedy]);
    const remedies = own.length > 0 ? own : distinct(kinds.flatMap((kind) => KIND_REMEDIES[kind] ?? []));
    const isAgents = sites.length > 0 && sites.every(({ file }) => file.startsWith('fleet-agent/'));
    return { code, causes, remedies, kinds, isAgents };
  });
}

/** Angle brackets outside of code would be read as HTML. */
function prose(text: string): string {
  const parts = text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .split(/(`[^`]*`)/);
  const plain = parts.map((part, index) =>
    index % 2 === 1 ? part : part.replaceAll('<', '&lt;').replaceAll('*', '\\*'),
  );
  const sentence = plain.join('').replaceAll(/\bdocs\/([\w/-]+\.md)/g, '[$1](../$1)');
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

function listed(texts: readonly string[], one: string): string {
  const [first = ''] = texts;
  return texts.length === 1
    ? `${one}${prose(first)}`
    : `${one.trim()}\n\n${texts.map((text) => `* ${prose(text)}`).join('\n')}`;
}

function section({ code, causes, remedies, kinds, isAgents }: ErrorCode): string {
  const notes = [...kinds.map((kind) => KIND_WORDS[kind]), ...(isAgents ? ['Told by the agent.'] : [])].join(' ');
  const cause = causes.length === 1 ? prose(causes[0] ?? '') : causes.map((text) => `* ${prose(text)}`).join('\n');
  return `### ${code}\n\n${cause}\n\n${listed(remedies, '**Remedy:** ')}\n${notes === '' ? '' : `\n*${notes}*\n`}`;
}

const INTRODUCTION = `# Error codes

Made from the sources by \`npm run generate\`: every code that the service, the commands and the agent give, with its causes and what to do. Codes don't change: search this page
for the one that you have, or go to \`error-codes.md#\` with the code in small letters. ‹Words in these brackets› stand for values that the message names.

A command prints an error as its code with the place, what is wrong, and what to do; with \`--json\` as \`{"error": {"code", "kind", "message", "remedy", "at"}}\` on stderr. The service answers over HTTP
with \`{"error": {"code", "message", "remedy"}}\` and logs the same fields. Devices show theirs in \`slipway-agent status\`, in their reports, and so in \`slipway devices\`. Warnings of \`slipway validate\`, \`plan\` and
\`status\`, and what a rollout waits to have fixed, have codes of the same form and stand here as well.

## Exit codes and HTTP statuses

The kind of an error alone fixes how a program ends. An address of the HTTP API can answer with a status of its own, such as 404 or 409: [HTTP API](http-api.md).

| kind | exit code | HTTP status | meaning |
|---|---|---|---|
| – | 0 | 200 | success |
| – | 1 | 200 | the answer is no: a check of \`slipway doctor\` failed, \`validate\` found errors, a rollout that was waited for did not pass |
| \`fix-input\` | ${EXIT_CODES['fix-input']} | ${HTTP_STATUSES['fix-input']} | something is to be mended: an argument, a document, a setting. Trying again changes nothing |
| \`retry-later\` | ${EXIT_CODES['retry-later']} | ${HTTP_STATUSES['retry-later']} | it may pass by itself: a host that is away, a full disk, too many requests |
| \`bug\` | ${EXIT_CODES.bug} | ${HTTP_STATUSES.bug} | a bug in Slipway; the message comes with its stack |

Where nothing else is said below, a code is of the kind \`fix-input\`.
`;

export function errorCodesPage(): string {
  const codes = errorCodes();
  const areas = Map.groupBy(codes, ({ code }) => code.split('_')[0] ?? code);
  const contents = [...areas.keys()].map((area) => `[${area}](#${area.toLowerCase()}-${ENDING})`).join(' · ');
  const parts = [...areas].map(([area, own]) => `## ${area} ${ENDING}\n\n${own.map(section).join('\n')}`);
  return [`${INTRODUCTION}\n${contents}\n`, ...parts].join('\n');
}

/** Headings of areas differ from those of codes of one word, such as USAGE. */
const ENDING = 'codes';

/** Pages that people read, but those that are made and old decisions. */
function pages(): string[] {
  return globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: ROOT }).filter(
    (file) => !/CHANGELOG|decisions|error-codes\.md$/.test(file),
  );
}

/** What to mend, a line each. */
export function findErrorCodeGaps(sources: CodesOfSources = readErrorCodes()): string[] {
  const codes = errorCodes(sources);
  const known = new Set(codes.map(({ code }) => code));
  const areas = new Set([...known].map((code) => code.split('_')[0]));
  const unnamed = sources.built.filter((name) => !(name in BUILT_CODES));
  const unbuilt = Object.keys(BUILT_CODES).filter((name) => !sources.built.includes(name));
  const mentions = pages().flatMap((file) => {
    const words = [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g)];
    return words.map(([, word = '']) => ({ file, word }));
  });
  return [
    ...codes
      .filter(({ causes }) => causes.length === 0)
      .map(
        ({ code }) =>
          `${code} has no cause: add it to ${WORDS}. If it is no error code, add it to NO_CODE of docs/read-error-codes.ts.`,
      ),
    ...codes
      .filter(({ remedies }) => remedies.length === 0)
      .map(({ code }) => `${code} has no remedy: give the error one, or add it to ${WORDS}.`),
    ...Object.keys(ERROR_WORDS)
      .filter((code) => !known.has(code))
      .map((code) => `${WORDS} has words for ${code}, which nothing throws: remove them.`),
    ...sources.askedFor
      .filter(({ code }) => !known.has(code))
      .map(({ code, file }) => `${file} asks for ${code}, which nothing throws: remove that, or correct the code.`),
    ...unnamed.map((name) => `The sources put codes together as ${name}: name them in "built" of ${WORDS}.`),
    ...unbuilt.map((name) => `"built" of ${WORDS} has ${name}, which no source puts together: remove it.`),
    ...mentions
      .filter(({ word }) => areas.has(word.split('_')[0]) && !known.has(word) && !VARIABLES.test(word))
      .map(({ file, word }) => `${file} speaks of ${word}, which nothing throws: correct it.`),
  ];
}
