// Owns the page of the agent's settings, made from their table.
import { SETTINGS, settingNames } from '../fleet-agent/src/settings.ts';
import { cell } from './schema-fields.ts';

const INTRODUCTION = `# Settings of the agent

Made from the table of settings by \`npm run generate\`. A setting of \`slipway-agent run\` is a flag, a line of the YAML file of \`--config\`, or a variable of the environment: flags win over the file, and the file over variables. Paths in the file are
seen from its folder. An unknown name is refused with the nearest one (\`AGENT_SETTING\`).

\`\`\`yaml
server: https://slipway.example.com
id: kiosk-001
trust: trust-policy.yaml
root: root.json
endpointPort: 9000
label: { region: eu-west, hw: rev2 }
\`\`\`

A device needs \`trust\`, \`root\` and \`server\` (or \`distribution\`, for one that only follows and reports nothing). [Install the agent](../how-to/install.md#the-agent-of-a-device) says where the file lies as a service of systemd.
\`slipway-agent --help\` lists its commands: \`run\`, \`status\`, \`ask\`, \`install\`, \`uninstall\`. It ends with the [exit codes](error-codes.md#exit-codes-and-http-statuses) of \`slipway\`.

| in the file | flag | environment | meaning | default |
|---|---|---|---|---|
`;

const END = `
Two variables are Node.js's own: \`NODE_EXTRA_CA_CERTS\` for [a private authority](../how-to/tls.md#a-private-authority-and-a-proxy-on-the-way-out), \`NODE_USE_ENV_PROXY\` with \`HTTPS_PROXY\` for a proxy on the way out.
A token stands in \`SLIPWAY_AGENT_TOKEN\` rather than in a flag, which every user of the machine could read; once the device is enrolled it plays no part any more.
`;

export function agentPage(): string {
  const rows = SETTINGS.map((setting) => {
    const { flag, variable } = settingNames(setting);
    const fallback = 'fallback' in setting ? `\`${setting.fallback}\`` : '';
    const shown = setting.shape === 'hook' ? '' : `\`--${flag}\``;
    return `| \`${setting.name}\` | ${shown} | \`${variable}\` | ${cell(setting.help)} | ${fallback} |`;
  });
  return `${INTRODUCTION}${rows.join('\n')}\n${END}`;
}
