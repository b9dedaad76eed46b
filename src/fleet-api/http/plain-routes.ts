// Owns the route of devices that report without an agent.
import { MOST_PLAIN_BYTES } from '../../contract/plain-report.ts';
import type { PlainIntake } from '../plain-intake.ts';
import type { Answer, Route } from './route.ts';

export function plainRoutes(intake: PlainIntake): Route[] {
  return [
    {
      ...{ name: 'plain-reports', method: 'POST', path: '/v1/reports/plain', scope: 'report' },
      request: { kind: 'json', schema: 'PlainReport[]', mostBytes: MOST_PLAIN_BYTES },
      response: 'PlainAnswer[]',
      summary: 'Takes reports of devices without an agent.',
      handle: async ({ body, bearer }): Promise<Answer> => {
        const answers = await intake.take(body, bearer?.id ?? '');
        return { kind: 'json', value: answers };
      },
    },
  ];
}
