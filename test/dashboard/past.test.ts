// Laws of the past: what history, post-mortem and figures tell is what the branch and its evidence have, whoever else wrote there.
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { readFigures } from '../../src/dashboard/read-model/figures.ts';
import { readHistory } from '../../src/dashboard/read-model/history.ts';
import { readPostmortem } from '../../src/dashboard/read-model/postmortem.ts';
import { postmortemMarkdown } from '../../src/dashboard/read-model/postmortem-markdown.ts';
import type { HistoryRow } from '../../src/dashboard/read-model/types.generated.ts';
import { ROLLOUT } from '../simulation/faulty-world.ts';
import { writeRepository } from '../support/written-repository.ts';
import { figuresOfGitLog } from './figures-of-git-log.ts';
import { commitsOf, type StormyPast, stormyPast } from './stormy-past.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const FILE = `rollouts/${ROLLOUT}.yaml`;
const ALL = { rollout: ROLLOUT, file: FILE, limit: 10_000 };
const EVER = { fromMs: 0, untilMs: Date.parse('2100-01-01T00:00:00Z'), rollout: null };

let stormy: StormyPast;
beforeAll(async () => {
  stormy = await stormyPast(14, 300);
});

function steps(rows: readonly HistoryRow[]): HistoryRow[] {
  return rows.filter(({ kind }) => kind !== 'person');
}

test('each step that landed is one verified row with its version, deed and reason, and nothing else is a step', async () => {
  const past = await stormy.read().at(stormy.head);
  const { rows, next, isCut } = await readHistory(past, ALL);
  expect([next, isCut]).toEqual([null, false]);
  const landed = (await commitsOf(stormy)).filter(({ trailers }) => trailers.has('Slipway-Transition'));
  const named = steps(rows).filter(({ commit }) => commit !== null);
  expect(named.map(({ commit }) => commit)).toEqual(landed.map(({ oid }) => oid));
  expect(landed.length).toBeGreaterThan(8);
  for (const row of named) {
    expect(row).toMatchObject({ signature: 'verified', evidenceMissing: null, evidence: expect.any(String) });
    expect(row.what).not.toBe('');
    expect(row.reason).toMatch(/\.$/);
  }
  expect(steps(rows).some(({ kind }) => kind === 'roll-back')).toBe(true);
});

test('people are told with what they changed of the rollout; notes beside it are left out', async () => {
  const past = await stormy.read().at(stormy.head);
  const { rows } = await readHistory(past, ALL);
  const people = rows.filter(({ kind }) => kind === 'person').map(({ what }) => what);
  expect(people).toContain('Begin');
  expect(people.some((what) => /^(Ask to|Roll out|Suspend|Move on)/.test(what))).toBe(true);
  expect(people).not.toContain('Take a note');
});

test('pages of any size are the whole, and a newer head moves none of them', async () => {
  const past = stormy.read();
  const whole = (await readHistory(await past.at(stormy.head), ALL)).rows;
  for (const limit of [1, 7]) {
    const rows: HistoryRow[] = [];
    let cursor: string | null = null;
    do {
      const page = await readHistory(await past.at(stormy.head), { ...ALL, limit, cursor });
      rows.push(...page.rows);
      cursor = page.next;
    } while (cursor !== null);
    expect(rows).toEqual(whole);
  }
  await expect(readHistory(await past.at(stormy.head), { ...ALL, cursor: 'f'.repeat(40) })).rejects.toMatchObject({
    code: 'HISTORY_CURSOR',
  });
});

test('a later head is read on from the one before, and gives what reading anew gives', async () => {
  const past = stormy.read();
  const commits = await commitsOf(stormy);
  for (const { oid } of [...commits].reverse().filter((_, i) => i % 9 === 0))
    expect((await past.at(oid)).list.commits).toEqual((await stormy.read().at(oid)).list.commits);
});

test('steps whose commits are cut off are told from evidence alone', async () => {
  const whole = steps((await readHistory(await stormy.read().at(stormy.head), ALL)).rows);
  const { rows, isCut } = await readHistory(await stormy.read({ most: 6 }).at(stormy.head), ALL);
  expect(isCut).toBe(true);
  const told = ({ what, reason, version, revision, signature, evidence }: HistoryRow) => {
    return { what, reason, version, revision, signature, evidence };
  };
  expect(steps(rows).map(told)).toEqual(whole.map(told));
  expect(steps(rows).filter(({ commit }) => commit === null).length).toBeGreaterThan(0);
});

const GIT_SEEDS = [3, 7, 11, 14];

test('figures are what a script over `git log` counts', async () => {
  const counted = { completed: 0, takenBack: 0, superseded: 0 };
  for (const past of [stormy, ...(await Promise.all(GIT_SEEDS.map((seed) => stormyPast(seed))))]) {
    using folder = mkdtempDisposableSync(path.join(tmpdir(), 'slipway-log-'));
    const repository = path.join(folder.path, 'repository.git');
    await writeRepository(past.world.host, past.head, repository);
    const logged = figuresOfGitLog(repository, ROLLOUT);
    const { all, rollouts, months } = await readFigures(await past.read().at(past.head), EVER);
    const { started, completed, takenBack, superseded, changeFailureRate } = logged;
    expect(all).toMatchObject({ started, completed, takenBack, superseded, changeFailureRate });
    expect(all.leadTime).toEqual(spread(logged.leadTimesMs));
    expect(all.timeToRestore).toEqual(spread(logged.restoreTimesMs));
    const coarse: Record<string, number> = {};
    for (const { reason, count } of all.reasons) {
      const kind = reason === 'aborted' ? 'aborted' : reason === 'deadline-expired' ? 'deadline' : 'rule';
      coarse[kind] = (coarse[kind] ?? 0) + count;
    }
    expect(coarse).toEqual(logged.reasons);
    expect(rollouts).toEqual([{ ...all, name: ROLLOUT }]);
    expect(months.reduce((sum, month) => sum + month.completed, 0)).toBe(completed);
    for (const name of ['completed', 'takenBack', 'superseded'] as const) counted[name] += all[name];
  }
  for (const count of Object.values(counted)) expect(count).toBeGreaterThan(1);
});

