// Laws of events: whatever Slipway tells, the body is what CDEvents and CloudEvents say it must be.
import { describe, expect, test } from 'vitest';
import { cloudEventOf } from '../../src/notify/cd-event.ts';
import type { AlertNotice, NoticeContent, RetrainingNotice, StepNotice, VersionName } from '../../src/notify/notice.ts';
import type { TransitionKind } from '../../src/rollout/transition.ts';
import { eventObjections } from './cd-event-schema.ts';

const SOURCE = 'https://slipway.example.com/eu';
const OLD: VersionName = { version: '2026.01.10', digest: `sha256:${'a'.repeat(64)}` };
const NEW: VersionName = { version: '2026.02.01-rc1+cuda', digest: `sha256:${'b'.repeat(64)}` };

const STEP: StepNotice = {
  ...{ kind: 'step', rollout: 'invoice-ocr-eu', model: 'invoice-ocr', revision: 7, step: 'advance' },
  ...{ from: 'canary', to: 'ramp', reason: 'all rules held', evidence: 'evidence/invoice-ocr-eu/7-canary-ramp.json' },
  ...{ subject: NEW, stable: OLD, previous: null },
};

/** Which event each step is, first with a stable version before it and then without. */
const STEPS: Readonly<Record<TransitionKind, readonly [string, string]>> = {
  start: ['dev.cdeventsx.slipway-rollout.started.0.1.0', 'dev.cdeventsx.slipway-rollout.started.0.1.0'],
  advance: ['dev.cdeventsx.slipway-rollout.advanced.0.1.0', 'dev.cdeventsx.slipway-rollout.advanced.0.1.0'],
  complete: ['dev.cdevents.service.upgraded.0.3.0', 'dev.cdevents.service.deployed.0.3.0'],
  'roll-back': ['dev.cdevents.service.rolledback.0.3.0', 'dev.cdevents.service.removed.0.3.0'],
  supersede: ['dev.cdeventsx.slipway-rollout.superseded.0.1.0', 'dev.cdeventsx.slipway-rollout.superseded.0.1.0'],
  pause: ['dev.cdeventsx.slipway-rollout.paused.0.1.0', 'dev.cdeventsx.slipway-rollout.paused.0.1.0'],
  reopen: ['dev.cdeventsx.slipway-rollout.reopened.0.1.0', 'dev.cdeventsx.slipway-rollout.reopened.0.1.0'],
  except: ['dev.cdeventsx.slipway-rollout.excepted.0.1.0', 'dev.cdeventsx.slipway-rollout.excepted.0.1.0'],
  answer: ['dev.cdeventsx.slipway-rollout.answered.0.1.0', 'dev.cdeventsx.slipway-rollout.answered.0.1.0'],
  restore: ['dev.cdeventsx.slipway-rollout.restored.0.1.0', 'dev.cdeventsx.slipway-rollout.restored.0.1.0'],
  adopt: ['dev.cdeventsx.slipway-rollout.adopted.0.1.0', 'dev.cdeventsx.slipway-rollout.adopted.0.1.0'],
};

const ALERT: AlertNotice = {
  ...{
    kind: 'alert',
    is: 'raised',
    alert: 'a-1',
    alertKind: 'stalled',
    rollout: 'invoice-ocr-eu',
    reason: 'MODEL_UNKNOWN',
  },
  ...{ message: 'it stalled', sinceMs: 1_700_000_000_000, numbers: { estimate: 0.4 }, runbook: null },
};
const RETRAINING: RetrainingNotice = {
  ...{ kind: 'retraining', rollout: 'invoice-ocr-eu', model: 'invoice-ocr', ...OLD, rule: 'confidence_drift < 0.25' },
  ...{ message: 'it moved', numbers: { estimate: 0.4 }, alert: 'a-1' },
};

const bodyOf = (content: NoticeContent, source = SOURCE): string =>
  cloudEventOf({ format: 1, id: 'n-1', atMs: 1_700_000_000_000, content }, source);
