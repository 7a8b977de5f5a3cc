import type { Command } from 'commander';
import { type JsonOption, withExamples, withJson } from '../command/options.js';
import { agentName, consumerName } from '../command/parsers.js';
import type { DrainOptions, PauseOptions, ResumeOptions } from './pauses.js';

/** Adds what holds agents back, and lets them go on. */
export function addPauseCommands(program: Command): void {
  const pause = program
    .command('pause')
    .summary("stop reading a role's inbox, or what an agent takes")
    .description(
      "Have no agent read a role's inbox, or an agent take nothing new. Without a target, list what is paused.",
    )
    .argument('[target]', 'role.<role> or agent.<agent id>', consumerName)
    .option('--reason <text>', 'why')
    .action(async (target: string | undefined, { reason, json }: Partial<PauseOptions> & JsonOption) => {
      const { listPauses, pause: begin } = await import('./pauses.js');
      if (target === undefined) return listPauses({ json });
      if (reason === undefined) return pause.error("error: required option '--reason <text>' not specified");
      return begin(target, { reason, json });
    });
  withExamples(withJson(pause), {
    "agentmq pause role.worker --reason 'the disk is full'": 'all agents of the role',
    'agentmq pause': 'what is paused, by whom and why',
  });
  const resume = program
    .command('resume')
    .description("have a role's inbox read again, or an agent take messages and tasks again")
    .argument('<target>', 'role.<role> or agent.<agent id>', consumerName)
    .option('--reason <text>', 'why')
    .action(async (target: string, options: ResumeOptions) => (await import('./pauses.js')).resume(target, options));
  withExamples(withJson(resume), { 'agentmq resume role.worker': '' });
  const drain = program
    .command('drain')
    .summary('have an agent finish what it has, and take nothing new')
    .description('Have an agent finish what it has, and take nothing new, until it is resumed.')
    .argument('<agent>', 'its id', agentName)
    .requiredOption('--reason <text>', 'why')
    .option('--wait', 'end when it has nothing left, or is stopped', false)
    .action(async (agent: string, options: DrainOptions) => (await import('./pauses.js')).drain(agent, options));
  withExamples(withJson(drain), { "agentmq drain worker-1 --reason 'a new version' --wait": 'then stop it' });
}
