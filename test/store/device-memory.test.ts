// Laws of what is remembered of a device: when it first followed a revision, and when it was seen taking an attempt.
import { expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { DeviceReport, ModelState } from '../../src/contract/report.ts';
import { type DeviceMemory, rememberReport } from '../../src/store/device-memory.ts';
import { NO_SEQUENCES } from '../../src/store/report-sequence.ts';

const DIGEST = digestOf('2.0.0');
const NOTHING: DeviceMemory = {
  ...{ seen: NO_SEQUENCES, lastSeenAtMs: 0, lastSeenListenedMs: 0 },
  ...{ outcomes: new Map(), tookCandidate: new Map(), heard: new Map(), silences: [], answers: new Map() },
};

type Told = Partial<ModelState> & Partial<Pick<DeviceReport, 'intervals' | 'outcomes' | 'sequence'>>;

function after(...told: readonly (readonly [listenedMs: number, state: Told])[]): DeviceMemory {
  let memory: DeviceMemory = NOTHING;
  let models: ReadonlyMap<string, ModelState> = new Map();
  for (const [listenedMs, { intervals = [], outcomes = [], sequence = 0, ...state }] of told) {
    const full = { model: 'ocr', rollout: 'eu', running: null, state: 'fetching', subject: null, ...state };
    const report = { states: [full], outcomes, intervals, sequence } as unknown as DeviceReport;
    const heard = { report, receivedAtMs: listenedMs, listenedMs, reportMs: 60_000, seen: NO_SEQUENCES };
    memory = rememberReport(Object.assign({ models }, memory), heard);
    models = new Map([['ocr', full as ModelState]]);
  }
  return memory;
}

it('a revision is heard when the first report follows it, and an older one that comes late changes nothing', () => {
  const { heard } = after([10, { revision: 3 }], [20, { revision: 5 }], [30, { revision: 5 }], [40, { revision: 4 }]);
  expect(heard.get('eu')).toEqual([
    { revision: 3, heardListenedMs: 10 },
    { revision: 5, heardListenedMs: 20 },
  ]);
  const many = Array.from({ length: 50 }, (_, i) => [i, { revision: i }] as const);
  expect(after(...many).heard.get('eu')).toHaveLength(8);
});

it('an attempt is taken when it is first seen staged, and fetching is not yet taking', () => {
  const subject = (attempt: number) => ({ revision: 5, subject: { digest: DIGEST, attempt } });
  const fetched = after(
    [10, subject(1)],
    [20, { ...subject(1), state: 'staged' }],
    [30, { ...subject(1), state: 'trial' }],
  );
  expect(fetched.tookCandidate.get('eu')).toMatchObject([{ attempt: 1, takenListenedMs: 20 }]);
  const again = after(
    [20, { ...subject(1), state: 'failed' }],
    [50, subject(2)],
    [60, { ...subject(2), state: 'staged' }],
  );
  expect(again.tookCandidate.get('eu')).toMatchObject([{ attempt: 2, takenListenedMs: 60, firstSeenAtMs: 20 }]);
});

it('a silence is remembered when a report ends it, if it was longer than five intervals; of many the last few are kept', () => {
  const minute = 60_000;
  const told = [1, 6, 12, 13, 30].map((at) => [at * minute, {}] as const);
  expect(after(...told).silences).toEqual([
    { fromListenedMs: 6 * minute, untilListenedMs: 12 * minute },
    { fromListenedMs: 13 * minute, untilListenedMs: 30 * minute },
  ]);
  const many = Array.from({ length: 50 }, (_, i) => [10 * i * minute, {}] as const);
  expect(after(...many).silences).toHaveLength(8);
  expect(after(...many).silences.at(-1)).toEqual({ fromListenedMs: 480 * minute, untilListenedMs: 490 * minute });
});

it('a device that answers for both arms in one interval is known as such, unless it switched, tried a version, or the report is an old one', () => {
  const both = ['candidate', 'stable'].map((arm) => ({ model: 'ocr', rollout: 'eu', arm, inferences: 5 }));
  const intervals = both as unknown as DeviceReport['intervals'];
  const isInBoth = (now: Told, before: Told = { revision: 5 }) =>
    after([10, before], [20, { revision: 5, intervals, ...now }])
      .heard.get('eu')
      ?.at(-1)?.isInBoth === true;
  expect(isInBoth({})).toBe(true);
  expect(isInBoth({ intervals: intervals.slice(1) })).toBe(false);
  expect(isInBoth({}, { revision: 4 })).toBe(false);
  const running = { digest: DIGEST, version: '2.0.0', slot: 'B' } as const;
  expect(isInBoth({ running })).toBe(false);
  expect(
    isInBoth({ outcomes: [{ rollout: 'eu', digest: DIGEST, kind: 'failed' }] as unknown as DeviceReport['outcomes'] }),
  ).toBe(false);
  expect(isInBoth({ sequence: 3 })).toBe(false);
  const later = after([10, { revision: 5 }], [20, { revision: 5, intervals }], [30, { revision: 6 }]).heard.get('eu');
  expect(later).toMatchObject([{ revision: 5, isInBoth: true }, { revision: 6 }]);
});
