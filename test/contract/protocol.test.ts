// Laws of the protocol's version: messages without one have the first, others than those read here are refused by a code before anything else of them is read.
import { expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { encodeDirective, parseDirective } from '../../src/contract/directive-json.ts';
import { parseReport } from '../../src/contract/parse-report.ts';
import { PROTOCOL } from '../../src/contract/protocol.ts';
import { FULL_REPORT } from './full-report.ts';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const DIRECTIVE = { kind: 'Directive', entries: [], agentVersion: '0.2.0' } as const;
const READERS = [
  ['REPORT', FULL_REPORT, parseReport],
  ['DIRECTIVE', DIRECTIVE, parseDirective],
] as const;

function refusalOf(read: () => unknown): CodedError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

it.each(READERS)(
  'a %s of an older program states none, and is read as the one that states the first',
  (_, message, read) => {
    expect(read(bytes(message))).toEqual(message);
    expect(read(bytes({ ...message, protocol: 1 }))).toEqual(message);
  },
);

it.each(READERS)(
  'a %s of another protocol is refused by what to upgrade, whatever else is in it',
  (name, message, read) => {
    const refused = (protocol: unknown, rest: object = message) => refusalOf(() => read(bytes({ ...rest, protocol })));
    expect(refused(PROTOCOL + 1)).toMatchObject({ code: `${name}_TOO_NEW`, kind: 'fix-input' });
    expect(refused(PROTOCOL + 1, { another: 'form' })?.code).toBe(`${name}_TOO_NEW`);
    expect(refused(0)?.code).toBe(`${name}_TOO_OLD`);
    const [service, agent] = [/upgrade the service\.$/, /upgrade the (device's )?agent\.$/];
    expect(refused(PROTOCOL + 1)?.message).toMatch(name === 'REPORT' ? service : agent);
    expect(refused(0)?.message).toMatch(name === 'REPORT' ? agent : service);
    for (const odd of ['two', '1', [1], true, {}, [], { toString: 1, valueOf: 1 }, 1e300, 1.5])
      expect(refused(odd)?.code).toMatch(/_TOO_(NEW|OLD)$/);
  },
);

it('a published directive states its protocol and the declared agent', () => {
  expect(JSON.parse(encodeDirective(DIRECTIVE).toString())).toEqual({ ...DIRECTIVE, protocol: PROTOCOL });
});

it('a declared agent that no report could carry is refused: who can sign directives must not silence devices by it', () => {
  for (const agentVersion of ['9'.repeat(300), '9\u001b[2J', '', 9])
    expect(refusalOf(() => parseDirective(bytes({ ...DIRECTIVE, agentVersion })))?.code).toBe('DIRECTIVE_UNREADABLE');
});
