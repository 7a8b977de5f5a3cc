import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Metrics } from 'agentmq/telemetry';
import { AgentModule } from '../agent.module.js';
import { AgentServer } from '../agent-server.js';
import { AgentDeclarationError } from '../errors.js';
import { AgentSettings, OFF } from '../settings/settings.js';
import { SelfStop } from '../stop/self-stop.js';

export interface ConnectAgentOptions {
  /** `false`: the app ends itself at SIGTERM and SIGINT, by `app.close()`. */
  readonly shutdownHooks?: boolean;
}

/**
 * Makes an app that has its own `main` an agent too (Nest calls that a hybrid app). Messages flow once `app.startAllMicroservices()`
 * has resolved; call that after `app.listen()`, so that the app's `onModuleInit` has run, and health is told while the
 * agent waits for a server. `app.close()` stops the agent gracefully, as SIGTERM and SIGINT do.
 * Throws {@link AgentDeclarationError} where the app does not import `AgentModule`, or is connected already.
 */
export function connectAgent(
  app: INestApplication,
  { shutdownHooks = true }: ConnectAgentOptions = {},
): INestMicroservice {
  checkModule(app);
  const server = app.get(AgentServer);
  if (app.getMicroservices().some((microservice) => microservice.getTransportServer() === server))
    throw new AgentDeclarationError('connectAgent was called twice for one app');
  if (app.get(AgentSettings).http.metricsPath !== OFF) app.get(Metrics).collectProcess();
  // Nest's default repeats the signal to itself, which a container's first process does not feel.
  if (shutdownHooks) app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  app.get(SelfStop).endsBy(() => end(app, shutdownHooks));
  return app.connectMicroservice({ strategy: server });
}

/** Looks at the modules, as Nest's `get` would end the process. */
function checkModule(app: INestApplication): void {
  const modules = [...app.get(ModulesContainer).values()];
  if (!modules.some(({ metatype }) => metatype === AgentModule))
    throw new AgentDeclarationError('the app does not import AgentModule: add AgentModule.forRoot() to the imports');
}

async function end(app: INestApplication, endsProcess: boolean): Promise<void> {
  try {
    await app.close();
  } catch (error) {
    if (!endsProcess) throw error;
    new Logger('AgentMQ').error(error);
    process.exit(1);
  }
  if (endsProcess) process.exit(0);
}
