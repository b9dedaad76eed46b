// Proves that a silence keeps people from an alert for its time alone, and that the alert itself goes on.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AlertRecord, stepBook } from '../../src/rollout/alert-book.ts';
import type { Alert, AlertReading } from '../../src/rollout/alerts.ts';
import { LONGEST_SILENCE_MS, type Silence, withSilences } from '../../src/rollout/silences.ts';

const MINUTE = 60_000;

function paused(rollout: string): Alert {
  return { kind: 'paused', rollout, subject: '', reason: 'Paused', fact: { kind: 'paused', reason: null } };
}

function silence(over: Partial<Silence>): Silence {
  return {
    id: 's',
    alert: null,
    rollout: 'eu',
    reason: 'maintenance',
    by: 'ann',
    atMs: 0,
    untilMs: 10 * MINUTE,
    ...over,
  };
}

class Pager {
  book: readonly AlertRecord[] = [];
  silences: readonly Silence[] = [];

  look(nowMs: number, ...rollouts: string[]): string[] {
    const reading: AlertReading = { present: rollouts.map(paused), unknown: [] };
    // Over a restart, as the store keeps it.
    const book = JSON.parse(JSON.stringify(this.book)) as AlertRecord[];
    const stepped = withSilences(stepBook(book, reading, nowMs), this.silences, nowMs);
    if (!stepped.isChanged) expect(stepped.changes).toEqual([]);
    this.book = stepped.records;
    return stepped.changes.map(({ kind, alert }) => `${kind} ${alert.rollout}`);
  }
}

describe('a silence', () => {
  test('keeps back what begins in it, and tells it at its end if it still stands', () => {
    const pager = new Pager();
    pager.silences = [silence({})];
    expect(pager.look(1 * MINUTE, 'eu', 'us')).toEqual(['raised us']);
    expect(pager.book.find(({ rollout }) => rollout === 'eu')).toMatchObject({
      raisedAtMs: 1 * MINUTE,
      silenced: { by: 'ann', reason: 'maintenance', untilMs: 10 * MINUTE },
    });
    expect(pager.look(9 * MINUTE, 'eu', 'us')).toEqual([]);
    expect(pager.look(10 * MINUTE, 'eu', 'us')).toEqual(['raised eu']);
    expect(pager.book.some((one) => one.silenced !== undefined || one.isWithheld)).toBe(false);
    expect(pager.look(11 * MINUTE, 'us')).toEqual(['ended eu']);
  });

  test('tells nobody of what began and ended in it, and the end to whoever heard of the beginning', () => {
    const pager = new Pager();
    expect(pager.look(0, 'us')).toEqual(['raised us']);
    pager.silences = [silence({}), silence({ rollout: 'us' })];
    expect(pager.look(1 * MINUTE, 'eu', 'us')).toEqual([]);
    expect(pager.look(2 * MINUTE)).toEqual(['ended us']);
    expect(pager.look(11 * MINUTE)).toEqual([]);
  });

  test('of one alert keeps back that one alone, and ends at once when somebody ends it', () => {
    const pager = new Pager();
    pager.silences = [silence({ rollout: 'eu' })];
    pager.look(0, 'eu');
    const id = pager.book[0]?.id ?? '';
    pager.silences = [silence({ rollout: null, alert: id })];
    expect(pager.look(1, 'eu', 'us')).toEqual(['raised us']);
    pager.silences = [];
    expect(pager.look(2, 'eu', 'us')).toEqual(['raised eu']);
  });

  test('never outlasts its longest time, whatever the clock does', () => {
    const pager = new Pager();
    pager.silences = [silence({ atMs: 0, untilMs: LONGEST_SILENCE_MS + 1 })];
    expect(pager.look(0, 'eu')).toEqual(['raised eu']);
    pager.silences = [silence({ rollout: 'us', atMs: 100 * MINUTE, untilMs: 90 * MINUTE })];
    expect(pager.look(1, 'eu', 'us')).toEqual(['raised us']);
  });

  test('changes neither what stands nor that each telling of a beginning has one of its end', () => {
    const steps = fc.array(
      fc.record({ eu: fc.boolean(), us: fc.boolean(), quiet: fc.boolean(), afterMs: fc.nat(5 * MINUTE) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (looks) => {
        const pager = new Pager();
        const plain = new Pager();
        const told = new Set<string>();
        let nowMs = 0;
        for (const { eu, us, quiet, afterMs } of looks) {
          nowMs += afterMs;
          pager.silences = quiet ? [silence({ atMs: nowMs, untilMs: nowMs + MINUTE })] : [];
          const rollouts = [...(eu ? ['eu'] : []), ...(us ? ['us'] : [])];
          const ids = (records: readonly AlertRecord[]) => records.map(({ id, raisedAtMs }) => [id, raisedAtMs]);
          const changes = pager.look(nowMs, ...rollouts);
          plain.look(nowMs, ...rollouts);
          expect(ids(pager.book)).toEqual(ids(plain.book));
          for (const change of changes) {
            const [kind, rollout = ''] = change.split(' ');
            expect(told.has(rollout)).toBe(kind === 'ended');
            if (kind === 'raised') told.add(rollout);
            else told.delete(rollout);
          }
          if (!quiet) expect([...told].sort()).toEqual(rollouts);
        }
      }),
    );
  });
});
