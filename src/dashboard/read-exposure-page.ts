// Owns what the page of exposure shows: the devices that had a version, how they left it, and the same rows as CSV.
import { CodedError } from '../base/errors.ts';
import type { Answer } from '../fleet-api/http/route.ts';
import { csvLine, EXPOSURE_HEADER } from './exposure-csv.ts';
import type { ExposurePageValue } from './pages/exposure-page.ts';
import type { ExposureRow } from './read-model/types.generated.ts';
import { type ExposureParts, MOST_ROWS, readExposure, readPatching } from './routes-fleet.ts';

/** What can't be asked is said beside the form that asks it. Throws what the store throws. */
export async function readExposurePage(parts: ExposureParts, query: URLSearchParams): Promise<ExposurePageValue> {
  const isAsked = ['digest', 'model', 'version'].some((name) => (query.get(name) ?? '') !== '');
  if (!isAsked) return { exposure: null, patching: null, problem: null };
  try {
    const whole = new URLSearchParams(query);
    whole.delete('cursor');
    const [exposure, patching] = [await readExposure(parts, query), await readPatching(parts, whole)];
    return { exposure, patching, problem: null };
  } catch (error) {
    if (!(error instanceof CodedError) || error.kind !== 'fix-input') throw error;
    const { code, message, remedy = null } = error;
    return { exposure: null, patching: null, problem: { code, message, remedy } };
  }
}

/** More are a matter of the command, which writes a file as rows come. */
const MOST_IN_FILE = 4 * MOST_ROWS;

/** Throws EXPOSURE_LONG, and what is wrong with the question. */
export async function exposureFile(parts: ExposureParts, query: URLSearchParams): Promise<Answer> {
  const asked = new URLSearchParams(query);
  asked.set('limit', String(MOST_ROWS));
  asked.delete('cursor');
  const rows: ExposureRow[] = [];
  for (;;) {
    const page = await readExposure(parts, asked);
    rows.push(...page.rows);
    if (page.next === null) break;
    if (rows.length >= MOST_IN_FILE)
      throw new CodedError({
        code: 'EXPOSURE_LONG',
        message: `The file would have more than ${MOST_IN_FILE} rows.`,
        remedy: 'Take a shorter span, or run `slipway exposure --format csv`, which writes them all.',
      });
    asked.set('cursor', page.next);
  }
  const headers = {
    'Content-Type': 'text/csv; charset=utf-8',
    'Content-Disposition': 'attachment; filename="exposure.csv"',
  };
  return { kind: 'text', text: EXPOSURE_HEADER + rows.map(csvLine).join(''), headers };
}
