// Owns what CDEvents 0.5 and CloudEvents 1.0 ask of the events that Slipway sends, as a schema of our own words.
import { Ajv2020 } from 'ajv/dist/2020.js';

/*
 * Restated from the schemas and pages of https://github.com/cdevents/spec (0.5: service, incident, custom; Apache-2.0) and from
 * https://github.com/cloudevents/spec (1.0.2, JSON format; Apache-2.0). Objects are closed there, so a field too many is an error.
 */
const text = { type: 'string', minLength: 1 };
const uri = { ...text, format: 'uri' };
const uriReference = { ...text, format: 'uri-reference' };
const moment = { type: 'string', format: 'date-time' };
const anyObject = { type: 'object' };

function closed(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, properties, required };
}

const place = closed({ id: text, source: uriReference }, ['source']);
const running = closed({ environment: place, artifactId: { ...text, format: 'purl' } });
const incident = closed(
  { environment: place, description: { type: 'string' }, service: place, artifactId: { ...text, format: 'purl' } },
  ['description', 'service', 'artifactId'],
);

/** What the content of each standard event has; in the order of the vocabulary. */
const CONTENTS: Readonly<Record<string, object>> = {
  'dev.cdevents.service.deployed.0.3.0': running,
  'dev.cdevents.service.upgraded.0.3.0': running,
  'dev.cdevents.service.rolledback.0.3.0': running,
  'dev.cdevents.service.removed.0.3.0': closed({ environment: place }),
  'dev.cdevents.incident.detected.0.3.0': incident,
  'dev.cdevents.incident.resolved.0.3.0': incident,
};

/** `dev.cdeventsx.<tool>-<subject>.<predicate>.<version>`: our own, with a content of our own. */
const OWN_TYPE = '^dev\\.cdeventsx\\.[a-zA-Z0-9]+-[a-zA-Z]+\\.[a-zA-Z]+\\.[0-9]\\.[0-9]\\.[0-9]$';

function eventSchema(type: object, content: object): object {
  const context = closed(
    {
      ...{ specversion: { const: '0.5.1' }, id: text, source: uriReference, type, timestamp: moment },
      ...{ schemaUri: uri, chainId: text, links: { type: 'array' } },
    },
    ['schemaUri', 'chainId', 'links'],
  );
  const subject = closed({ id: text, source: uriReference, content }, ['source']);
  const custom = { customData: anyObject, customDataContentType: { type: 'string' } };
  return closed({ context, subject, ...custom }, Object.keys(custom));
}

/** The required attributes, and those optional ones that we send. */
function cloudEventSchema(data: object): object {
  return closed({
    ...{ specversion: { const: '1.0' }, id: text, source: uriReference, type: text },
    ...{ subject: text, time: moment, datacontenttype: { type: 'string', pattern: '^application/([a-z]+\\+)?json$' } },
    data,
  });
}

const ajv = new Ajv2020({ strict: true, allErrors: true });
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
ajv.addFormat('date-time', (value: string) => RFC_3339.test(value) && !Number.isNaN(Date.parse(value)));
ajv.addFormat('uri', (value: string) => URL.canParse(value));
ajv.addFormat('uri-reference', (value: string) => {
  const isOfItsCharacters = /^([A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/.test(value);
  return isOfItsCharacters && value.split('#').length <= 2 && URL.canParse(value, 'https://base.example/');
});
// The colon is never encoded in a package URL, not even within a part.
const PURL =
  /^pkg:[a-z][a-z0-9.-]*(\/([\w.~:-]|%(?!3A)[0-9A-F]{2})+)+@([\w.~:-]|%(?!3A)[0-9A-F]{2})+\?checksum=sha256:[0-9a-f]{64}$/;
ajv.addFormat('purl', PURL);

const standard = new Map(
  Object.entries(CONTENTS).map(([type, content]) => [
    type,
    ajv.compile(cloudEventSchema(eventSchema({ const: type }, content))),
  ]),
);
const own = ajv.compile(cloudEventSchema(eventSchema({ type: 'string', pattern: OWN_TYPE }, anyObject)));

interface CloudEvent {
  readonly type: string;
}

/** What is wrong with the body of a delivery; empty when nothing is. */
export function eventObjections(body: string): string {
  const event = JSON.parse(body) as CloudEvent;
  const validate = event.type.startsWith('dev.cdeventsx.') ? own : standard.get(event.type);
  if (validate === undefined) return `${event.type} is not in the vocabulary`;
  return validate(event) ? '' : ajv.errorsText(validate.errors);
}
