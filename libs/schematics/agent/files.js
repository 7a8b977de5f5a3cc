/**
 * What is generated for an agent, by the ending of the file's name. `of` is how another file of it is imported.
 * @param {{ name: string, className: string, type: string, of: (ending: string) => string }} agent
 */
export const filesOf = ({ name, className, type, of }) => ({
  contract: `import { Contract } from 'agentmq';
import { IsString } from 'class-validator';

/** What is asked of ${name}. Apps that ask import this class, from a library that they share. */
@Contract({ type: '${type}_request' })
export class ${className}Request {
  @IsString()
  subject!: string;
}

/** What it comes to. */
@Contract({ type: '${type}_result' })
export class ${className}Result {
  @IsString()
  text!: string;
}
`,

  agent: `import { Agent } from 'agentmq';
import { Task } from 'agentmq/coordination';
import { ${className}Request, ${className}Result } from '${of('contract')}';

@Agent({ role: '${name}' })
export class ${className}Agent {
  /** Carries out tasks of the contract, and answers requests of it. Throwing fails the attempt, which is tried again. */
  @Task(${className}Request)
  handle({ subject }: ${className}Request): ${className}Result {
    return { text: \`${name} has seen \${subject}\` };
  }
}
`,

  module: `import { Module } from '@nestjs/common';
import { TasksModule } from 'agentmq/coordination';
import { ${className}Agent } from '${of('agent')}';

@Module({ imports: [TasksModule], controllers: [${className}Agent] })
export class ${className}Module {}
`,

  spec: `import { TestSystem } from 'agentmq/testing';
import { ${className}Request, ${className}Result } from '${of('contract')}';
import { ${className}Module } from '${of('module')}';

describe('${className}Agent', () => {
  let system: TestSystem;

  // the first one on a machine sets up its database
  beforeAll(async () => {
    system = await TestSystem.create({ imports: [${className}Module] });
  }, 60_000);

  afterAll(() => system?.close());

  it('answers', async () => {
    const answer = await system.request({ role: '${name}' }, ${className}Request, { subject: 'a' }, { answer: ${className}Result });
    expect(answer.text).toBe('${name} has seen a');
  });
});
`,
});

/** @param {{ className: string, of: (ending: string) => string, isEsm: boolean, assigns: boolean }} agent */
export const mainOf = ({ className, of, isEsm, assigns }) => `import { Module } from '@nestjs/common';
import { AgentModule, startAgent } from 'agentmq';
${assigns ? "import { CoordinatorsModule } from 'agentmq/coordination';\n" : ''}\
import { ${className}Module } from '${of('module')}';

@Module({ imports: [AgentModule.forRoot(), ${assigns ? 'CoordinatorsModule, ' : ''}${className}Module] })
class AppModule {}

${isEsm ? 'await' : 'void'} startAgent(AppModule);
`;
