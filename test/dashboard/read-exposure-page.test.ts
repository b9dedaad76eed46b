// Laws of the page of exposure: it reads what the API answers, says what can't be asked, and hands out whole files alone.
import { expect, it } from 'vitest';
import { exposureFile, readExposurePage } from '../../src/dashboard/read-exposure-page.ts';
import type { ExposureLog } from '../../src/store/exposure.ts';
import { Fleet, NEW, NOW } from './fleet.ts';

const ask = (query: string) => new URLSearchParams(query);

it('shows who had a version and how they left it; what can not be asked is said on the page', async () => {
  await using fleet = new Fleet();
  for (const id of ['=a', 'b']) {
    await fleet.enrol(id);
    await fleet.report(id, NEW);
  }
  const parts = { exposure: fleet.store, now: () => NOW + 60_000 };
  expect(await readExposurePage(parts, ask(''))).toEqual({ exposure: null, patching: null, problem: null });
  const asked = 'model=invoice-ocr&version=2.0.0&from=7d';
  const shown = await readExposurePage(parts, ask(asked));
  expect(shown.exposure?.rows.map(({ device }) => device).sort()).toEqual(['=a', 'b']);
  expect(shown).toMatchObject({ patching: { exposed: 2, left: 0 }, problem: null });
  for (const [query, code] of [
    ['version=2.0.0', 'EXPOSURE_QUESTION'],
    ['model=m&from=soon', 'QUERY_VALUE'],
    ['model=m&cursor=x', 'QUERY_VALUE'],
  ] as const)
    expect(await readExposurePage(parts, ask(query))).toMatchObject({ exposure: null, problem: { code } });

  const file = await exposureFile(parts, ask(`${asked}&limit=1&cursor=1`));
  if (file.kind !== 'text') throw new Error(file.kind);
  const lines = String(file.text).trimEnd().split('\r\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe('device,model,version,digest,heard_before,from,until,how');
  expect(lines.some((line) => line.startsWith("'=a,invoice-ocr,2.0.0,"))).toBe(true);
});

it('a file that would be too long is refused, never cut', async () => {
  const row = {
    device: 'd',
    model: 'm',
    version: '1',
    digest: null,
    afterMs: 0,
    fromMs: 1,
    untilMs: null,
    how: 'plain',
  };
  const readExposure = async () => ({ rows: Array.from({ length: 5_000 }, () => row), next: '1' });
  const parts = { exposure: { readExposure } as unknown as ExposureLog, now: () => NOW };
  await expect(exposureFile(parts, ask('model=m'))).rejects.toMatchObject({ code: 'EXPOSURE_LONG' });
});