const typeOf = (content: NoticeContent): string => JSON.parse(bodyOf(content)).type;

describe('every event fits the specification:', () => {
  test.each(Object.entries(STEPS))(
    'a step of the kind %s, with and without a version before',
    (step, [after, first]) => {
      const later: StepNotice = { ...STEP, step, stable: step === 'complete' ? NEW : OLD, previous: OLD };
      const early: StepNotice = { ...STEP, step, stable: step === 'complete' ? NEW : null, previous: null };
      expect([typeOf(later), typeOf(early)]).toEqual([after, first]);
      for (const content of [later, early, { ...early, subject: null }])
        expect(eventObjections(bodyOf(content))).toBe('');
    },
  );

  test('a step of a kind that a later Slipway may have, and of a rollout whose model nobody knows', () => {
    for (const step of ['split', 'complete', 'roll-back'])
      for (const model of ['invoice-ocr', ''])
        expect(eventObjections(bodyOf({ ...STEP, step, model, stable: OLD, previous: OLD }))).toBe('');
  });

  test('an alert of a rollout and of the service, when it begins and when it ends', () => {
    for (const is of ['raised', 'ended'] as const)
      for (const rollout of ['invoice-ocr-eu', null])
        expect(eventObjections(bodyOf({ ...ALERT, is, rollout }))).toBe('');
    expect([typeOf(ALERT), typeOf({ ...ALERT, is: 'ended' })]).toEqual([
      'dev.cdevents.incident.detected.0.3.0',
      'dev.cdevents.incident.resolved.0.3.0',
    ]);
  });

  test('a request for retraining, also of a model that nobody knows', () => {
    for (const model of ['invoice-ocr', '']) expect(eventObjections(bodyOf({ ...RETRAINING, model }))).toBe('');
    expect(bodyOf({ ...RETRAINING, model: '' })).toContain('"artifactId":"pkg:generic/invoice-ocr-eu@2026.01.10?');
    expect(typeOf(RETRAINING)).toBe('dev.cdeventsx.slipway-retraining.requested.0.1.0');
  });

  test('the envelope says the same as what is in it', () => {
    for (const content of [STEP, { ...STEP, step: 'complete', stable: NEW }, ALERT, RETRAINING]) {
      const { id, source, type, subject, time, data } = JSON.parse(bodyOf(content));
      const { context } = data;
      expect({ id, source, type, time }).toEqual({
        ...context,
        specversion: undefined,
        timestamp: undefined,
        time: context.timestamp,
      });
      expect(subject).toBe(data.subject.id);
    }
  });

  test('a version is a package URL with its digest', () => {
    const { data } = JSON.parse(bodyOf({ ...STEP, step: 'complete', stable: NEW }));
    expect(data.subject.content.artifactId).toBe(
      `pkg:generic/invoice-ocr@2026.02.01-rc1%2Bcuda?checksum=sha256:${'b'.repeat(64)}`,
    );
  });
});

test('what does not fit is found: a field too many, one that is missing, a source that is no reference', () => {
  const event = JSON.parse(bodyOf({ ...STEP, step: 'complete', stable: NEW }));
  const changed = (change: (copy: typeof event) => void): string => {
    const copy = structuredClone(event);
    change(copy);
    return eventObjections(JSON.stringify(copy));
  };
  expect(changed(() => undefined)).toBe('');
  expect(changed((copy) => (copy.data.subject.content.service = { id: 'x' }))).toContain('additional properties');
  expect(changed((copy) => delete copy.data.subject.content.artifactId)).toContain("required property 'artifactId'");
  expect(changed((copy) => (copy.data.context.version = '0.5.1'))).toContain('additional properties');
  expect(changed((copy) => (copy.data.subject.type = 'service'))).toContain('additional properties');
  expect(changed((copy) => (copy.type = 'dev.cdevents.service.deployed.0.2.0'))).toContain('not in the vocabulary');
  expect(eventObjections(bodyOf(STEP, 'the eu one'))).toContain('uri-reference');
});
