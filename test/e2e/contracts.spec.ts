import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ThrowawayFolder } from '../support/throwaway-folder.js';
import { CliRun } from './cli-run.js';

/** An app of its own, outside of this repository: its contracts are plain JavaScript, as a build leaves them. */
const contracts = (fields: Readonly<Record<string, string>>): string => `
import { Contract } from 'agentmq/protocol';
import { IsInt, IsOptional, IsString } from 'class-validator';
export class Quote {}
${Object.entries(fields)
  .flatMap(([field, rules]) => rules.split(' ').map((rule) => `${rule}()(Quote.prototype, '${field}');`))
  .join('\n')}
Contract({ type: 'quote' })(Quote);
export const notAContract = 1;
`;

describe('agentmq contracts, in the CI of an app', () => {
  const app = ThrowawayFolder.create('contracts');
  const agentmq = (...args: string[]) => CliRun.start(app.path, ['contracts', ...args]).exit;
  const change = (fields: Readonly<Record<string, string>>) =>
    writeFileSync(app.join('contracts.js'), contracts(fields));

  beforeAll(() => {
    mkdirSync(app.join('node_modules'));
    symlinkSync(resolve('.'), app.join('node_modules/agentmq'));
    symlinkSync(resolve('node_modules/class-validator'), app.join('node_modules/class-validator'));
    writeFileSync(app.join('package.json'), JSON.stringify({ type: 'module' }));
  });
  afterAll(() => app.remove());

  it('passes a change that both versions can take, and fails one that they cannot', async () => {
    change({ symbol: 'IsString' });
    expect(await agentmq('write', 'contracts.js')).toMatchObject({ code: 0, stderr: '' });

    change({ symbol: 'IsString', note: 'IsOptional IsString' });
    expect(await agentmq('check', 'contracts.js')).toMatchObject({
      code: 1,
      stderr: 'agentmq: contracts.json is not up to date: run `agentmq contracts write` and commit it\n',
    });
    expect(await agentmq('write', 'contracts.js')).toMatchObject({ code: 0 });

    change({ symbol: 'IsInt', note: 'IsOptional IsString' });
    const breaks =
      'quote@1: symbol is integer, not string, which instances of before refuse. Deploy every receiver first, or declare quote@2 with `upcast`\n' +
      'quote@1: symbol is string, not integer in messages of before. Do not ask for it, or declare quote@2 with `upcast`\n';
    const before = readFileSync(app.join('contracts.json'), 'utf8');
    const refused = await Promise.all([agentmq('check', 'contracts.js'), agentmq('write', 'contracts.js')]);
    expect(refused).toMatchObject([
      { code: 1, stdout: breaks },
      { code: 1, stdout: breaks },
    ]);
    expect(readFileSync(app.join('contracts.json'), 'utf8')).toBe(before);
    expect(await agentmq('write', 'contracts.js', '--accept')).toMatchObject({ code: 0 });
    expect(await agentmq('check', 'contracts.js')).toMatchObject({ code: 0 });
  });

  it('names the module or the file that it cannot use', async () => {
    writeFileSync(app.join('empty.js'), 'export const nothing = 1;');
    const problems = await Promise.all([
      agentmq('check', 'empty.js'),
      agentmq('check', 'contracts.js', '--file', 'no.json'),
    ]);
    expect(problems.map(({ code }) => code)).toEqual([2, 2]);
    expect(problems.map(({ stderr }) => stderr)).toEqual([
      `agentmq: ${app.join('empty.js')}: exports no class that is declared with @Contract\n`,
      'agentmq: no.json: is not there: make it with `agentmq contracts write`\n',
    ]);
  });
});
