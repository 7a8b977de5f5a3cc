import { isatty } from 'node:tty';
import type { LoggerService, LogLevel } from '@nestjs/common';
import { logFields } from 'agentmq/messaging';
import { visibleJson } from 'agentmq/protocol';
import pino from 'pino';
import { lineOfValues } from './loggable.js';
import { textOf } from './text.js';

export interface AgentLoggerOptions {
  /** `auto`, the default: text in a terminal, JSON elsewhere. */
  readonly format?: 'auto' | 'text' | 'json';
  /** Of text: in a terminal, unless given. */
  readonly colors?: boolean;
  /** All unless given. */
  readonly logLevels?: readonly LogLevel[];
  readonly stream?: 'stdout' | 'stderr';
  /** The one agent of the process, where it is one: each line has its id. */
  readonly agentId?: string;
}

/** Nest's levels, as pino has them. */
const LEVELS = { verbose: 'trace', debug: 'debug', log: 'info', warn: 'warn', error: 'error', fatal: 'fatal' } as const;
const NAMES = new Map<string, LogLevel>(Object.entries(LEVELS).map(([name, level]) => [level, name as LogLevel]));

/** What Nest tells of its modules and routes, at level `log`, some forty lines at each start. */
const OF_NEST = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'NestMicroservice',
  'RouterExplorer',
  'RoutesResolver',
  'WebSocketsController',
]);

/**
 * The log by pino: text in a terminal, JSON elsewhere. What is logged while a message is handled has its id, its trace and the
 * agent. Text from outside (types, ids, what errors say) forges no line and moves no cursor: a message is one line, and the lines
 * of a stack are indented. Payloads of sensitive contracts are not shown.
 */
export class AgentLogger implements LoggerService {
  private readonly pino: pino.Logger;
  private levels: ReadonlySet<LogLevel>;

  constructor({ format = 'auto', colors, logLevels, stream = 'stdout', agentId }: AgentLoggerOptions = {}) {
    this.levels = new Set(logLevels ?? NAMES.values());
    const out = process[stream];
    const isTerminal = isatty(out.fd);
    const isText = format === 'auto' ? isTerminal : format === 'text';
    const lineOf = isText ? textOf(colors ?? isTerminal) : (line: string) => `${visibleJson(line.trimEnd())}\n`;
    const options: pino.LoggerOptions = {
      level: 'trace',
      messageKey: 'message',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: NAMES.get(label) ?? label }) },
      mixin: () => (agentId === undefined ? logFields() : { agentId, ...logFields() }),
    };
    this.pino = pino(options, { write: (line) => void out.write(lineOf(line)) });
  }

  log(message: unknown, ...params: unknown[]): void {
    const context = params.at(-1);
    this.print(typeof context === 'string' && OF_NEST.has(context) ? 'debug' : 'log', message, params);
  }

  error(message: unknown, ...params: unknown[]): void {
    this.print('error', message, params);
  }

  warn(message: unknown, ...params: unknown[]): void {
    this.print('warn', message, params);
  }

  debug(message: unknown, ...params: unknown[]): void {
    this.print('debug', message, params);
  }

  verbose(message: unknown, ...params: unknown[]): void {
    this.print('verbose', message, params);
  }

  fatal(message: unknown, ...params: unknown[]): void {
    this.print('fatal', message, params);
  }

  setLogLevels(levels: LogLevel[]): void {
    this.levels = new Set(levels);
  }

  /** As Nest's `Logger` calls it: the last text is the context, and of an error a text of several lines is its stack. */
  private print(level: LogLevel, message: unknown, params: readonly unknown[]): void {
    if (!this.levels.has(level)) return;
    const more = params.filter((each) => each !== undefined);
    const stacks = level === 'error' || level === 'fatal' ? more.filter(isStack) : [];
    const others = more.filter((each) => !isStack(each) || !stacks.includes(each));
    const context = typeof others.at(-1) === 'string' ? others.pop() : undefined;
    const loggable = lineOfValues();
    const shown = typeof message === 'object' && message !== null ? loggable(message) : String(message);
    const fields = {
      ...(context !== undefined && { context }),
      ...(others.length > 0 && { data: others.map((each) => loggable(each)) }),
      ...(stacks.length > 0 && { stack: stacks[0] }),
    };
    const write = (own: object, text?: string): void => this.pino[LEVELS[level]]({ ...fields, ...own }, text);
    if (typeof shown !== 'object' || shown === null) return write({}, String(shown));
    if (!(message instanceof Error)) return write({ data: shown });
    const { name, message: text, stack, ...error } = shown as Error;
    write({ stack, ...(Object.keys(error).length > 0 && { error }) }, `${name}: ${text}`);
  }
}

const isStack = (each: unknown): each is string => typeof each === 'string' && /\n\s+at /.test(each);
