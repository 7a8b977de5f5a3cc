import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, AgentSettings, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { IsString } from 'class-validator';
import { TestSystem } from './index.js';

@Contract({ type: 'chore', version: 1, retry: { attempts: 2, delay: 0 } })
class Chore {
  @IsString() what!: string;
}

let finish = (): void => undefined;

@Agent({ role: 'clerk' })
class Clerk {
  @Handle(Chore)
  async do({ what }: Chore): Promise<void> {
    if (what === 'fail') throw new Error('no');
    if (what === 'wait') await new Promise<void>((resolve) => (finish = resolve));
  }
}

describe('a test system', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.create({
      controllers: [Clerk],
      settings: { retry: { delay: 10, attempts: 7 } },
      logger: false,
    });
  });
  afterAll(() => system.close());

  it('tells what could not be handled, and not that it was', async () => {
    await system.send({ role: 'clerk' }, Chore, { what: 'fail' });
    await system.quiet();
    expect(await system.deadLetters()).toMatchObject([
      {
        payload: { what: 'fail' },
        consumer: 'role.clerk',
        error: { message: 'no' },
        history: [{ attempt: 1 }, { attempt: 2 }],
      },
    ]);
    expect(await system.handled(Chore)).toEqual([]);
  });

  it('is not quiet while a handler runs, and names what it handles', async () => {
    const { messageId } = await system.send({ role: 'clerk' }, Chore, { what: 'wait' });
    await expect(system.quiet({ within: 200 })).rejects.toMatchObject({
      code: 'NOT_QUIET',
      underWay: [expect.stringMatching(`^role.clerk takes chore ${messageId}, for \\d+ ms$`)],
    });
    finish();
    await system.quiet();
    expect(await system.handled(Chore)).toMatchObject([{ messageId, payload: { what: 'wait' } }]);
  });

  it('takes the settings of one app before those of all, and refuses a wrong one as forRoot does', async () => {
    const app = { controllers: [Clerk] };
    const wrong = { retry: { delay: -1 } };
    await expect(system.start({ ...app, settings: wrong })).rejects.toThrow('TestSystem: retry.delay: must');
    const started = await system.start({ ...app, settings: { retry: { delay: 20 } } });
    expect(started.get(AgentSettings).retry).toMatchObject({ delay: 20, attempts: 7 });
    await started.stop();
  });
});
