import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ThrowawayFolder } from '../support/throwaway-folder.js';
import { CommandLines } from './command-lines.js';

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
  const commands = new CommandLines();
  const agentmq = (...args: string[]) => commands.run(app.path, ['contracts', ...args]);
  let version = 0;
  /** A module that has these contracts: one of its own for each change, since a process reads a module once. */
  const having = (fields: Readonly<Record<string, string>>): string => {
    const module = `contracts-${++version}.js`;
    writeFileSync(app.join(module), contracts(fields));
    return module;
  };

  beforeAll(() => {
    mkdirSync(app.join('node_modules'));
    symlinkSync(resolve('.'), app.join('node_modules/agentmq'));
    symlinkSync(resolve('node_modules/class-validator'), app.join('node_modules/class-validator'));
    writeFileSync(app.join('package.json'), JSON.stringify({ type: 'module' }));
  });
  afterAll(async () => {
    await commands.close();
    app.remove();
  });

  it('passes a change that both versions can take, and fails one that they cannot', async () => {
    const first = having({ symbol: 'IsString' });
    expect(await agentmq('write', first)).toMatchObject({ code: 0, stderr: '' });

    const taken = having({ symbol: 'IsString', note: 'IsOptional IsString' });
    expect(await agentmq('check', taken)).toMatchObject({
      code: 1,
      stderr: 'agentmq: contracts.json is not up to date: run `agentmq contracts write` and commit it\n',
    });
    expect(await agentmq('write', taken)).toMatchObject({ code: 0 });

    const broken = having({ symbol: 'IsInt', note: 'IsOptional IsString' });
    const breaks =
      'quote@1: symbol is integer, not string, which instances of before refuse. Deploy every receiver first, or declare quote@2 with `upcast`\n' +
      'quote@1: symbol is string, not integer in messages of before. Do not ask for it, or declare quote@2 with `upcast`\n';
    const before = readFileSync(app.join('contracts.json'), 'utf8');
    const refused = [await agentmq('check', broken), await agentmq('write', broken)];
    expect(refused).toMatchObject([
      { code: 1, stdout: breaks },
      { code: 1, stdout: breaks },
    ]);
    expect(readFileSync(app.join('contracts.json'), 'utf8')).toBe(before);
    expect(await agentmq('write', broken, '--accept')).toMatchObject({ code: 0 });
    expect(await agentmq('check', broken)).toMatchObject({ code: 0 });
  });

  it('names the module or the file that it cannot use', async () => {
    writeFileSync(app.join('empty.js'), 'export const nothing = 1;');
    const module = having({ symbol: 'IsString' });
    const problems = [await agentmq('check', 'empty.js'), await agentmq('check', module, '--file', 'no.json')];
    expect(problems.map(({ code }) => code)).toEqual([2, 2]);
    expect(problems.map(({ stderr }) => stderr)).toEqual([
      `agentmq: ${app.join('empty.js')}: exports no class that is declared with @Contract\n`,
      'agentmq: no.json: is not there: make it with `agentmq contracts write`\n',
    ]);
  });
});
