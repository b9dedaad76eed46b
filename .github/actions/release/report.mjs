// Owns what a job shows of a release: outputs, a line in the summary, and an annotation for each problem.
import { appendFileSync, readFileSync } from 'node:fs';
import process from 'node:process';

/** A summary holds 1 MiB. */
const MOST_SHOWN = 100_000;
const [, , resultFile, errorsFile] = process.argv;

/** The runner undoes exactly these. */
const data = (text) => String(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

function annotate({ code, message, remedy, at }) {
  const place = at ? `file=${property(at.file)},line=${at.line},col=${at.column},` : '';
  console.log(`::error ${place}title=${property(code)}::${data(remedy ? `${message}\n${remedy}` : message)}`);
}

/** Undefined for text that is none. */
function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const result = jsonOf(readFileSync(resultFile, 'utf8'));
for (const problem of result?.errors ?? []) annotate(problem);
for (const line of readFileSync(errorsFile, 'utf8').split('\n')) {
  const error = line.startsWith('{') ? jsonOf(line)?.error : undefined;
  if (error !== undefined) annotate(error);
}
if (result !== undefined) {
  const { version, digest, commit, pullRequest } = result;
  const told = { version, digest, commit, 'pull-request': pullRequest?.url };
  const outputs = Object.entries(told).map(([name, value]) => `${name}=${plain(value)}\n`);
  appendFileSync(process.env.GITHUB_OUTPUT, outputs.join(''));
  appendFileSync(process.env.GITHUB_STEP_SUMMARY, summaryOf(result));
}

function plain(value) {
  return String(value ?? '').replaceAll(/[^\w.:/+-]/g, '');
}

/** `eu: 1.0.0 → 1.1.0, 412 devices`. */
function stepOf({ kind, rollout, from, devices }, version) {
  const reach = devices === null ? '' : `, ${plain(devices)} devices`;
  return `* ${plain(rollout)}: ${kind === 'left' ? 'as it was' : `${plain(from)} → ${plain(version)}`}${reach}\n`;
}

/** A release that pushed nothing shows what it would change. */
function summaryOf({ model, version, digest, commit, pullRequest, rollouts = [], changes = [] }) {
  const page = pullRequest?.url ? `, proposed in ${plain(pullRequest.url)}` : '';
  const where = `${commit ? `commit ${plain(commit)}` : 'no new commit'}${page}`;
  const head = `### Release\n\n${plain(model)} ${plain(version)}: ${where}, manifest ${plain(digest)}\n\n`;
  const steps = rollouts.map((step) => stepOf(step, version)).join('');
  const texts = commit ? [] : changes.map(({ file, change }) => `${plain(file)}\n${change}`);
  const shown = texts.length === 0 ? '' : `\n~~~~~~~~diff\n${texts.join('\n').slice(0, MOST_SHOWN)}\n~~~~~~~~\n`;
  return head + steps + shown;
}
