// Owns the routes by which publishers bring artifacts: what is there of one, and its bytes, whole or in parts.
import { assertNever } from '../../base/errors.ts';
import { isDigest } from '../../contract/digest.ts';
import { type ArtifactIntake, parseStatedRange, type UploadOutcome } from '../artifact-intake.ts';
import { errorAnswer, tryLater } from './answers.ts';
import { bodyEncodingProblem } from './body.ts';
import type { Answer, Asked, Route } from './route.ts';

const PATH = '/v1/artifacts/{digest}';
const NO_DIGEST = errorAnswer(400, {
  code: 'ARTIFACT_DIGEST_FORM',
  message: 'The address does not end in a digest.',
  remedy: 'Write sha256: and 64 lower-case hexadecimal digits.',
});

export function artifactRoutes(intake: ArtifactIntake): Route[] {
  return [
    {
      ...{ name: 'artifact', method: 'GET', path: PATH, scope: 'publish', request: null, response: 'Artifact' },
      summary: 'How much of an artifact is there.',
      handle: async ({ params: { digest } }): Promise<Answer> => {
        if (!isDigest(digest)) return NO_DIGEST;
        const state = await intake.find(digest);
        if (state.kind === 'whole') return received(200, { digest, sizeBytes: state.sizeBytes }, state.sizeBytes);
        return received(404, { digest, sizeBytes: null }, state.receivedBytes);
      },
    },
    {
      ...{ name: 'upload', method: 'PUT', path: PATH, scope: 'publish', response: 'Artifact' },
      summary: 'Takes an artifact, whole or in parts.',
      request: { kind: 'streamed', schema: 'bytes', mostBytes: Number.MAX_SAFE_INTEGER },
      handle: (asked) => takeUpload(intake, asked),
    },
  ];
}

async function takeUpload(intake: ArtifactIntake, asked: Asked): Promise<Answer> {
  const { params, headers, openBody, bearer } = asked;
  const { digest } = params;
  if (!isDigest(digest)) return NO_DIGEST;
  const encoded = bodyEncodingProblem(headers);
  if (encoded !== undefined) return encoded;
  const range = parseStatedRange({
    contentLength: headers['content-length'],
    contentRange: headers['content-range'],
  });
  switch (range.kind) {
    case 'no-length':
      return errorAnswer(411, {
        code: 'ARTIFACT_LENGTH',
        message: 'The upload does not say how long it is.',
        remedy: 'Send Content-Length, and no Transfer-Encoding.',
      });
    case 'wrong-range':
      return errorAnswer(400, {
        code: 'ARTIFACT_RANGE',
        message: 'Content-Range is not one range of bytes as long as Content-Length says.',
        remedy: 'Write `Content-Range: bytes <first>-<last>/<size of the whole>`, or leave it out and send the whole.',
      });
    case 'too-large':
      return errorAnswer(413, {
        code: 'ARTIFACT_TOO_LARGE',
        message: `An artifact has at most ${range.mostBytes} bytes.`,
        remedy: 'Split the model, or store it elsewhere and give its address in the manifest.',
      });
    case 'range':
      break;
    default:
      return assertNever(range);
  }
  const outcome = await intake.take({ ...range, digest, openBody }, bearer?.id ?? '');
  return answerOf(outcome, digest, range.totalBytes);
}

function received(
  status: number,
  facts: { readonly digest: string; readonly sizeBytes: number | null },
  receivedBytes: number,
): Answer {
  return { kind: 'json', status, value: { ...facts, receivedBytes }, headers: { 'Upload-Offset': receivedBytes } };
}

function answerOf(outcome: UploadOutcome, digest: string, totalBytes: number): Answer {
  switch (outcome.kind) {
    case 'stored':
      return received(outcome.isNew ? 201 : 200, { digest, sizeBytes: outcome.sizeBytes }, outcome.sizeBytes);
    case 'partial':
      return received(202, { digest, sizeBytes: totalBytes }, outcome.receivedBytes);
    case 'cut':
    case 'offset': {
      const { receivedBytes } = outcome;
      const code = outcome.kind === 'cut' ? 'ARTIFACT_CUT' : 'ARTIFACT_OFFSET';
      const message = `The service has ${receivedBytes} bytes of this artifact.`;
      const remedy = `Go on with \`Content-Range: bytes ${receivedBytes}-…\`, or send the whole.`;
      const headers = { 'Upload-Offset': receivedBytes };
      return errorAnswer(outcome.kind === 'cut' ? 400 : 409, { code, message, remedy }, headers);
    }
    case 'busy':
      return tryLater(409, 'ARTIFACT_BUSY', 'Another upload of this artifact is running.', 10);
    case 'too-many':
      return tryLater(503, 'ARTIFACT_UPLOADS', 'As many uploads run as the service takes at once.', 30);
    case 'digest':
      return errorAnswer(422, {
        code: 'ARTIFACT_DIGEST',
        message: `The bytes have the digest ${outcome.actual}. They were discarded.`,
        remedy: 'Compute the digest again, and send the file whole.',
      });
    case 'quota':
      return errorAnswer(507, {
        code: 'ARTIFACT_QUOTA',
        message: `The artifacts take ${outcome.usedBytes} of ${outcome.quotaBytes} bytes: there is no room for this one.`,
        remedy: 'Remove artifacts that nobody needs (`slipway prune`), or raise --artifact-quota.',
      });
    case 'disk':
      return errorAnswer(507, {
        code: 'ARTIFACT_DISK_FULL',
        message: `The disk of the service has too little room for uploads: ${outcome.freeBytes} bytes are free, and ${outcome.reservedBytes} stay reserved.`,
        remedy:
          'Remove artifacts that nobody needs (`slipway prune`), or give the service a larger disk. A disk that is out of inodes (`df -i`) counts as one without free bytes.',
      });
    default:
      return assertNever(outcome);
  }
}
