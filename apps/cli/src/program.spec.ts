import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from './program.js';
import { addRunCommand } from './run/command.js';

const leaves = (command: Command, path = ''): { readonly path: string; readonly command: Command }[] =>
  command.commands.flatMap((each) => {
    const name = `${path}${each.name()}`;
    return each.commands.length > 0 ? leaves(each, `${name} `) : [{ path: name, command: each }];
  });
const all = leaves(createProgram(addRunCommand)).filter(({ path }) => path !== 'complete');

it('every command is on the page of the command line', () => {
  const page = readFileSync('docs/COMMAND-LINE.md', 'utf8');
  const missing = all.filter(({ path }) => path.split(' ').some((word) => !new RegExp(`\\b${word}\\b`).test(page)));
  expect(missing.map(({ path }) => path)).toEqual([]);
});

it('every command is described, in a line of the list, by words and not by its name', () => {
  const bad = all.filter(
    ({ command }) => !command.description() || (command.summary() || command.description()).length > 100,
  );
  expect(bad.map(({ path }) => path)).toEqual([]);
});

it('every command, and every group of commands, has examples in its help', () => {
  const helpOf = (command: Command): string => {
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
    return text;
  };
  const groups = createProgram(addRunCommand).commands.filter((command) => command.commands.length > 0);
  const commands = [...all.map((each) => each.command), ...groups];
  const bad = commands.filter((command) => !/\nExamples:\n {2}\S*.*agentmq /.test(helpOf(command)));
  expect(bad.map((command) => command.name())).toEqual([]);
});
