// Owns the laws of pages whose commands need more than an empty folder: they run as they stand, with names of one's own, in one world.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { PageWorld, ROOT, type TypedPage } from './page-world.ts';

let world: PageWorld;
beforeAll(async () => {
  world = await PageWorld.open();
}, 120_000);
afterAll(() => world[Symbol.asyncDispose]());

const identity = (): string => world.sigstore.token({ iss: 'https://ci.example', sub: 'https://ci.example/acme' });
const VERSION = 'my-models/models/invoice-ocr/2026.02.01.yaml';
const HOME: readonly [string, string] = ['/var/lib/slipway', '.slipway'];
const REPO: readonly [string, string] = ['--repo …', '--repo my-models'];
const BUCKET: readonly [string, string] = ['s3://models/prod', 's3://ours/prod'];

describe('without a service', { timeout: 180_000 }, () => {
  const pages: Readonly<Record<string, () => TypedPage>> = {
    'docs/tutorial.md': () => ({
      after: ['git -C my-models remote add origin "$SLIPWAY_REPO"', 'git -C my-models push -q -u origin main'],
    }),
    'docs/how-to/package-a-model.md': () => ({ after: [`slipway verify --home .slipway ${VERSION}`] }),
    'docs/how-to/sign-in-ci.md': () => ({
      before: ['cd my-models', 'cp ../signing_config.json ../trusted_root.json .'],
      own: [['sign …', 'sign models/invoice-ocr/2026.02.01.yaml']],
      environment: { SIGSTORE_ID_TOKEN: identity() },
    }),
    'docs/how-to/release-from-ci.md': () => ({
      before: [
        "git config --global safe.directory '*'",
        'git clone -q models.git runner && cp model.onnx labels.txt runner && cd runner',
        'slipway release model.onnx labels.txt --manifest models/invoice-ocr/2026.01.01.yaml --home ../.slipway --key ../.slipway-keys/ci.key',
        'git pull -q',
        `sed -n '/^apiVersion/,/^\`\`\`/p' ${ROOT}/docs/how-to/release-from-ci.md | sed '$d; s/2026.02.01/2026.01.01/' > rollouts/invoice-ocr-eu.yaml`,
        'git add rollouts && git commit -q -m "a rollout" && git push -q',
      ],
      own: [
        ['s3://acme-models/fleet', 's3://ours/fleet'],
        ['--keyless', '--keyless --signing-config ../signing_config.json --trusted-root ../trusted_root.json'],
        ['https://git.example.com/acme/slipway.git', ROOT],
        ['<full hash of a commit>', `$(git -C ${ROOT} rev-parse HEAD)`],
        // It takes 25 s, and is the first step of CI.
        ['npm ci --prefix slipway-source', `ln -s ${ROOT}/node_modules slipway-source/node_modules #`],
      ],
      after: ['slipway --version', 'git pull -q', 'grep \'version: "2026.02.01"\' rollouts/invoice-ocr-eu.yaml'],
      environment: { ...world.bucket.writerEnvironment, SIGSTORE_ID_TOKEN: identity() },
    }),
    'docs/how-to/private-artifacts.md': () => ({
      before: [
        'rm -f my-models/models/invoice-ocr/*',
        'printf %s "$AWS_SECRET_ACCESS_KEY" > reader && unset AWS_SECRET_ACCESS_KEY',
        `sed -n '/^credentials:/,/^\`\`\`/p' ${ROOT}/docs/how-to/private-artifacts.md | sed '$d; s:/run/secrets/::' > credentials.yaml`,
        'echo secret > models-token && echo secret > gitlab-token && export ARTIFACTORY_PASSWORD=secret',
        'chmod 600 reader credentials.yaml models-token gitlab-token',
        'printf "trust: .slipway/trust-policy.yaml\nroot: .slipway/tuf/root.json\ndata: device\ndistribution: file://$PWD/.slipway/publication\n" > agent.yaml',
      ],
      own: [
        BUCKET,
        ['AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=…', 'AWS_REGION=$AWS_REGION'],
        ['/run/secrets/reader', 'reader'],
        ['slipway package', 'AWS_SECRET_ACCESS_KEY_FILE=reader slipway package'],
        ['/etc/slipway/artifact-credentials.yaml', 'credentials.yaml'],
      ],
      environment: world.bucket.writerEnvironment,
    }),
    'docs/how-to/install.md': () => ({
      before: [
        'mkdir -p configuration && TOKEN=$(slipway token)',
        'printf "server: https://fleet.example\ntrust: trust-policy.yaml\nroot: root.json\n" > configuration/config.yaml',
      ],
      // What it changes is tried below another root, in test/fleet-agent/install.test.ts.
      own: [['--from configuration', '--from configuration --dry-run --node /usr/bin/node']],
    }),
    'docs/how-to/store-artifacts.md': () => ({
      before: ['rm -f my-models/models/invoice-ocr/*'],
      own: [
        BUCKET,
        ['AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…', 'AWS_REGION=$AWS_REGION'],
        ['--manifest …', '--manifest my-models/models/invoice-ocr/2026.02.02.yaml'],
      ],
      environment: {
        ...world.bucket.writerEnvironment,
        ...{ CI_API_V4_URL: world.host.url, CI_PROJECT_ID: '7', CI_JOB_TOKEN: 'of-the-job' },
      },
    }),
    'docs/how-to/steer-a-rollout.md': () => ({
      before: [
        'cd my-models/models/document-classifier',
        "sed 's/1\\.0\\.0/1.1.0/; s/sequence: 1$/sequence: 2/' 1.0.0.yaml > 1.1.0.yaml",
        'slipway sign 1.1.0.yaml --key ../../../.slipway-keys/ci.key',
        'git add . && git commit -q -m 1.1.0 && cd ../..',
      ],
      own: [['"labels of November"', '"labels of November" --yes']],
      after: ['slipway validate'],
    }),
    'docs/how-to/log-in-to-the-screen.md': () => ({
      before: ['printf secret > oidc.secret && chmod 600 oidc.secret'],
      own: [HOME, REPO, ['/etc/slipway/oidc.secret', 'oidc.secret']],
    }),
    'docs/how-to/traces.md': () => ({}),
    'docs/how-to/behind-a-proxy.md': () => ({ environment: { SLIPWAY_REPO: 'my-models' } }),
    'docs/how-to/tls.md': () => ({
      before: [
        'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout privkey.pem -out fullchain.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost',
        'chmod 600 privkey.pem',
      ],
      own: [
        ['/etc/slipway/tls/', ''],
        [' …', ' --repo my-models'],
      ],
    }),
    'docs/how-to/plan-a-policy.md': () => ({}),
    'docs/how-to/git-hosts.md': () => ({ own: [['https://git.example.com/acme/models.git', 'my-models']] }),
    'docs/how-to/use-the-screen.md': () => ({ own: [['npx slipway', 'slipway']] }),
    'docs/how-to/remove-old-artifacts.md': () => ({
      own: [['https://git.example.com/models.git', 'my-models']],
    }),
    'docs/how-to/rotate-keys.md': () => ({
      own: [
        ['/media/usb/root.key', '.slipway-keys/root.key'],
        ['/media/new/trust.key', 'trust-2.key'],
      ],
    }),
    'docs/how-to/upgrade.md': () => ({
      before: ['cd .slipway && cp slipway.db slipway.db.step-7-before-0.2.0'],
      after: ['cd .. && slipway token list | grep alice'],
    }),
  };
  test.each(Object.entries(pages))('%s', (name, typed) => world.type(name, typed()));
});

