// Owns the words of error codes whose sentences their sources put together at run time: cause and remedy, where the source has none to read.

interface Words {
  readonly cause?: string;
  readonly remedy?: string;
}

const SIGN_AGAIN = 'If the document changed after it was signed, sign it again: `slipway sign <file> --key …`.';
const BAD_REPORT =
  'Reports of Slipway’s agent keep these bounds. Correct the program that writes the reports: docs/reference/reports.md lists the fields.';
const PLAIN_BODY = 'Send JSON in UTF-8, whole and not compressed, as docs/reference/http-api.md describes it.';
const CORRECT_RULE =
  'Write the rule as the page of metrics shows it (docs/reference/metrics.md); the message names what would fit.';
const INPUTS = 'Correct the input of the action: docs/how-to/github-actions.md lists them.';
const ABORT = 'Put the file back from the history, or end this attempt with `slipway abort <rollout>`.';
const ADOPT = 'If you mean it, `slipway adopt <rollout>` accepts it.';
const PUBLICATION =
  'The device keeps the model that it runs and tries again. Check that the device reaches your own publication, and that the service runs and publishes (`slipway doctor`).';

/** Codes whose names are put together: the template in the source, and what it can yield. */
export const BUILT_CODES: Readonly<Record<string, readonly string[]>> = {
  'TOKEN_…': ['TOKEN_EXPIRED', 'TOKEN_REVOKED'],
  'ENROLMENT_…': [
    'ENROLMENT_UNKNOWN_TOKEN',
    'ENROLMENT_EXPIRED_TOKEN',
    'ENROLMENT_USED_TOKEN',
    'ENROLMENT_OTHER_DEVICE',
    'ENROLMENT_KEY_TAKEN',
  ],
  '…_TIME': ['SIGNAL_TIME', 'NOTIFY_TIME'],
  '…_ADDRESS': ['SIGNAL_ADDRESS', 'NOTIFY_ADDRESS'],
};

const NEW_TOKEN = 'Make a new token: `slipway token`.';

