// Owns the files for the Git host of a new manifests repository: the job that checks each change, and who has to approve it.
import { fileURLToPath } from 'node:url';
import { readBoundedFile } from '../base/bounded-file.ts';
import { CodedError } from '../base/errors.ts';

export const CI_HOSTS = ['github', 'gitlab', 'none'] as const;
export type CiHost = (typeof CI_HOSTS)[number];

const MOST_TEMPLATE_BYTES = 64 * 1024;
const MOST_OWNERS = 20;

interface HostFiles {
  /** Of this project. */
  readonly template: string;
  /** In the repository. */
  readonly workflow: string;
  readonly owners: string;
  /** What decides who is asked, as patterns of CODEOWNERS. */
  readonly configuration: readonly string[];
}

const FILES: Readonly<Record<Exclude<CiHost, 'none'>, HostFiles>> = {
  github: {
    template: 'deploy/github/manifests.yml',
    workflow: '.github/workflows/manifests.yml',
    owners: '.github/CODEOWNERS',
    configuration: ['/.github/'],
  },
  gitlab: {
    template: 'deploy/gitlab/slipway.gitlab-ci.yml',
    workflow: '.gitlab-ci.yml',
    owners: '.gitlab/CODEOWNERS',
    // GitLab looks for CODEOWNERS in the first two places as well, and before; a star of its patterns matches no slash.
    configuration: ['/CODEOWNERS', '/docs/CODEOWNERS', '/.gitlab/', '/.gitlab-ci.yml'],
  },
};

const OWNER = /^(@[\w.-]+(\/[\w.-]+){0,5}|[\w.+-]+@[\w-]+(\.[\w-]+)+)$/;

/** Users, teams or mail addresses, separated by commas or spaces. Throws INIT_OWNERS. */
export function ownersOf(text: string | undefined): readonly string[] {
  const owners = (text ?? '').split(/[\s,]+/).filter((one) => one !== '');
  const wrong = owners.find((one) => !OWNER.test(one));
  if (wrong === undefined && owners.length <= MOST_OWNERS) return owners;
  throw new CodedError({
    code: 'INIT_OWNERS',
    message:
      wrong === undefined
        ? `--owners: at most ${MOST_OWNERS} can be given.`
        : `--owners: ${JSON.stringify(wrong)} is no user, team or mail address.`,
    remedy: 'Pass them like @acme/ml-leads,@alice.',
  });
}

function ownersText(paths: readonly string[], owners: readonly string[]): string {
  const who = owners.length === 0 ? '@your-team' : owners.join(' ');
  const width = Math.max(...paths.map(({ length }) => length));
  const line = (path: string) => `${owners.length === 0 ? '# ' : ''}${path.padEnd(width)} ${who}`;
  return `# Who has to approve a change: protect the branch and require a review of the owners. Let the identity of the reconciler push past
# that rule: it commits each step.${owners.length === 0 ? ' Name your owners and take the marks away: until then nobody is one.' : ''}
${paths.map(line).join('\n')}
`;
}

/** Files by their path in the repository; none without a host. */
export async function ciFiles(host: CiHost, owners: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (host === 'none') return new Map();
  const { template, workflow, owners: ownersFile, configuration } = FILES[host];
  const text = await readBoundedFile(fileURLToPath(new URL(`../../${template}`, import.meta.url)), MOST_TEMPLATE_BYTES);
  const paths = ['/slipway.yaml', '/policies/', '/rollouts/', '/fleet/', ...configuration];
  return new Map([
    [workflow, text.toString('utf8')],
    [ownersFile, ownersText(paths, owners)],
  ]);
}

/** What is left to do at the host. */
export function ciSteps(host: CiHost, owners: readonly string[]): string[] {
  if (host === 'none') return [];
  const source = host === 'github' ? 'SLIPWAY_REPOSITORY' : 'SLIPWAY_SOURCE';
  return [
    `set the variables ${source}, SLIPWAY_COMMIT and SLIPWAY_TRUST_POLICY, as the head of ${FILES[host].workflow} says`,
    ...(owners.length === 0 ? [`name who has to approve changes in ${FILES[host].owners}`] : []),
  ];
}
