import type { Command } from 'commander';
import { withExamples } from './command/options.js';

const SHELLS = ['bash', 'zsh', 'fish'];

/** Adds what prints a script for a shell, and what that script asks for suggestions. `complete` makes the program that is completed. */
export function addCompletionCommands(program: Command, completed: () => Command): void {
  const completion = program
    .command('completion')
    .summary('print a script by which a shell completes commands')
    .description('Print a script by which a shell completes commands and options.');
  completion
    .addArgument(completion.createArgument('<shell>').choices(SHELLS))
    .action(async (shell: string) => (await suggestionsOf(completed())).setup('agentmq', 'agentmq', shell));
  withExamples(completion, {
    'source <(agentmq completion bash)': 'in ~/.bashrc',
    'source <(agentmq completion zsh)': 'in ~/.zshrc',
    'agentmq completion fish | source': 'in ~/.config/fish/config.fish',
  });
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => (await suggestionsOf(completed())).parse(words));
}

async function suggestionsOf(program: Command) {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  return tab(program, { completionCommandName: 'completion' });
}
