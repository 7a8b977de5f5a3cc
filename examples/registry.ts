import { Module } from '@nestjs/common';
import { type Team } from 'agentmq/agent';
import { Agent, AgentRegistry } from 'agentmq';
import { filter, firstValueFrom } from 'rxjs';

@Agent({ role: 'desk' })
class DeskAgent {}

@Module({ controllers: [DeskAgent] })
class DeskModule {}

@Agent({ role: 'translator', capabilities: ['translate_fr', 'translate_de'] })
class TranslatorAgent {}

@Module({ controllers: [TranslatorAgent] })
class TranslatorModule {}

/** Resolves with the roles of the agents that translate. */
export async function registry(team: Team): Promise<string[]> {
  const desk = await team.add('desk', { module: DeskModule });
  const agents = desk.get(AgentRegistry);
  const joined = firstValueFrom(
    agents.events.pipe(filter(({ kind, agent }) => kind === 'joined' && agent.role === 'translator')),
  );
  await team.add('translator', { module: TranslatorModule });
  await joined;
  return agents.find({ capability: 'translate_*' }).map(({ role }) => role);
}
