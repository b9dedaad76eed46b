// Owns the page of the service's settings, made from their table.
import { SERVICE_SETTINGS, type Setting } from '../src/cli/service-settings.ts';

const SETTINGS_INTRODUCTION = `# Settings of the service

Made from the table of settings by \`npm run generate\`. A setting is a line of \`service.yaml\` in the home (or of the file of \`--config\`, \`SLIPWAY_CONFIG\`), a variable of the environment, or a flag of
\`slipway run\`: the environment wins over the file, and flags over both. \`slipway reconcile\` takes the same. An empty variable counts as not set.

\`\`\`yaml
repo: https://git.example.com/me/models.git
listen: 0.0.0.0:8443
tlsCert: /etc/slipway/tls/fullchain.pem
tlsKey: /etc/slipway/tls/privkey.pem
poll: 30s
\`\`\`

Paths in the file are seen from its folder. An unknown name is refused with the nearest one, its line and column (\`SETTING_UNKNOWN\`), a wrong value as \`SETTING_VALUE\`.
\`slipway run --print-config\` prints each setting with where it comes from, and of secrets only whether they are set. The schema for editors is
[service-settings.schema.json](../../schemas/service-settings.schema.json).

The file is read again when it changes. Settings marked *at once* take effect then; the others are named in a warning and wait for a restart. A file that can't be used changes nothing and is logged.

| in the file | flag | environment | meaning | default | takes effect |
|---|---|---|---|---|---|
`;

const SETTINGS_END = `
## Secrets

They come from the environment alone, as the value or as \`…_FILE\`, the name of a file that holds it: \`SLIPWAY_GIT_TOKEN\` (the repository), \`SLIPWAY_HOOK_SECRET\` ([webhooks](git-hosts.md)),
\`SLIPWAY_VIEWER_TOKEN\` and \`SLIPWAY_ADMIN_TOKEN\` ([tokens](../how-to/tokens.md)), \`SLIPWAY_OIDC_CLIENT_SECRET\` ([login](../how-to/log-in-to-the-screen.md)).

## Names that are alike

\`SLIPWAY_REPO\` is the manifests repository, for the service and for people; \`SLIPWAY_REPOSITORY\` is a variable of the workflows in \`deploy/github\` alone and says where they get Slipway from.
\`SLIPWAY_PUBLIC_URL\` is the address of the service; \`--public-url\` of \`slipway package\` and \`release\` is where devices fetch an artifact, and has no variable. \`SLIPWAY_SERVER\` and \`SLIPWAY_TOKEN\` are what a
person's commands show to a service; the service reads neither. Settings of the agent begin with \`SLIPWAY_AGENT_\`.
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

export function settingsPage(): string {
  const settingRows = Object.entries<Setting>(SERVICE_SETTINGS).map(([name, setting]) => {
    const { flag, variable, help, fallback, isLive, choices } = setting;
    const meaning = choices === undefined ? help : `${help}: ${choices.join(', ')}`;
    const shown = fallback === undefined ? '' : `\`${fallback}\``;
    return `| \`${name}\` | \`${flag.split(' ')[0]}\` | \`${variable}\` | ${cell(meaning)} | ${shown} | ${isLive ? 'at once' : 'after a restart'} |`;
  });
  return `${SETTINGS_INTRODUCTION}${settingRows.join('\n')}\n${SETTINGS_END}`;
}
