import { isatty } from 'node:tty';
import {
  type DynamicModule,
  type INestApplicationContext,
  Logger,
  type LoggerService,
  type LogLevel,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AgentMQError, visible } from 'agentmq/protocol';
import { SettingsError } from 'agentmq/settings';
import { Metrics } from 'agentmq/telemetry';
import { AgentLogger } from './agent-logger.js';
import { AgentServer } from './agent-server.js';
import { exitOnSecondSignal } from './exit-on-second-signal.js';
import { SelfStop } from './self-stop.js';
import { type LogLevel as LeastLevel, logLevels } from './settings/settings.js';
import { loadSettings } from './settings/load-settings.js';
import { stopWithNpm } from './stop-with-npm.js';

/**
 * An app's whole `main`: starts HTTP (health, metrics, the app's own routes), then the agent. Resolves when messages
 * flow (with `MESSAGE_BUS_START=degraded`: when HTTP listens). SIGTERM and SIGINT stop it gracefully, a second one ends
 * it at once. What prevents the start is printed, all wrong settings together, and ends the process with exit code 1.
 */
export async function startAgent(app: Type | DynamicModule): Promise<void> {
  let server: AgentServer | undefined;
  // A closed stdout (EPIPE) must not stop the agent.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    Logger.overrideLogger(new AgentLogger());
    const { log, bus, http } = loadSettings();
    const colors = isatty(process.stdout.fd);
    const nest = await NestFactory.create<NestExpressApplication>(app, {
      abortOnError: false,
      // An unfinished request must not hold up a stop.
      forceCloseConnections: true,
      logger: new AgentLogger({ json: log.format === 'json', colors, logLevels: logLevelsUpTo(log.level) }),
    });
    server = nest.get(AgentServer);
    nest.get(Metrics).collectProcess();
    nest.useBodyParser('json', { limit: bus.maxMessageBytes });
    exitOnSecondSignal();
    stopWithNpm();
    // Nest's default repeats the signal to itself, which a container's first process does not feel.
    nest.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
    nest.get(SelfStop).endsBy(async () => {
      await nest.close().catch((error: unknown) => {
        new Logger('AgentMQ').error(explain(error));
        process.exit(1);
      });
      process.exit(0);
    });
    nest.connectMicroservice({ strategy: server });
    await nest.listen(http.port);
    await nest.startAllMicroservices();
  } catch (error) {
    // Told to stop while it waited for a server: that is no failure, and the shutdown ends the process.
    if (server?.isClosing) return;
    new Logger('AgentMQ').error(explain(error));
    if (error instanceof SettingsError) {
      for (const problem of error.problems) process.stderr.write(`  ${visible(problem)}\n`);
    }
    process.exit(1);
  }
}

/** What an operator can act on is told without a stack: our own errors, and the system's (`EADDRINUSE`). */
function explain(error: unknown): unknown {
  if (error instanceof SettingsError) return `${error.name}: invalid settings:`;
  if (error instanceof AgentMQError) return `${error.name}: ${error.message}`;
  return error instanceof Error && 'code' in error ? error.message : error;
}

/**
 * Starts an agent without HTTP, as one of several in a process. Resolves when its messages flow; `close()` stops it. A logger of
 * the caller's gets text from outside as it is: it has to escape it, as {@link AgentLogger} does.
 * Rejects with what prevents the start.
 */
export async function startEmbeddedAgent(
  app: Type | DynamicModule,
  logger: LoggerService | LogLevel[] = ['error', 'warn'],
): Promise<INestApplicationContext> {
  const agent = await NestFactory.createMicroservice(app, {
    abortOnError: false,
    logger: Array.isArray(logger) ? new AgentLogger({ logLevels: logger }) : logger,
    useFactory: (strategy: AgentServer) => ({ strategy }),
    inject: [AgentServer],
  });
  agent.get(SelfStop).endsBy(() => agent.close());
  try {
    await agent.listen();
  } catch (error) {
    await agent.close();
    throw error;
  }
  return agent;
}

/** The levels that a Nest logger is to show for one level. */
const logLevelsUpTo = (level: LeastLevel): LeastLevel[] => logLevels.slice(0, logLevels.indexOf(level) + 1);