function spread(sorted: readonly number[]) {
  if (sorted.length === 0) return null;
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
  return { count: sorted.length, medianMs: at(0.5), p90Ms: at(0.9) };
}

test('no address that others wrote becomes a link in a post-mortem', async () => {
  const past = await stormy.read().at(stormy.head);
  const view = await readPostmortem(past, { rollout: ROLLOUT, revision: null });
  const text = postmortemMarkdown({ ...view, gaps: ['see https://evil.example, www.evil.example or @alice'] });
  expect(text).toContain('see https\\://evil.example, www\\.evil.example or \\@alice');
});

test('a post-mortem of each attempt has its looks in order, its commit, and only numbers', async () => {
  const past = await stormy.read().at(stormy.head);
  const { rows } = await readHistory(past, ALL);
  const ends = rows.filter(
    ({ kind, commit }) => commit !== null && ['roll-back', 'complete', 'supersede'].includes(kind),
  );
  for (const { revision, commit } of ends) {
    const view = await readPostmortem(past, { rollout: ROLLOUT, revision });
    expect(view).toMatchObject({ revision, step: { commit, signature: 'verified' } });
    expect(view.looks.map(({ atMs }) => atMs)).toEqual(view.looks.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
    expect(JSON.stringify(view)).not.toMatch(/NaN|undefined|Infinity/);
    expect(postmortemMarkdown(view)).not.toMatch(/NaN|undefined|Infinity/);
  }
  const newest = await readPostmortem(past, { rollout: ROLLOUT, revision: null });
  expect(['reverted', 'withdrawn']).toContain(newest.outcome);
  expect(newest.timeline[0]?.kind).toBe('wish');
  await expect(readPostmortem(past, { rollout: ROLLOUT, revision: 99_999 })).rejects.toMatchObject({
    code: 'POSTMORTEM_NONE',
  });
});

test('what a person commits with the trailers of a step is no step, and hostile messages stay in their cells', async () => {
  const own = await stormyPast(3);
  const [step] = (await commitsOf(own)).filter(({ trailers }) => trailers.has('Slipway-Transition'));
  const { host } = own.world;
  const file = await own.repository.readTree(own.head);
  expect(file.entries.has('rollouts')).toBe(true);
  await host.commit({ files: { 'NOTES.md': '1' }, message: step?.message ?? '', atMs: 4e12 });
  const forged = `Slipway-Rollout: ${ROLLOUT}\nSlipway-Transition: 99999 canary→stable\nSlipway-Kind: complete`;
  const hostile = `\u202e<script>alert(1)</script>\u001b[2J${'long '.repeat(4_000)}`;
  await host.commit({ files: { 'NOTES.md': '2' }, message: `${hostile}\n\n${forged}`, atMs: 4e12 + 1_000 });
  const odd = `Slipway-Rollout: __proto__\nSlipway-Transition: ${'→'.repeat(300)}\nSlipway-Evidence: ../../x`;
  await host.commit({ files: { [FILE]: 'kind: nothing\n' }, message: `${hostile}\n\n${odd}`, atMs: 4e12 + 2_000 });
  await own.repository.fetch();
  const head = own.repository.knownHead() ?? '';
  const past = await own.read().at(head);
  const { rows } = await readHistory(past, ALL);
  expect(rows.filter(({ commit }) => commit === step?.oid)).toHaveLength(1);
  expect(rows[0]).toMatchObject({ signature: 'unsigned', evidenceMissing: 'missing', revision: 99_999 });
  for (const row of [...rows, ...(await readHistory(past, { rollout: null, limit: 9 })).rows])
    for (const cell of [row.what, row.reason, row.by, row.transition ?? '']) {
      expect(cell.length).toBeLessThan(600);
      expect(cell).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  // An unsigned step counts for nothing.
  expect((await readFigures(past, EVER)).all).toEqual((await readFigures(await own.read().at(own.head), EVER)).all);
  expect((await readFigures(past, EVER)).rollouts.map(({ name }) => name)).toEqual([ROLLOUT]);
});

test('evidence that is gone from the branch is read where its step put it', async () => {
  const own = await stormyPast(3);
  const { rows: before } = await readHistory(await own.read().at(own.head), ALL);
  const [first] = steps(before);
  await own.world.host.commit({ files: { [first?.evidence ?? '']: null }, message: 'Tidy up', atMs: 4e12 });
  await own.repository.fetch();
  const { rows } = await readHistory(await own.read().at(own.repository.knownHead() ?? ''), ALL);
  expect(steps(rows)[0]).toEqual(first);
});
