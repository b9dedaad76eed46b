// Owns quoting others: what they say may quote the request, and with it the secrets that it carried.

/** Shorter ones keep nothing secret, and shorter parts of one are words like others. */
const LEAST_SECRET = 4;
const LEAST_PART = 8;
const REMOVED = '[secret removed]';

function formsOf(secret: string): string[] {
  const parts = [secret, ...secret.split('.').filter((part) => part.length >= LEAST_PART)];
  const forms = parts.flatMap((part) => {
    const bytes = Buffer.from(part);
    const base64 = bytes.toString('base64');
    return [part, encodeURIComponent(part), JSON.stringify(part).slice(1, -1), base64, bytes.toString('base64url')];
  });
  return forms.filter((form) => form.length >= LEAST_SECRET).sort((a, b) => b.length - a.length);
}

/** How much of the form's beginning ends the text: a quote may be cut. */
function cutLength(text: string, form: string): number {
  for (let length = Math.min(form.length, text.length); length >= LEAST_PART; length--)
    if (text.endsWith(form.slice(0, length))) return length;
  return 0;
}

/** The text without the secrets, whole or in parts between dots, as they are or encoded for addresses, JSON or base64. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let said = text;
  for (const form of secrets.flatMap(formsOf)) {
    said = said.replaceAll(form, REMOVED);
    const cut = cutLength(said, form);
    if (cut > 0) said = said.slice(0, -cut) + REMOVED;
  }
  return said;
}
