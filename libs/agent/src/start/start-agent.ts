import { networkInterfaces } from 'node:os';
import {
  type DynamicModule,
  type INestApplication,
  type INestApplicationContext,
  Logger,
  type LoggerService,
  type LogLevel,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { AgentMQError, visible } from 'agentmq/protocol';
import { SettingsError } from 'agentmq/settings';
import { AgentLogger } from '../log/agent-logger.js';
import { AgentServer } from '../agent-server.js';
import { connectAgent } from './connect-agent.js';
import { AgentIdentity } from '../identity.js';
import { addressOf, openness, problemsOfServing } from './http-address.js';
import { loadSettings } from '../settings/load-settings.js';
import { AgentSettings, type LogLevel as LeastLevel, logLevels, LogSettings } from '../settings/settings.js';
import { exitOnSecondSignal } from '../stop/exit-on-second-signal.js';
import { SelfStop } from '../stop/self-stop.js';
import { stopWithNpm } from '../stop/stop-with-npm.js';
import { StartLogger } from './start-logger.js';
import { ProcessSpans } from '../tracing/process-spans.js';

/** Nest's own options of an app (`cors`, `rawBody`, `httpsOptions`, ...), and what else `main` would do. */
export interface StartAgentOptions<App extends INestApplication = INestApplication> extends Omit<
  NestApplicationOptions,
  'abortOnError'
> {
  /** A `FastifyAdapter`, or another HTTP adapter; Express's unless given. */
  readonly adapter?: AbstractHttpAdapter;
  /** Sets up the app before it listens, as its `main` would: global prefix, pipes, versions, Swagger, `app.useLogger`. */
  readonly nest?: (app: App) => void | Promise<void>;
}

/**
 * An app's whole `main`: starts HTTP (health, metrics, the app's own routes), then the agent. Resolves when messages
 * flow (with `MESSAGE_BUS_START=degraded`: when HTTP listens). SIGTERM and SIGINT stop it gracefully, a second one ends
 * it at once. What prevents the start is printed, all wrong settings together, and ends the process with exit code 1.
 * The log is an {@link AgentLogger} as the settings say, unless the app has a logger of its own.
 */
export async function startAgent<App extends INestApplication = INestApplication>(
  app: Type | DynamicModule,
  options: StartAgentOptions<App> = {},
): Promise<void> {
  let server: AgentServer | undefined;
  // A closed stdout (EPIPE) must not stop the agent.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    const nest = await createApp(app, options);
    connectAgent(nest);
    await nest.get(ProcessSpans).start();
    server = nest.get(AgentServer);
    const settings = nest.get(AgentSettings);
    const { log, http } = settings;
    Logger.overrideLogger(loggerOf(options.logger, log, nest.get(AgentIdentity).id));
    const problems = problemsOfServing(settings);
    if (problems.length > 0) throw new SettingsError(problems);
    await options.nest?.(nest);
    nest.flushLogs();
    exitOnSecondSignal();
    stopWithNpm();
    const warning = openness(settings);
    if (warning !== undefined) new Logger('AgentMQ').warn(warning);
    const host = addressOf(http) || everywhere(nest);
    await (host ? nest.listen(http.port, host) : nest.listen(http.port));
    await nest.startAllMicroservices();
  } catch (error) {
    // Told to stop while it waited for a server: that is no failure, and the shutdown ends the process.
    if (server?.isClosing) return;
    Logger.flush();
    new Logger('AgentMQ').error(explain(error));
    if (error instanceof SettingsError) {
      const { settings } = error;
      const more = settings instanceof AgentSettings ? problemsOfServing(settings) : [];
      for (const problem of [...error.problems, ...more]) process.stderr.write(`  ${visible(problem)}\n`);
    }
    process.exit(1);
  }
}

/** How long lines may wait for the logger that the app sets up, in ms: a provider that waits for a server tells so meanwhile. */
const BUFFERED_MS = 1_000;

async function createApp<App extends INestApplication>(
  app: Type | DynamicModule,
  { adapter, nest: _, logger, ...given }: StartAgentOptions<App>,
): Promise<App> {
  const starting = loggerOf(logger, logSettings());
  const options: NestApplicationOptions = {
    // An unfinished request must not hold up a stop.
    forceCloseConnections: true,
    bufferLogs: true,
    ...given,
    logger: starting && new StartLogger(starting),
    abortOnError: false,
  };
  if (given.bufferLogs === undefined) setTimeout(() => Logger.flush(), BUFFERED_MS).unref();
  return adapter ? NestFactory.create<App>(app, adapter, options) : NestFactory.create<App>(app, options);
}

function loggerOf(
  given: NestApplicationOptions['logger'],
  { format, level }: LogSettings,
  agentId?: string,
): LoggerService | false {
  if (given === false) return false;
  if (typeof given === 'object' && !Array.isArray(given)) return given;
  const levels = Array.isArray(given) ? given : logLevelsUpTo(level);
  return new AgentLogger({ format, logLevels: levels, ...(agentId !== undefined && { agentId }) });
}

/** Of the environment, for what is logged before the app has read its settings; the defaults where some setting is wrong. */
function logSettings(): LogSettings {
  try {
    return loadSettings().log;
  } catch {
    return new LogSettings();
  }
}

/** Fastify listens at localhost unless told otherwise: health checks come from outside. Other adapters listen at all addresses. */
function everywhere(app: INestApplication): string | undefined {
  if (app.getHttpAdapter().getType() !== 'fastify') return undefined;
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.some((address) => address?.family === 'IPv6') ? '::' : '0.0.0.0';
}
/** What an operator can act on is told without a stack: our own errors, and that HTTP can't listen (`EADDRINUSE`). */
function explain(error: unknown): unknown {
  if (error instanceof SettingsError) return `${error.name}: invalid settings:`;
  if (error instanceof AgentMQError) return `${error.name}: ${error.message}`;
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen' ? error.message : error;
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

/**
 * Starts an agent with HTTP at a port of loopback (0: any free one), as one of several in a process. Resolves when its messages flow,
 * `close()` stops it. Rejects with what prevents the start.
 */
export async function serveEmbeddedAgent<App extends INestApplication = INestApplication>(
  app: Type | DynamicModule,
  { port, logger, nest: setUp }: { port: number; logger: LoggerService; nest: (app: App) => void | Promise<void> },
): Promise<App> {
  const nest = await NestFactory.create<App>(app, { abortOnError: false, logger, forceCloseConnections: true });
  connectAgent(nest, { shutdownHooks: false });
  try {
    await setUp(nest);
    await nest.listen(port, '127.0.0.1');
    await nest.startAllMicroservices();
  } catch (error) {
    await nest.close();
    throw error;
  }
  return nest;
}

/** The levels that a Nest logger is to show for one level. */
const logLevelsUpTo = (level: LeastLevel): LeastLevel[] => logLevels.slice(0, logLevels.indexOf(level) + 1);
