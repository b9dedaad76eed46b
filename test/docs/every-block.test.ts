// Owns the law that every `sh` block of the docs is run by a test that the mark above it names, or stands here with the reason why it can't be.
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCommandBlocks } from '../../.ci/page-commands.ts';

const ROOT = path.join(import.meta.dirname, '../..');
/** What types the blocks below `<!-- ci -->`, and `<!-- ci: git-host -->`. */
const FROM_NOTHING = 'test/system/from-nothing.test.ts';

/** Page, how the block begins, and why no test runs it. */
const NOT_RUN: readonly (readonly [page: string, begin: string, why: string])[] = [
  [
    'docs/how-to/install.md',
    'npm install --global ./slipway-0.1.0.tgz',
    'the demo takes minutes: the tutorial installs the package, and a step of CI runs the demo',
  ],
  [
    'docs/how-to/install.md',
    'sudo useradd --system --home-dir /var/lib/slipway --shell /usr/sbin/nologin slipway',
    'changes the users and units of the machine; systemd reads the unit in test/deploy/service-unit.test.ts',
  ],
  [
    'docs/how-to/install.md',
    'sudo apt install ./slipway_0.1.0_amd64.deb',
    'changes the machine; test/deploy/release.test.ts installs the packages below another root',
  ],
  [
    'docs/how-to/run-on-kubernetes.md',
    'npm run pack:release -- debian',
    'needs a registry of images; test/deploy/release.test.ts makes the package and runs it as the image would',
  ],
  ['docs/how-to/run-on-kubernetes.md', 'sudo chown -R 65532:65532 data', 'needs the image'],
  [
    'docs/how-to/behind-a-proxy.md',
    'nginx -t && systemctl reload nginx',
    'loads a server of the machine; test/deploy/proxy.test.ts starts both',
  ],
  [
    'docs/how-to/publish-behind-a-cdn.md',
    'cp publication/metadata/timestamp.json pointer.json',
    'copies to another machine',
  ],
  [
    'docs/how-to/publish-behind-a-cdn.md',
    'cp .slipway/publication/metadata/timestamp.json pointer.json',
    'needs the program aws',
  ],
  ['docs/how-to/publish-behind-a-cdn.md', 'curl -sI https://cdn.example.com/', 'needs a content delivery network'],
  [
    'docs/how-to/rehearse-a-policy.md',
    'slipway simulate careful',
    'takes half a minute; test/simulation/scenarios.test.ts rehearses each scenario of the page',
  ],
  [
    'docs/how-to/rotate-keys.md',
    'systemctl stop slipway-agent',
    'stops a unit of the machine; test/system/rotate-keys.test.ts does the same to its device',
  ],
  [
    'docs/how-to/why-was-it-reverted.md',
    'slipway explain document-classifier-eu',
    'needs a version that was reverted: the tutorial asks the same of one',
  ],
  [
    'docs/how-to/why-was-it-reverted.md',
    'curl -H',
    'needs a version that was reverted; test/dashboard reads these addresses',
  ],
  ['docs/reference/publication.md', 'cp publication/metadata/timestamp.json pointer.json', 'copies to another machine'],
  ['docs/how-to/run-on-kubernetes.md', 'kubectl apply -f deploy/kubernetes/namespace.yaml', 'needs a cluster'],
  [
    'docs/how-to/run-on-kubernetes.md',
    'kubectl -n slipway cp .slipway slipway-0:/var/lib/slipway/incoming --container home',
    'needs a cluster',
  ],
];

interface Block {
  readonly page: string;
  readonly place: string;
  readonly firstLine: string;
  /** What stands above it: `ci`, `ci: git-host`, `tried by test/…`. */
  readonly mark: string | undefined;
}

const pages = globSync('docs/**/*.md', { cwd: ROOT });
const textOf = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Blocks of `sh`, and plain ones that begin with a command: those have to be of `sh`, too. */
const BLOCK =
  /^(?: *<!-- (.*) -->\n)? *```(?:(?:sh|bash|shell|console)\b.*\n *(.*)|\n *((?:slipway(?:-agent)?|git|curl|npm|npx|sudo|cp|rm|nginx|systemctl|kubectl|docker|rsync|aws) .*))/gm;

function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(BLOCK)].map((found) => {
    const line = text.slice(0, found.index).split('\n').length;
    return { page, place: `${page}:${line}`, firstLine: found[2] ?? found[3] ?? '', mark: found[1] };
  });
}

/** What to mend, or undefined. */
function problemOf({ page, place, firstLine, mark }: Block): string | undefined {
  const reason = NOT_RUN.find(([of, begin]) => of === page && firstLine.startsWith(begin));
  if (mark === undefined)
    return reason === undefined ? `${place} is run by no test: mark it, or list it with the reason` : undefined;
  if (reason !== undefined) return `${place} is listed as not run, and marked`;
  const [, name] = /^ci(?:: (\S+))?$/.exec(mark) ?? [];
  const [, test] = /^tried by (\S+)$/.exec(mark) ?? [undefined, mark.startsWith('ci') ? FROM_NOTHING : undefined];
  if (test === undefined || !existsSync(path.join(ROOT, test))) return `${place}: there is no test "${mark}"`;
  const source = textOf(test);
  const isNamed = [page, path.basename(page), 'docs/**/*.md'].some((one) => source.includes(one));
  const isChosen = name === undefined || source.includes(`'${name}'`);
  return isNamed && isChosen ? undefined : `${place}: ${test} does not run it`;
}

describe('every sh block of the docs', () => {
  const blocks = pages.flatMap((page) => blocksOf(page, textOf(page)));

  it('is run by the test that it names, or listed with the reason', () => {
    expect(blocks.length).toBeGreaterThan(70);
    expect(blocks.flatMap((block) => problemOf(block) ?? [])).toEqual([]);
  });

  it('is listed only while it is there', () => {
    const isThere = ([page, first]: (typeof NOT_RUN)[number]): boolean =>
      blocks.some((one) => one.page === page && one.firstLine.startsWith(first));
    expect(NOT_RUN.filter((one) => !isThere(one))).toEqual([]);
  });

  it('has a mark that the runner of pages reads', () => {
    for (const page of pages) expect(() => findCommandBlocks(page, textOf(page))).not.toThrow();
  });

  it('is found out when it has no mark, or one of a test that does not know it', () => {
    const problems = (text: string) => blocksOf('docs/x.md', text).map(problemOf);
    expect(problems('a\n```sh\nslipway run\n```\n')).toEqual([expect.stringMatching(/^docs\/x\.md:2 is run by no/)]);
    expect(problems('```\nslipway run\n```\n')).toHaveLength(1);
    expect(problems('<!-- tried by test/none.ts -->\n```sh\nls\n```\n')).toEqual([expect.stringMatching(/no test/)]);
    expect(problems('  <!-- ci -->\n  ```sh\n  ls\n  ```\n')).toEqual([expect.stringMatching(/does not run it/)]);
  });
});
