import { describe, expect, it } from '@jest/globals';
import { loadSettings } from './load-settings.js';
import { SettingsError } from 'agentmq/settings';

const read = (variables: Record<string, string>) => loadSettings(variables).scaling;

function problemsOf(variables: Record<string, string>): readonly string[] {
  try {
    loadSettings(variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
  }
  return [];
}

describe('the settings of scaling', () => {
  it('scale nothing unless told to, and have a default for everything else, in ms', () => {
    expect(read({})).toEqual({
      roles: [],
      targetBacklog: 10,
      coolDown: 60_000,
      interval: 2_000,
      startTimeout: 60_000,
      command: '',
    });
  });

  it('name the roles, with the least and the most workers of each', () => {
    expect(read({ SCALING: 'worker:1-5, specialist:0-3' }).roles).toEqual([
      { role: 'worker', min: 1, max: 5 },
      { role: 'specialist', min: 0, max: 3 },
    ]);
  });

  it('take fractions of a second and of a task', () => {
    const given = { SCALING_COOL_DOWN: '0.5', SCALING_INTERVAL: '0.1', SCALING_TARGET_BACKLOG: '0.5' };
    expect(read(given)).toMatchObject({ coolDown: 500, interval: 100, targetBacklog: 0.5 });
  });

  it.each([
    ['worker', '"worker" is not role:min-max'],
    ['worker:3', '"worker:3" is not role:min-max'],
    ['worker:1-2,', '"" is not role:min-max'],
    ['worker:-1-2', '"worker:-1-2" is not role:min-max'],
    ['a b:1-2', '"a b:1-2" is not role:min-max'],
    ['worker:3-2', '"worker:3-2" must have a max from 1 to 1000, and a min that is not greater'],
    ['worker:0-0', '"worker:0-0" must have a max'],
    ['worker:1-1001', '"worker:1-1001" must have a max'],
    ['worker:1-2,worker:1-3', '"worker" is given twice'],
  ])('refuse SCALING=%s', (value, problem) => {
    expect(problemsOf({ SCALING: value })).toEqual([expect.stringContaining(`SCALING: ${problem}`)]);
  });

  it('tell all that is wrong at once, each by its name', () => {
    const problems = problemsOf({
      SCALING: 'worker:2-1,x',
      SCALING_COOL_DOWN: '-1',
      SCALING_TARGET_BACKLOG: '0',
      SCALING_INTERVAL: 'often',
      SCALING_START_TIMEOUT: '0',
    });
    const names = problems.map((problem) => problem.slice(0, problem.indexOf(':')));
    expect(names.sort((a, b) => a.localeCompare(b))).toEqual([
      'SCALING',
      'SCALING',
      'SCALING_COOL_DOWN',
      'SCALING_INTERVAL',
      'SCALING_START_TIMEOUT',
      'SCALING_TARGET_BACKLOG',
    ]);
  });

  it('refuse workers in processes of their own on a bus within this one', () => {
    expect(problemsOf({ SCALING: 'worker:1-2', MESSAGE_BUS_TYPE: 'in_memory' })).toEqual([
      expect.stringContaining('SCALING: needs MESSAGE_BUS_TYPE=rabbitmq or redis'),
    ]);
  });
});
