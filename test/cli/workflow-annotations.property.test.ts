// Laws of annotations: whatever a finding says, the runner of GitHub reads one annotation with just that, and no other command.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { withoutControls } from '../../src/base/plain-text.ts';
import { annotationLine } from '../../src/cli/workflow-annotations.ts';
import { CliSession } from './cli-session.ts';
import '../support/property-seed.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 120_000 });

/** As the runner reads a line: ActionCommand.TryParseV2, and its unescaping, in the order in which it undoes them. */
function read(line: string) {
  const match = /^\s*::(\S+)(?: (.*?))?::(.*)$/s.exec(line);
  if (match === null) return undefined;
  const [, command = '', list = '', data = ''] = match;
  const undo = (text: string) => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n');
  const pairs = list.split(',').map((pair): [string, string] => {
    const [name = '', ...rest] = pair.split('=');
    return [name, undo(rest.join('=')).replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%25', '%')];
  });
  return { command, properties: Object.fromEntries(pairs), data: undo(data).replaceAll('%25', '%') };
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '::',
        '::error ',
        '##[add-mask]',
        '\n',
        '\r',
        '\r\n',
        '\u2028',
        '%0A',
        '%25',
        ',',
        ':',
        'x=',
        '\u001b[2J',
        ' ',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('an annotation', () => {
  test('holds a finding of any text and any file on its one line', () => {
    fc.assert(
      fc.property(hostile, fc.option(hostile, { nil: undefined }), hostile, (message, remedy, file) => {
        const at = { file, line: 7, column: 3 };
        const error = new CodedError({
          code: 'POLICY_STAGE',
          message,
          at,
          ...(remedy === undefined ? {} : { remedy }),
        });
        const line = annotationLine('error', error, (one) => one);
        expect(line).not.toMatch(/[\r\n\u2028\u2029\u0085]/);
        expect(read(line)).toEqual({
          command: 'error',
          properties: {
            file: withoutControls(file),
            line: '7',
            col: '3',
            title: 'POLICY_STAGE',
          },
          data: withoutControls(remedy === undefined ? message : `${message}\n${remedy}`),
        });
      }),
    );
  });

  test('without a place says what and why', () => {
    const error = new CodedError({ code: 'REFERENCE', message: '100% of a, b: no' });
    expect(annotationLine('warning', error, String)).toBe('::warning title=REFERENCE::100%25 of a, b: no');
  });
});

describe('slipway validate --format', () => {
  let session: CliSession;
  beforeEach(async () => {
    session = new CliSession();
    await session.run(['init', 'models', '--example']);
  });
  afterEach(() => session[Symbol.asyncDispose]());

  test('github annotates each finding at its path in the checkout, and prints no other command', async () => {
    session.write('models/rollouts/broken.yaml', 'apiVersion: slipway.dev/v1alpha1\nkind: "Rolout\\n::add-mask::x"\n');
    session.write('models/rollouts/a\n::error ::b.yaml', 'kind: x\n');
    const { code, stdout } = await session.run(['validate', '--repo', 'models', '--format', 'github']);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    const commands = lines.filter((line) => /^\s*::|##\[/.test(line));
    expect(commands.length).toBeGreaterThan(1);
    expect(
      commands.every((line) => /^::(error|warning) file=models\/[^:]+,line=\d+,col=\d+,title=\w+::/.test(line)),
    ).toBe(true);
    expect(stdout).toContain('file=models/rollouts/broken.yaml,line=2,col=7,title=');
    expect(stdout).toContain('file=models/rollouts/a%0A%3A%3Aerror %3A%3Ab.yaml');
    expect(lines.at(-2)).toMatch(/ errors?(, \d+ warnings?)?\.$/);
  });

  test('json is what --json prints, also for an error of the command itself', async () => {
    const [one, other] = await Promise.all(
      [['--json'], ['--format', 'json']].map((how) => session.run(['validate', '--repo', 'models', ...how])),
    );
    const read = ({ stdout = '' } = {}) => ({ ...JSON.parse(stdout), checkedAt: null });
    expect(read(other)).toEqual(read(one));
    const { stderr } = await session.run(['validate', '--repo', 'absent', '--format=json']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'REPO_MISSING' } });
    expect(await session.run(['validate', '--format', 'xml'])).toMatchObject({ code: 2 });
  });
});
