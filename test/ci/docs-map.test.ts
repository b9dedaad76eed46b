// Owns the law of the map of pages: a page that it does not name is found.
import { expect, it } from 'vitest';
import { findPagesOffTheMap } from '../../.ci/docs-map.ts';

const page = (path: string, text = '') => ({ path, text });

it('each page in docs stands on the map, runbooks and decisions by their folders', () => {
  const map = page('docs/README.md', '[a](how-to/a.md#part) [b](reference/b.md "B") [all](runbooks)');
  const pages = ['docs/how-to/a.md', 'docs/reference/b.md', 'docs/runbooks/c.md', 'examples/d.md'].map((one) =>
    page(one),
  );
  expect(findPagesOffTheMap([map, ...pages])).toEqual([]);
  const lost = [page('docs/how-to/lost.md'), page('docs/decisions/0001.md')];
  expect(findPagesOffTheMap([map, ...pages, ...lost]).map((one) => one.path)).toEqual(lost.map((one) => one.path));
  expect(findPagesOffTheMap(pages)).toMatchObject([{ path: 'docs/README.md' }]);
});
