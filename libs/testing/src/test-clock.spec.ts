import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, Ctx, Handle, type MessageContext } from 'agentmq/agent';
import { CoordinatorsModule, Elections, Task, type TaskContext, Tasks } from 'agentmq/coordination';
import { Contract } from 'agentmq/protocol';
import { IsString } from 'class-validator';
import { TestSystem } from './index.js';

const MINUTE = 60_000;

@Contract({ type: 'note', retry: { attempts: 3, delay: MINUTE } })
class Note {
  @IsString() text!: string;
}

@Contract({ type: 'survey' })
class Survey {
  @IsString() of!: string;
}

const heard: string[] = [];

@Agent({ role: 'clerk' })
class Clerk {
  constructor(readonly elections: Elections) {}

  @Handle(Note)
  async note({ text }: Note, @Ctx() { attempt }: MessageContext): Promise<void> {
    heard.push(`${text} ${attempt}`);
    if (text === 'retried' && attempt < 3) throw new Error('not yet');
  }

  /** Until it is called off. */
  @Task(Survey)
  survey(_: Survey, @Ctx() { signal }: TaskContext): Promise<void> {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('called off'))));
  }
}

describe('the clock of a test system', () => {
  const clerk = (id: string) => ({ id, imports: [CoordinatorsModule], controllers: [Clerk] });
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.create({ clock: true, logger: false, apps: [clerk('clerk-1'), clerk('clerk-2')] });
  });
  afterAll(() => system.close());

  it('brings retries and delayed messages when they are due', async () => {
    await system.send({ role: 'clerk' }, Note, { text: 'retried' });
    await system.send({ role: 'clerk' }, Note, { text: 'later' }, { delay: 5 * MINUTE });
    await system.quiet();
    expect(heard).toEqual(['retried 1']);
    await system.advance(4 * MINUTE);
    expect(heard).toEqual(['retried 1', 'retried 2', 'retried 3']);
    await system.advance(MINUTE);
    expect(heard).toContain('later 1');
  });

  it('lets what no agent takes expire', async () => {
    await system.send({ agent: 'absent' }, Note, { text: 'lost' }, { ttl: MINUTE });
    await system.advance(2 * MINUTE);
    expect(await system.deadLetters()).toMatchObject([{ payload: { text: 'lost' }, state: 'expired' }]);
  });

  it('ends a task at its deadline', async () => {
    const tasks = system.get(Tasks);
    const id = await tasks.submit(Survey, { of: 'all' }, { deadline: 2 * MINUTE });
    await system.advance(MINUTE);
    expect(await tasks.find(id)).toMatchObject({ state: 'assigned' });
    await system.advance(MINUTE);
    expect(await tasks.find(id)).toMatchObject({ error: { code: 'TASK_DEADLINE_EXCEEDED' } });
  });

  it('lets the others elect a leader after the last one has crashed', async () => {
    const joined = Promise.all(system.apps.map((app) => app.get(Elections).join('clerks')));
    await system.advance(MINUTE);
    const groups = await joined;
    const leader = system.apps.findIndex((_, n) => groups[n]!.state.isLeader);
    system.apps[leader]!.crash();
    await system.advance(3 * MINUTE);
    expect(groups[1 - leader]!.state).toMatchObject({ isLeader: true });
  });
});
