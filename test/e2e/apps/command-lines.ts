/**
 * The command line, asked for many times over: each line on stdin is a JSON array of the folder, the environment and the
 * arguments; what it comes to is a line on stdout. It ends by itself once stdin has ended, unless a command has left something open.
 */
import { createInterface } from 'node:readline';
import { addRunCommand } from '../../../apps/cli/src/run/command.js';
import { createProgram, runProgram } from '../../../apps/cli/src/program.js';

type CommandLine = readonly [cwd: string, env: Record<string, string>, args: readonly string[]];
type Write = typeof process.stdout.write;

const answer = process.stdout.write.bind(process.stdout);
// each command listens for a closed pipe, as the only one of its process
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);

/** A command that ends the process at once does nothing after that. */
class Ended extends Error {}

for await (const line of createInterface({ input: process.stdin })) {
  const [cwd, env, args] = JSON.parse(line) as CommandLine;
  answer(`${JSON.stringify(await outcomeOf(cwd, env, args))}\n`);
}

/** What the command has set. A declaration: the loop above runs before what stands here. */
function exitCode(): number {
  return Number(process.exitCode);
}

async function outcomeOf(...[cwd, env, args]: CommandLine): Promise<unknown> {
  process.chdir(cwd);
  process.env = { ...env };
  process.argv = [process.execPath, 'agentmq', ...args];
  process.exitCode = 0;
  const written = { stdout: '', stderr: '' };
  let ended: number | undefined;
  const into =
    (stream: 'stdout' | 'stderr'): Write =>
    (text) => {
      if (ended === undefined) written[stream] += String(text);
      return true;
    };
  process.stdout.write = into('stdout');
  process.stderr.write = into('stderr');
  process.exit = (code) => {
    ended ??= Number(code ?? process.exitCode ?? 0);
    throw new Ended();
  };
  await runProgram(createProgram(addRunCommand));
  const code = ended ?? exitCode();
  process.exitCode = 0;
  return { code, signal: null, ...written };
}