describe('beside a service', { timeout: 180_000 }, () => {
  let url: string;
  beforeAll(async () => {
    url = (await world.serve()).url;
  }, 60_000);

  const pages: Readonly<Record<string, () => TypedPage>> = {
    'docs/how-to/tokens.md': () => ({
      before: ['mkdir -p .config && slipway token create --name root --scope admin > .config/slipway-token'],
      own: [
        HOME,
        ['https://slipway.example.com', url],
        ['5b4bd2ce1d69', "$(slipway token list | awk '/line 4/ { print $1 }')"],
      ],
      after: ['! slipway token list | grep "line 4"'],
    }),
    'docs/how-to/report-without-the-agent.md': () => ({}),
    'docs/how-to/notify-people.md': () => ({
      before: [
        `mkdir .slipway/secrets && printf ${world.host.url}/hook > .slipway/secrets/slack.url && chmod 600 .slipway/secrets/slack.url`,
        `sed -n '/^apiVersion/,/^\`\`\`/p' ${ROOT}/docs/how-to/notify-people.md | sed '/^\`\`\`/,$d' > .slipway/notify.yaml`,
        'SLIPWAY_TOKEN=$(slipway token create --home .slipway --name carla --scope view,operate)',
        `export SLIPWAY_TOKEN SLIPWAY_SERVER=${url}`,
      ],
      own: [
        HOME,
        ['https://slipway.example.com', url],
        ['invoice-ocr-eu', 'document-classifier-eu'],
        ['unsilence <id>', 'unsilence $(slipway silences --json | grep -om1 "[0-9a-f-]\\{36\\}")'],
      ],
    }),
    'docs/how-to/explain-a-decision.md': () => ({
      before: [
        'SLIPWAY_TOKEN=$(slipway token create --home .slipway --name oncall --scope view,operate)',
        'export SLIPWAY_TOKEN',
      ],
      own: [
        ['invoice-ocr-eu', 'document-classifier-eu'],
        ['--repo …', '--repo my-models'],
        ['http://slipway:8080', url],
      ],
    }),
    'docs/reference/uploads.md': () => ({
      before: [
        'SLIPWAY_TOKEN=$(slipway token create --home .slipway --name ci --scope publish)',
        `export SLIPWAY_TOKEN SLIPWAY_SERVER=${url}`,
      ],
    }),
  };
  test.each(Object.entries(pages))('%s', (name, typed) => world.type(name, typed()));
});