export const ERROR_WORDS: Readonly<Record<string, Words>> = {
  AGENT_DIRECTIVE: { cause: 'The agent could not act on a new directive. Its models serve on, and it tries again.' },
  AGENT_HTTP: { remedy: 'The agent tries again by itself. Check the network of the device, its proxy and `server`.' },
  AGENT_HTTP_LENGTH: {
    cause: 'The service or the publication answered with more bytes than such an answer can have.',
    remedy: 'Check that no captive portal or proxy answers in its place.',
  },
  AGENT_HTTP_STATUS: {
    remedy: 'The agent tries again by itself. The log of the service, or of what stands before it, says why.',
  },
  AGENT_HTTP_TIMEOUT: {
    remedy: 'The agent tries again by itself. Check the network of the device and the load of the service.',
  },
  AGENT_MANIFEST: {
    cause: 'A manifest could not be read, and the reason is none that the agent knows. The device keeps its model.',
  },
  AGENT_PART: { cause: 'A part of the agent stopped, such as its inference endpoint. The others work on.' },
  AGENT_POINTER: { cause: 'The pointer that shows other processes the folder of the serving model could not be set.' },
  AGENT_REPORT: { cause: 'A report could not be written or sent. The agent keeps it and tries again.' },
  AGENT_STEP: {
    cause: 'A step of an update failed unexpectedly. The model that serves goes on, and the agent tries again.',
  },
  AGENT_SUPPLY: {
    cause: 'A file of a model could not be fetched, and the reason is none that the agent knows. It tries again.',
  },
  ARTIFACT_CUT: {
    cause: 'The upload ended before its last byte; the answer says how many bytes the service has.',
    remedy:
      'Go on with `Content-Range: bytes <received>-…`, or send the whole. `slipway release` and `package` do so by themselves.',
  },
  ARTIFACT_OFFSET: {
    cause: 'The upload begins at another byte than the service expects; the answer says how many bytes it has.',
    remedy: 'Go on with `Content-Range: bytes <received>-…`, or send the whole.',
  },
  ASSERT_INVARIANT: { cause: 'Something that must always hold did not; the message says what.' },
  DEVICE_DENIED: { remedy: 'Nothing is left to do: the device is denied already.' },
  DOCUMENT_BROKEN: {
    remedy: 'Correct it: the errors in it are listed beside, and `slipway validate` shows all of them.',
  },
  DOCUMENT_FIELD_MISSING: {
    cause: 'A field that the document must have is not there; the message names it.',
    remedy: 'Add it.',
  },
  DOCUMENT_FIELD_VALUE: {
    cause: 'A field has a value that it cannot have: of another type, out of bounds, or none of the known words.',
    remedy: 'Write one of the values that the message names.',
  },
  DOCUMENT_UNKNOWN_FIELD: {
    cause: 'The document has a field that its kind does not know, often a slip of the pen or a wrong indentation.',
    remedy: 'Take the field that the message proposes, or remove it.',
  },
  DOCUMENT_UNREADABLE: {
    cause: 'A document of the repository could not be read.',
    remedy: 'Run `slipway validate` in a clone of the repository, and correct what it says.',
  },
  ENROLMENT_ANSWER: {
    remedy:
      'Check that `server` is the address of the Slipway service, and that no portal or proxy answers in its place.',
  },
  ENROLMENT_EXPIRED_TOKEN: { cause: 'The token has expired.', remedy: NEW_TOKEN },
  ENROLMENT_KEY_TAKEN: {
    cause: 'The device is enrolled with another key: it lost its data folder, or another device uses its id.',
    remedy:
      'Make a token for this device: `slipway token --device <id>`. If two devices have one id, give each its own.',
  },
  ENROLMENT_OTHER_DEVICE: { cause: 'The token is for another device.', remedy: NEW_TOKEN },
  ENROLMENT_SHAPE: { remedy: 'Enrol with Slipway’s agent, or send what docs/reference/http-api.md lists.' },
  ENROLMENT_UNKNOWN_TOKEN: { cause: 'The service does not know the token.', remedy: NEW_TOKEN },
  ENROLMENT_USED_TOKEN: { cause: 'The token is used up.', remedy: NEW_TOKEN },
  EVIDENCE_KEY_UNKNOWN: {
    cause: 'Evidence in the repository is signed by a key that the trust policy does not list under `reconciler`.',
    remedy:
      'List the key there if it is yours, as after a rotation. If nobody knows the key, somebody else wrote the evidence: restore it from the history.',
  },
  EVIDENCE_SIGNATURE: {
    cause: 'The signature of evidence does not fit its text: the file was changed after it was written.',
    remedy: 'Restore the file from the history, and find out who changed it.',
  },
  FILES_MISSING: { remedy: INPUTS },
  FILE_KIND: { remedy: 'Put a regular file there: no link, folder, pipe or device.' },
  FILE_SIZE: { remedy: 'Check that it is the right file: one of this kind is never so long.' },
  FOLDER_MISSING: { remedy: INPUTS },
  GIT_ABORTED: { remedy: 'Nothing is wrong: the program was told to stop.' },
  GIT_AWAY: {
    remedy: 'The message says why. Check the address, the token and the network of the repository, then try again.',
  },
  GIT_COMMIT_SIGNATURES: { remedy: 'Make the commit again with one signature.' },
  GIT_FETCH_FAILED: { cause: 'The repository could not be fetched, and the reason is none that Slipway knows.' },
  GIT_PUSH_FAILED: { cause: 'A commit could not be pushed, and the reason is none that Slipway knows.' },
  HISTORY_REWOUND: {
    cause: 'The branch has an older revision of a rollout than the service has seen: somebody set it back.',
    remedy: ADOPT,
  },
  HOST_ANSWER: { cause: 'The API of the Git host answered with something that is none of its answers.' },
  HOST_AWAY: { remedy: 'Check the address of the API, the network and the proxy.' },
  HOST_CREDENTIALS: {
    cause: 'The Git host refuses the token for its API.',
    remedy:
      'Make a token that may open pull requests (merge requests) in this repository: docs/reference/git-hosts.md.',
  },
  HOST_UNREACHABLE: { cause: 'The API of the Git host can’t be reached.' },
  HTTP_BODY_CUT: { remedy: 'Send it again. If it repeats, a proxy between cuts bodies.' },
  HTTP_BODY_DEPTH: { remedy: PLAIN_BODY },
  HTTP_BODY_ENCODING: { remedy: PLAIN_BODY },
  HTTP_BODY_FORM: { remedy: 'Press the button on the page itself; programs send JSON.' },
  HTTP_BODY_JSON: { remedy: PLAIN_BODY },
  HTTP_METHOD: {
    remedy: 'Use one of the methods that the message names. docs/reference/http-api.md lists all addresses.',
  },
  HTTP_NOT_FOUND: {
    remedy: 'Check the address. docs/reference/http-api.md lists all of them; a proxy must not change the path.',
  },
  INTERNAL_ERROR: {
    remedy: 'Look into the log of the service, and report it as a bug in Slipway with what the log says.',
  },
  LOCATION_CREDENTIALS: {
    remedy: 'Correct the credentials of the bucket on the service: docs/how-to/private-artifacts.md.',
  },
  LOCATION_TIME: {
    cause: 'The clocks of device and service are too far apart for a request that names the time.',
    remedy: 'The agent asks again by the time of the service. If it persists, set the clock of the device.',
  },
  MANIFEST_COPY_MISSING: {
    cause: 'The copy of the manifest that is rolling out is missing beside the evidence.',
    remedy: ABORT,
  },
  MANIFEST_OUTPUT_KIND: { remedy: 'Leave out `kind` for the outputs that no rule needs.' },
  MODEL_UNKNOWN: { remedy: 'Take one of the names that the message lists, or commit a manifest of the model.' },
  MODEL_VERSION_CHANGED: {
    cause: 'A version has another manifest than when it was published. Versions never change.',
    remedy: 'Put the manifest back, and give the new content a version of its own.',
  },
  MODEL_VERSION_DRAFT: {
    cause: 'The rollout asks for a version that is a draft and has no files yet.',
    remedy: 'Package and sign the version (`slipway package`), or ask for another one.',
  },
  MODEL_VERSION_MISSING: {
    cause: 'No manifest in the repository is of the version that the rollout asks for.',
    remedy: 'Commit the manifest, or correct `spec.version`.',
  },
  NOTICES_FAILED: { cause: 'Notices could not be recorded. They are tried again in the next cycle.' },
  NOTIFY_ADDRESS: {
    cause: 'The address of a target in `notify.yaml` is no http(s) address, holds a secret, or is plain HTTP.',
    remedy: 'Write an https:// address, and give secrets by file.',
  },
  NOTIFY_MAIL: {
    cause:
      'A mail server has a user without a password file or the other way round, or its password would cross the network in plain text.',
    remedy: 'Write both or leave out both, and keep TLS on.',
  },
  NOTIFY_NAME: { cause: 'Two targets or mail servers have one name.', remedy: 'Give each a unique name.' },
  NOTIFY_TIME: {
    cause: 'A `timeout` in `notify.yaml` is out of range.',
    remedy: 'Write more than 0s and at most 10s.',
  },
  PAST_UNREAD: { remedy: 'Wait until the service has read it; `slipway status` says what keeps it.' },
  PLAIN_DENIED: { remedy: 'Take the device off the deny list, or stop its reports.' },
  PLAIN_ENROLLED: { remedy: 'Let its agent report, or give the plain device another id.' },
  PLAIN_TOO_MANY: {
    remedy:
      'Devices that went silent make room after a while. Check whether ids or names of models are made up anew each time.',
  },
  PLAIN_TOO_OFTEN: { remedy: 'Send one report per interval and device: docs/how-to/report-without-the-agent.md.' },
  PLAN_MISSING: {
    cause: 'The action can’t compare the change with the base, so it shows no plan. A warning.',
    remedy: 'Check out with `fetch-depth: 2`, or pass `base`.',
  },
  POLICY_BLIND: {
    cause:
      'No rule of the policy would notice a kind of bad version, such as one that misses a class, before every device has it.',
    remedy: 'Add the rules that the message names to a stage that is not the last.',
  },
  POLICY_COPY_MISSING: { cause: 'The copy of the policy in force is missing beside the evidence.', remedy: ABORT },
  POLICY_MISSING: {
    cause: 'The policy that the rollout names is not in the repository.',
    remedy: 'Commit the policy, or correct `spec.policy`.',
  },
  POLICY_NEVER_DECIDES: {
    cause: 'A rule can never be decided on so few devices, no matter how long the stage runs.',
    remedy: 'Add devices, or leave out `scope: fleet`.',
  },
  POLICY_NOT_FOR_ROLLOUT: {
    cause: 'The `appliesTo` of the policy does not include this rollout.',
    remedy: 'Use another policy, or extend its `appliesTo` and sign it again.',
  },
  POLICY_NO_GROUP: {
    cause: 'A rule by groups judges nothing in this stage: no group is large enough.',
    remedy: 'Add devices, or move the rule to a later stage.',
  },
  POLICY_NO_STAGE: { cause: 'The policy has no stage.', remedy: 'Give it a stage.' },
  POLICY_ONE_DEVICE: {
    cause: 'In so small a stage one broken device fails the rule, and so ends the rollout.',
    remedy: 'Include more devices, or give the limit a floor: `, floor 2 devices`.',
  },
  POLICY_OUTPUTS: {
    cause:
      'A rule is about outputs that the manifests do not declare in a form that can be compared, so it would wait in vain.',
    remedy: 'Declare the outputs in the manifests of both versions, or correct the name in the rule.',
  },
  POLICY_RULE_NAME: {
    cause: 'A rule names its metric by a name that it had before.',
    remedy: 'Write the present name, which the message gives. The old one still works.',
  },
  POLICY_SELECT_TOO_LONG: {
    cause: 'The selectors of the stages together are too long for one selector.',
    remedy: 'Shorten the selectors of the stages.',
  },
  POLICY_STAGE_NAME: { remedy: 'Give each stage a unique name.' },
  POLICY_TOO_FEW_DEVICES: {
    cause: 'A stage has fewer devices than it needs to pass.',
    remedy: 'Lower `minimum.devices`, or add devices.',
  },
  POLICY_TOO_SLOW: {
    cause: 'At this traffic a rule or a minimum needs longer than the stage has.',
    remedy: 'Add devices, give the stage more time, or widen the limit.',
  },
  PROOF_MISSING: { remedy: 'Sign it again with `--keyless`, or with a tool that logs or timestamps the signature.' },
  RECONCILE_FAILED: {
    cause: 'A cycle of the reconciler failed unexpectedly. Devices keep what they run, and it tries again.',
  },
  REFERENCE_CLASS: {
    cause: 'A rule is about a class that no manifest of the model names.',
    remedy: 'Take one of the classes that the message lists, or name the classes in the manifest.',
  },
  REFERENCE_GROUP: { remedy: 'Correct the name, or commit the DeviceGroup.' },
  REFERENCE_INPUT: {
    cause: 'A rule is about an input that reports of the model do not tell of.',
    remedy: 'Take one of the inputs that the message lists.',
  },
  REFERENCE_MODEL: { remedy: 'Correct the name, or commit a manifest of the model.' },
  REFERENCE_PARAMETER: {
    cause: 'A rollout sets a parameter that the version does not have, or to a value out of its bounds.',
    remedy: 'Correct the parameter; the manifest lists `parameters` with their bounds.',
  },
  REFERENCE_VARIANT: {
    cause: 'A rule by `platform` or `precision` has a limit for one that no manifest has.',
    remedy: 'Take one of those that the message lists, or remove the limit.',
  },
  REPORTS_SHAPE: { remedy: BAD_REPORT },
  REPORT_BOUNDS: { cause: 'A list, a text or a map of a report is longer than it can be.', remedy: BAD_REPORT },
  REPORT_DEPTH: { cause: 'A report is nested deeper than reports can be.', remedy: BAD_REPORT },
  REPORT_JSON: { remedy: BAD_REPORT },
  REPORT_NUMBERS: {
    cause:
      'Numbers of a report contradict each other or are out of range: parts that add up to more than the inferences, a mean outside of its least and most.',
    remedy: BAD_REPORT,
  },
  REPORT_SHAPE: {
    cause: 'A field of a report is of the wrong type, has a wrong name, or lacks something.',
    remedy: BAD_REPORT,
  },
  REQUEST_NOTHING_ROLLS: { remedy: '`slipway status <rollout>` shows what it does.' },
  REQUEST_NOTHING_TO_UNDO: {
    cause: 'The rollout has no earlier wish to go back to, or the last change was undone already.',
    remedy: '`slipway history <rollout>` shows its steps; `slipway set` asks for any version.',
  },
  ROLLOUT_FACTS: {
    cause: 'The facts about one rollout could not be gathered. Its devices keep what they run; other rollouts go on.',
  },
  ROLLOUT_LATEST: {
    cause: 'The rollout asks for `latest`, so whoever commits a manifest starts a rollout.',
    remedy: 'Name a version or a range, unless you want that.',
  },
  ROLLOUT_MISSING: {
    cause: 'The file of a rollout is gone, moved to where it is not read, or renamed, while devices run its versions.',
    remedy: 'Put it back under its name; to end the rollout, delete the file at its own place.',
  },
  ROLLOUT_MODEL_CHANGED: {
    cause: 'The rollout was for another model before.',
    remedy: 'Put `spec.model` back, and give the other model a rollout of its own.',
  },
  ROLLOUT_TARGETS_OVERLAP: {
    cause: 'Devices belong to the targets of two rollouts of one model.',
    remedy: 'Make the two targets exclude each other.',
  },
  RULE_AFTER: { remedy: CORRECT_RULE },
  RULE_BASELINE: { remedy: CORRECT_RULE },
  RULE_CLASS: {
    cause: 'The metric needs the name of a class, an output or an input in brackets, or has one that it does not take.',
    remedy: CORRECT_RULE,
  },
  RULE_COMPARISON: { remedy: CORRECT_RULE },
  RULE_FLOOR: { remedy: CORRECT_RULE },
  RULE_LIMIT: { remedy: CORRECT_RULE },
  RULE_METRIC: { cause: 'There is no metric of this name.', remedy: CORRECT_RULE },
  RULE_SUSTAINED: { remedy: CORRECT_RULE },
  RULE_UNIT: { cause: 'The limit is not written in the unit of its metric.', remedy: CORRECT_RULE },
  SELECTOR_SYNTAX: {
    cause: 'A selector can’t be read; the message names the place.',
    remedy: 'Write it like `hw=rev2,site in (berlin, rome)`. The message says what would fit.',
  },
  SERVER_UNREACHABLE: { remedy: 'Check --server, and whether the service runs and the network lets you through.' },
  SIGNAL_ADDRESS: {
    cause: 'The address of a provider in `signals.yaml` is no http(s) address, holds a secret, or is plain HTTP.',
    remedy: 'Write an https:// address, and give secrets by file.',
  },
  SIGNAL_NAME: { cause: 'Two providers have one name.' },
  SIGNAL_SILENT: {
    cause: 'An outside signal that a rule asks has given no answer for a while, so the rule stays undecided.',
    remedy: 'See docs/runbooks/signal-silent.md.',
  },
  SIGNAL_TIME: {
    cause: 'A `timeout` or `every` of a provider is out of range.',
    remedy: 'Write a time within the bounds that the message names.',
  },
  SIGNATURES_VALUE: { remedy: INPUTS },
  SIGNATURE_MISSING: { remedy: 'Sign it with `slipway sign <file> --key …`, or let CI sign it.' },
  SIGNATURE_UNREADABLE: { remedy: SIGN_AGAIN },
  SIGNATURE_UNSUPPORTED: { remedy: SIGN_AGAIN },
  SIGNATURE_WRONG: { remedy: SIGN_AGAIN },
  SIGNER_EXPIRED: { remedy: 'Sign it again with a key that the trust policy trusts.' },
  SIGNER_NOT_ALLOWED: {
    remedy: 'Sign it with a key that the trust policy allows for this kind and name, or allow this one there.',
  },
  SIGNER_REVOKED: {
    remedy: 'Sign it again with a key that the trust policy trusts; under a new version if devices have it already.',
  },
  SIGNER_UNKNOWN: { remedy: 'Sign it with a key that the trust policy allows, or add this key there.' },
  SIGN_SERVICE_ANSWER: { cause: 'A service of Sigstore answered with something that is none of its answers.' },
  SIGN_SERVICE_REFUSED: {
    cause: 'A service of Sigstore refuses the request; the message says what it said.',
    remedy:
      'Check the identity token, its audience and the addresses of the signing config: docs/how-to/sign-in-ci.md.',
  },
  SIGN_TOKEN_MISSING: {
    remedy:
      'Let the job have one: docs/how-to/sign-in-ci.md. Elsewhere give it in SIGSTORE_ID_TOKEN or with --identity-token-file.',
  },
  SIGN_IDENTITY_UNKNOWN: { remedy: 'Run the job again, or use `sign: key`: docs/how-to/github-actions.md.' },
  SIGN_SHARED_IDENTITY: {
    remedy: 'Use the action `release` in a workflow of your own, or `sign: key`: docs/how-to/github-actions.md.',
  },
  SIGN_VALUE: { remedy: INPUTS },
  SLIPWAY_UNKNOWN: {
    remedy: 'The host does not tell a called workflow its own commit: use the action in steps of your own.',
  },
  STAGE_UNKNOWN: {
    cause: 'The status names a stage that the policy in force does not have.',
    remedy: '`slipway abort <rollout>` ends this attempt.',
  },
  STATUS_OF_OTHER: {
    cause: 'Another reconciler signed the status of the rollout.',
    remedy: 'Run this service with the home that it had, or list the other key under `reconciler` in the trust policy.',
  },
  STATUS_TWICE: {
    cause: 'The branch has another version of a revision that the service has seen: its history was rewritten.',
    remedy: ADOPT,
  },
  STEP_UNKNOWN: { remedy: '`slipway history` shows the steps and their commits.' },
  STORE_FAILED: { cause: 'The store failed, and the reason is none that Slipway knows.' },
  SYSTEM_PATH: {
    cause: 'The operating system finds a file, a folder or a link where another is expected, or nothing at all.',
  },
  TOKEN_EXPIRED: {
    cause: 'The token has expired.',
    remedy: 'Make a new one: `slipway token create --name <name> --scope <scope>`.',
  },
  TOKEN_REVOKED: {
    cause: 'The token was revoked.',
    remedy: 'Ask whoever keeps the service for a new one: `slipway token create`.',
  },
  TRUST_MISSING: { remedy: 'Pass `trust` or `trust-policy` to the action; a variable that is not set is empty.' },
  TRUST_POLICY_PROBLEMS: { remedy: 'Correct each of them; the message lists them with their places.' },
  TRUST_SIGNER_PATTERN: {
    cause: 'The pattern of a keyless signer matches more than it should, or can’t be read.',
    remedy: 'Write a pattern that only your own workflows match; docs/how-to/sign-in-ci.md has examples.',
  },
  TRUST_TWICE: { remedy: INPUTS },
  TUF_EXPIRED: { remedy: PUBLICATION },
  TUF_LENGTH: { remedy: PUBLICATION },
  TUF_OTHER: { remedy: PUBLICATION },
  TUF_ROLLBACK: { remedy: PUBLICATION },
  TUF_SIGNATURE: { remedy: PUBLICATION },
  WINDOW_NOT_PREPARED: {
    cause: 'The window that counts the reports of a stage could not be opened. The next cycle tries again.',
  },
};
