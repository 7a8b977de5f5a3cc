import { describe, expect, it } from '@jest/globals';
import type { RegisteredAgent, RegistryEvent } from 'agentmq/agent';
import { Subject } from 'rxjs';
import { Calls } from './calls.js';
import { AgentLostError } from './errors.js';

const agentOf = (instance: string) => ({ id: 'worker-1', instance }) as RegisteredAgent;
const agent = agentOf('first');

function start(drainMs = 60_000) {
  const events = new Subject<RegistryEvent>();
  const calls = new Calls(events, drainMs);
  const happens = (kind: RegistryEvent['kind'], to = agent) => events.next({ kind, agent: to });
  const ends: (() => void)[] = [];
  /** Settles when it is told to, or when the agent is lost. */
  const ask = (to = agent) =>
    calls.run(
      to,
      (lost) =>
        new Promise<string>((resolve, reject) => {
          ends.push(() => resolve('answer'));
          lost.addEventListener('abort', () => reject(lost.reason as Error));
        }),
    );
  return { calls, happens, ask, end: () => ends.forEach((each) => each()) };
}

describe('calls', () => {
  it('are counted for the instance until they settle, in whatever way', async () => {
    const { calls, ask, end } = start();
    const failing = calls.run(agent, () => Promise.reject(new Error('no')));
    const answers = [ask(), ask(), ask(agentOf('second'))];
    expect(calls.inFlight(agent)).toBe(3);
    await expect(failing).rejects.toThrow('no');
    expect(calls.inFlight(agent)).toBe(2);
    end();
    expect(await Promise.all(answers)).toEqual(['answer', 'answer', 'answer']);
    expect(calls.inFlight(agent)).toBe(0);
  });

  it('end at once with an agent that is dead, but not with one that is suspect, or another instance', async () => {
    const { calls, happens, ask } = start();
    const answer = ask();
    happens('suspect');
    happens('dead', agentOf('second'));
    expect(calls.inFlight(agent)).toBe(1);
    happens('dead');
    await expect(answer).rejects.toThrow(AgentLostError);
    await expect(answer).rejects.toMatchObject({ agentId: 'worker-1', retryable: true });
    expect(calls.inFlight(agent)).toBe(0);
  });

  it('still get the answer of an agent that was dead, and recovered before it was asked', async () => {
    const { happens, ask, end } = start();
    const lost = ask();
    happens('dead');
    happens('recovered');
    const answer = ask();
    end();
    await expect(lost).rejects.toThrow(AgentLostError);
    expect(await answer).toBe('answer');
  });

  it('still get the answers of an agent that leaves, while it has time for them', async () => {
    const patient = start();
    const answered = patient.ask();
    patient.happens('left');
    patient.end();
    expect(await answered).toBe('answer');
    const { happens, ask } = start(1);
    const answer = ask();
    happens('left');
    await expect(answer).rejects.toThrow(AgentLostError);
  });
});
