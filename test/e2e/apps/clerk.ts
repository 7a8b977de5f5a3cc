import { Body, Controller, Module, Post } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, Contract, Handle, startAgent, Subscribe } from 'agentmq';
import { TaskRequest } from 'agentmq/contracts';
import { IsString } from 'class-validator';

/** An app of somebody else's: `agentmq` and the monitor do not know its contracts. The role is the first argument. */
const [role = 'clerk'] = process.argv.slice(2);

@Contract({ type: 'slip', retry: { attempts: 2, delay: 10 } })
class Slip {
  @IsString()
  text!: string;
}

@Agent({ role })
class ClerkAgent {
  /** `refuse …` fails, `hang …` never ends. */
  @Handle(Slip)
  async file({ text }: Slip): Promise<void> {
    if (text.startsWith('refuse')) throw new Error(`refused: ${text}`);
    if (text.startsWith('hang')) await new Promise(() => undefined);
  }

  @Subscribe('slips.*', Slip, { scope: 'instance' })
  hear(): void {}
}

/** Sends for the test, which has no agent of its own. */
@Controller()
class SendingController {
  constructor(private readonly agents: AgentClient) {}

  @Post('slips')
  async slip(@Body() { text }: Slip): Promise<{ id: string }> {
    const { messageId } = await this.agents.send({ role }, Slip, { text });
    return { id: messageId };
  }

  @Post('task-requests')
  async task(@Body() request: TaskRequest): Promise<{ id: string }> {
    const { messageId } = await this.agents.send({ role: 'coordinator' }, TaskRequest, { ...request });
    return { id: messageId };
  }
}

@Module({ imports: [AgentModule.forRoot()], controllers: [ClerkAgent, SendingController] })
class ClerkModule {}

await startAgent(ClerkModule);
