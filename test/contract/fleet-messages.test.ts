// What both programs hold each other to in their messages: a wrong shape is refused at the door, a right one comes through unchanged.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import {
  findServiceError,
  needsEnrolment,
  parseEnrolment,
  parseEnrolmentRequest,
  parseReportAnswers,
  type ReportAnswer,
} from '../../src/contract/fleet-messages.ts';

const publicKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

describe('enrolment', () => {
  it('gives one key one text, and labels when none are stated', () => {
    const request = { token: 't', device: 'd1', publicKey: `\n${publicKey}\n` };
    expect(parseEnrolmentRequest(request)).toEqual({ token: 't', device: 'd1', publicKey, labels: {} });
    expect(parseEnrolment({ device: 'd1', epoch: 7 })).toEqual({ device: 'd1', epoch: 7, labels: {} });
  });

  it.each([null, [], { device: '../d1', epoch: 1 }, { device: 'd1', epoch: '1' }, { device: 'd1', epoch: 1.5 }])(
    'is refused as %j',
    (value) => {
      expect(() => parseEnrolment(value)).toThrow(expect.objectContaining({ code: 'ENROLMENT_ANSWER' }));
      expect(() => parseEnrolmentRequest(value)).toThrow(expect.objectContaining({ code: 'ENROLMENT_SHAPE' }));
    },
  );
});

describe('answers to reports', () => {
  const answers: readonly ReportAnswer[] = [
    { kind: 'accepted', sequence: 1 },
    { kind: 'duplicate', sequence: 2 },
    { kind: 'rejected', sequence: null, reason: 'unknown-device' },
    { kind: 'rejected', sequence: 4, reason: 'other-epoch' },
    { kind: 'rejected', sequence: 5, reason: 'REPORT_NUMBERS' },
  ];

  it('come through as they were sent, and say when the device has to enrol again', () => {
    expect(parseReportAnswers(JSON.parse(JSON.stringify(answers)), answers.length)).toEqual(answers);
    expect(answers.map(needsEnrolment)).toEqual([false, false, true, true, false]);
  });

  it('are refused unless there is one of a known kind for each report', () => {
    for (const wrong of [null, {}, answers.slice(1), [...answers.slice(1), { kind: 'stored', sequence: 1 }]]) {
      expect(() => parseReportAnswers(wrong, answers.length)).toThrow(
        expect.objectContaining({ code: 'REPORT_ANSWERS', kind: 'retry-later' }),
      );
    }
  });

  it('and errors make no reader fail in any other way, whatever stands in their place', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        findServiceError(Buffer.from(JSON.stringify(value)));
        for (const parse of [parseEnrolmentRequest, parseEnrolment, (one: unknown) => parseReportAnswers(one, 1)]) {
          try {
            parse(value);
          } catch (error) {
            expect(error).toBeInstanceOf(CodedError);
          }
        }
      }),
    );
    expect(findServiceError(Buffer.from('<html>'))).toBeUndefined();
  });
});
