// Laws of quoting others: no secret that a request carried comes back in what is said, however it is encoded or cut.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutSecrets } from '../../src/base/without-secrets.ts';

const secret = fc.array(fc.stringMatching(/^[A-Za-z0-9_+/"\\ü-]{8,30}$/), { minLength: 1, maxLength: 3 });
const encodings: ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  (text) => JSON.stringify(text),
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(text).toString('base64url'),
];

test('no secret, nor a part of it between dots, is left in a text that quotes it, encoded or not', () => {
  fc.assert(
    fc.property(secret, fc.constantFrom(...encodings), fc.string(), (parts, encode, around) => {
      const whole = parts.join('.');
      for (const part of [whole, ...parts]) {
        const said = withoutSecrets(`${around} <${encode(part)}> ${around}`, [whole]);
        expect(said).toContain('[secret removed]');
        for (const one of parts) expect(said.slice(around.length + 1)).not.toContain(encode(one));
      }
    }),
  );
});

test('a quote that is cut within the secret tells no 8 characters of it', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{8,40}$/), fc.nat(40), (token, length) => {
      const cut = `DENIED: ${token.slice(0, length)}`;
      const said = withoutSecrets(cut, [token]);
      if (Math.min(length, token.length) >= 8) expect(said).toBe('DENIED: [secret removed]');
      else expect(said).toBe(cut);
    }),
  );
});

test('what quotes no secret stays as it is', () => {
  expect(withoutSecrets('parse error at character 7: up{', ['s3cret-token.abc.de', 't'])).toBe(
    'parse error at character 7: up{',
  );
});
