import { expect, it } from '@jest/globals';
import { Body, Controller, Post } from '@nestjs/common';
import { Agent, AgentClient, Handle } from 'agentmq/agent';
import { Contract } from 'agentmq/protocol';
import { IsString } from 'class-validator';
import { TestSystem } from './index.js';

@Contract({ type: 'greet' })
class Greet {
  @IsString() name!: string;
}

@Agent({ role: 'greeter' })
class Greeter {
  @Handle(Greet)
  greet(): void {}
}

@Controller('greetings')
class Greetings {
  constructor(private readonly client: AgentClient) {}

  @Post()
  async greet(@Body() { name }: Greet): Promise<void> {
    await this.client.send({ role: 'greeter' }, Greet, { name });
  }
}

it('an app with HTTP is asked as its clients ask it, and has its own prefix', async () => {
  const system = await TestSystem.create({
    controllers: [Greeter, Greetings],
    http: { nest: (app) => app.setGlobalPrefix('api') },
  });
  try {
    const url = await system.apps[0]?.http.getUrl();
    const body = JSON.stringify({ name: 'Ada' });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/api/greetings`, { method: 'POST', body, headers })).status).toBe(201);
    await system.quiet();
    expect(await system.handled(Greet)).toMatchObject([{ payload: { name: 'Ada' } }]);
  } finally {
    await system.close();
  }
});
