// Owns delivery figures by another way: out of what `git log` prints, and nothing else.
import { execFileSync } from 'node:child_process';

export interface LoggedFigures {
  readonly started: number;
  readonly completed: number;
  readonly takenBack: number;
  readonly superseded: number;
  readonly leadTimesMs: readonly number[];
  readonly restoreTimesMs: readonly number[];
  readonly changeFailureRate: number | null;
  /** `aborted`, `deadline`, or `rule`. */
  readonly reasons: Readonly<Record<string, number>>;
}

const FIELDS = [
  '%H',
  '%ct',
  '%s',
  ...['Rollout', 'Kind', 'Observed'].map((key) => `%(trailers:key=Slipway-${key},valueonly)`),
];

function log(repository: string, ...args: string[]): string[][] {
  const format = `--format=${FIELDS.join('%x1f')}%x1e`;
  const text = execFileSync('git', ['-C', repository, 'log', format, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return text
    .split('\x1e')
    .map((record) => record.split('\x1f').map((field) => field.trim()))
    .filter(([commit]) => commit !== '');
}

/** The newest commit without trailers of a step that touched the rollout's file or the version's manifest. */
function wishMs(repository: string, observed: string, files: readonly string[]): number | null {
  const found = log(repository, observed, '--', ...files).find(([, , , rollout]) => rollout === '');
  return found === undefined ? null : Number(found[1]) * 1000;
}

function reasonOf(subject: string): string {
  if (/: aborted/.test(subject)) return 'aborted';
  return /deadline/.test(subject) ? 'deadline' : 'rule';
}

/** The model of a rollout, as its file says now. */
function modelOf(repository: string, rollout: string): string {
  const args = ['-C', repository, 'show', `main:rollouts/${rollout}.yaml`];
  return /^ *model: *(\S+)/m.exec(execFileSync('git', args, { encoding: 'utf8' }))?.[1] ?? '';
}

/** Of one rollout, where manifests are named `models/<model>/<version>.yaml`. */
export function figuresOfGitLog(repository: string, rollout: string): LoggedFigures {
  const model = modelOf(repository, rollout);
  const steps = log(repository, '--reverse', 'main').filter(([, , , of]) => of === rollout);
  const count = { start: 0, complete: 0, 'roll-back': 0, supersede: 0 };
  const leadTimesMs: number[] = [];
  const restoreTimesMs: number[] = [];
  const reasons: Record<string, number> = {};
  let open: { atMs: number; version: string; observed: string } | null = null;
  for (const [, seconds = '', subject = '', , kind = '', observed = ''] of steps) {
    const atMs = Number(seconds) * 1000;
    if (kind in count) count[kind as keyof typeof count]++;
    if (kind === 'start') open = { atMs, version: /: start (\S+)/.exec(subject)?.[1] ?? '', observed };
    if (kind === 'complete' && open !== null) {
      const files = [`rollouts/${rollout}.yaml`, `models/${model}/${open.version}.yaml`];
      const wish = wishMs(repository, open.observed, files);
      if (wish !== null) leadTimesMs.push(atMs - wish);
    }
    if (kind === 'roll-back') {
      if (open !== null) restoreTimesMs.push(atMs - open.atMs);
      reasons[reasonOf(subject)] = (reasons[reasonOf(subject)] ?? 0) + 1;
    }
    if (kind !== 'start' && kind in count) open = null;
  }
  const ended = count.complete + count['roll-back'];
  return {
    ...{ started: count.start, completed: count.complete, takenBack: count['roll-back'], superseded: count.supersede },
    ...{ leadTimesMs: leadTimesMs.sort((a, b) => a - b), restoreTimesMs: restoreTimesMs.sort((a, b) => a - b) },
    changeFailureRate: ended === 0 ? null : count['roll-back'] / ended,
    reasons,
  };
}
